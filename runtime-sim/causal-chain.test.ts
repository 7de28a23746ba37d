/** The story behind a violation: told of the right records, in order, and of nothing else. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Operation, Verdict } from '../checker/history.js';
import { spaceName } from '../core/identifiers.js';
import { causalChain, runExplained } from './causal-chain.js';
import { builtScenario } from './option-values.js';
import { type RunResult, runSeed } from './run-seed.js';
import { RecordedRun } from './trace/recorded-run.js';

const chains = suite('causal chain');

const recorded = new RecordedRun();
const run = runSeed({ scenario: builtScenario('clean-split'), seed: 3, durationMs: 6_000, sink: recorded });

/** As if this checker had found this. */
function accused(checker: string, found: Extract<Verdict, { verdict: 'violation' }>): RunResult {
  return { ...run, verdict: 'violation', reason: `${checker}: ${found.reason}`, verdicts: { ...run.verdicts, [checker]: found } };
}

function positions(chain: readonly string[], ...patterns: RegExp[]): number[] {
  return patterns.map((pattern) => chain.findIndex((line) => pattern.test(line)));
}

const { operations } = run.history;
const write = operations.find((one) => one.kind === 'remember' && one.outcome === 'ok' && one.version !== null) as Operation;
const read = operations.findLast((one) => one.kind === 'final-read' && one.space === write.space && one.id === write.id) as Operation;
const space = spaceName(write.space);

chains('a lost write: asked, appended, pushed, synced, acknowledged, missed, and where it is in the end', () => {
  const chain = causalChain(accused('loss', { verdict: 'violation', reason: '1 lost', operations: [write.index, read.index] }), recorded);
  const dot = /as (\d+@n\d\.\d+)$/.exec(chain[1])?.[1] as string;
  assert.is(chain[0], 'loss: 1 lost');
  assert.match(chain[1], `operation ${write.index}: remember of ${write.id} = ${write.value} in ${space}`);
  assert.match(chain[2], `operation ${read.index}: final-read of ${write.id} in ${space}`);
  const at = positions(
    chain,
    new RegExp(`asks n\\d to remember ${write.id} = ${write.value} in ${space}`),
    new RegExp(`appends ${dot} `),
    new RegExp(`has synced ${dot} `),
    new RegExp(`acknowledges to c\\d+: ${write.id} = ${write.value} is written as ${dot}`),
    new RegExp(`reader-n\\d +asks n\\d to read ${write.id} of ${space}`),
    new RegExp(`^in the end, ${dot} of ${space} on n\\d: was durable on its disk`),
  );
  assert.not.ok(at.includes(-1), `${at.join(' ')}\n${chain.join('\n')}`);
  assert.equal(
    at,
    at.toSorted((one, other) => one - other),
  );
  assert.ok(chain.some((line) => line.includes(`pushes ${dot} `)));
});

chains('nothing is told of other memories', () => {
  const chain = causalChain(accused('loss', { verdict: 'violation', reason: '1 lost', operations: [write.index, read.index] }), recorded);
  const asked = chain.filter((line) => / (asks|tries) n\d/.test(line));
  assert.ok(asked.length > 0);
  for (const line of asked) assert.match(line, new RegExp(` ${write.id}\\b.* ${space}`));
  assert.ok(chain.length < 120, `${chain.length} lines`);
});

chains('a verdict about a disk names its record in the reason', () => {
  const reason = `${write.node} lost 1 durable records in the crash at 12.5 ms, ${write.space} ${write.version}`;
  const chain = causalChain(accused('durability', { verdict: 'violation', reason }), recorded);
  assert.match(chain[0], new RegExp(`^durability: n\\d lost 1 durable records in the crash at 12.5 ms, ${write.space} \\d+@n\\d\\.1$`));
  assert.ok(chain.some((line) => line.includes(`${write.id} = ${write.value}`)));
});

chains('copies that differ are told apart by what one of them lacks', () => {
  const [copy] = run.history.samples.at(-1)?.copies ?? [];
  const forgetful = { ...copy, versions: copy.versions.slice(1) };
  const samples = run.history.samples.map((sample) => ({
    ...sample,
    copies: sample.copies.map((one) => (one === copy ? forgetful : one)),
  }));
  const reason = `not converged: the copies of ${copy.space} on ${copy.node} and another differ`;
  const differing = {
    ...accused('convergence', { verdict: 'violation', notConverged: true, reason }),
    history: { ...run.history, samples },
  };
  const chain = causalChain(differing, recorded);
  const [lost] = copy.versions;
  const sequence = lost.version.slice(0, lost.version.indexOf('@'));
  assert.ok(chain.some((line) => line.startsWith(`in the end, ${sequence}@`) && /vouches for it and does not hold it|lacks it/.test(line)));
});

chains('a verdict that names neither operation nor space is told with all that was done to the nodes', () => {
  const chain = causalChain(accused('invariants', { verdict: 'violation', reason: 'the core threw on n1 at 5 ms: Error: no' }), recorded);
  assert.ok(chain.some((line) => line.includes('cuts the links')));
  assert.ok(chain.length > 5);
});

chains('a run that breaks no promise has no story, and recording it changes nothing', () => {
  const explained = runExplained({ scenario: builtScenario('clean-split'), seed: 3, durationMs: 6_000 });
  if (run.verdict !== 'violation') assert.equal(explained.chain, []);
  assert.is(explained.run.traceHash, run.traceHash);
  assert.is(runSeed({ scenario: builtScenario('clean-split'), seed: 3, durationMs: 6_000 }).traceHash, run.traceHash);
});

chains.run();
