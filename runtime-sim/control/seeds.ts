/**
 * Many seeds of control logs alone, judged by Raft's own invariants:
 *
 *     npm run control-seeds -- --seeds 1..1000
 *     npm run control-seeds -- --seeds 7..7 --tell        tells the run: who votes, who leads, what is applied
 *     npm run control-seeds -- --seeds 1..200 --plant vote-twice --stop-at-first
 *
 * One line of JSON for each run that is not ok, and one for all at the end. Exit code 1 when an invariant was broken, 3 when the nodes did not come to agree or
 * nothing was proved, 2 when the command is wrong.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { judgeControlLog } from '../../checker/control-log.js';
import type { Verdict } from '../../checker/history.js';
import { controlBugs } from '../../checker/planted-bugs/control-bugs.js';
import { plantingArguments } from '../planted-source.js';
import { ControlCluster } from './control-cluster.js';
import { drawControlPlan } from './control-plan.js';
import { ControlStory } from './control-story.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1..100' },
    plant: { type: 'string' },
    tell: { type: 'boolean', default: false },
    'stop-at-first': { type: 'boolean', default: false },
  },
});
const range = /^(\d+)\.\.(\d+)$/.exec(values.seeds);
const bug = controlBugs.find(({ name }) => name === values.plant);
if (range === null || (values.plant !== undefined && bug === undefined)) {
  const what = range === null ? '--seeds takes A..B' : `no bug is called ${values.plant}`;
  process.stderr.write(`control-seeds: ${what}; bugs are ${controlBugs.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}

/** Runs again in a process whose loader has the bug. */
if (bug !== undefined) {
  const rest = process.argv.slice(2).filter((argument, at, all) => argument !== '--plant' && all[at - 1] !== '--plant');
  const script = fileURLToPath(import.meta.url);
  const planted = spawnSync(process.execPath, [...plantingArguments(bug), '--import', 'tsx', script, ...rest], { stdio: 'inherit' });
  process.exit(planted.status ?? 4);
}

/** What the core asserts of itself is a promise as well: a run that breaks it ends there. */
function judged(cluster: ControlCluster): Verdict {
  try {
    return judgeControlLog(cluster.run());
  } catch (error) {
    return {
      verdict: 'violation',
      reason: `after ${cluster.nowMs} ms the core threw: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

const counts = {
  runs: 0,
  ok: 0,
  violations: 0,
  notConverged: 0,
  unknown: 0,
  elections: 0,
  answered: 0,
  applied: 0,
  confirmed: 0,
  orders: 0,
  begunAnew: 0,
  events: 0,
};
for (let seed = Number(range[1]); seed <= Number(range[2]); seed += 1) {
  const story = new ControlStory(
    () => cluster,
    (line) => process.stdout.write(`${line}\n`),
  );
  const cluster: ControlCluster = new ControlCluster(seed, drawControlPlan(seed), values.tell ? story.listener : {});
  const verdict = judged(cluster);
  story.end();
  counts.runs += 1;
  counts.events += cluster.trace.events;
  counts.begunAnew += cluster.begunAnew;
  for (const figure of ['elections', 'answered', 'applied', 'confirmed', 'orders'] as const) counts[figure] += Number(verdict[figure] ?? 0);
  if (verdict.verdict === 'ok') counts.ok += 1;
  else if (verdict.verdict !== 'violation') counts.unknown += 1;
  else if (verdict.notConverged === true) counts.notConverged += 1;
  else counts.violations += 1;
  if (verdict.verdict !== 'ok') process.stdout.write(`${JSON.stringify({ seed, traceHash: cluster.trace.hash, ...verdict })}\n`);
  if (values['stop-at-first'] && counts.violations > 0) break;
}
process.stdout.write(`${JSON.stringify(counts)}\n`);
process.exitCode = counts.violations > 0 ? 1 : counts.notConverged + counts.unknown > 0 ? 3 : 0;
