/** Control logs alone: a handful of seeds, the rest by `npm run control-seeds`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ControlObservation, judgeControlLog } from '../../checker/control-log.js';
import { Draws } from '../../scenarios/random-streams.js';
import { ControlCluster } from './control-cluster.js';
import { calmPlan, drawControlPlan } from './control-plan.js';

const clusters = suite('control logs alone');

function runOf(seed: number): { readonly cluster: ControlCluster; readonly verdict: ReturnType<typeof judgeControlLog> } {
  const cluster = new ControlCluster(seed, drawControlPlan(seed));
  return { cluster, verdict: judgeControlLog(cluster.run()) };
}

for (const seed of [3, 4, 5, 6, 7, 9]) {
  clusters(`seed ${seed}: under faults the nodes keep Raft's invariants and agree in the end`, () => {
    const { verdict } = runOf(seed);
    assert.is(verdict.verdict, 'ok', String('reason' in verdict ? verdict.reason : ''));
  });
}

clusters('a run is a function of its seed', () => {
  const [one, again, other] = [3, 3, 4].map((seed) => runOf(seed).cluster.trace.hash);
  assert.is(one, again);
  assert.is.not(one, other);
});

const kindsOf = (observations: readonly ControlObservation[]): Set<string> => new Set(observations.map(({ kind }) => kind));

clusters('a calm cluster elects one leader and lets a fourth node in: it learns, then votes', () => {
  const plan = { ...calmPlan(4, 4_000), proposals: [] };
  const cluster = new ControlCluster('calm', plan);
  cluster.runUntil(2_000);
  const { leader } = cluster;
  if (leader === null) throw new Error('nobody leads');
  leader.propose({ kind: 'node-added', member: cluster.members[3] });
  cluster.runUntil(4_000);
  assert.equal(cluster.hosts[3].inspect()?.state.voters.length, 4);
  assert.ok(cluster.agreed);
  assert.is(cluster.observations.filter(({ kind }) => kind === 'elected').length, 1);
  assert.ok(kindsOf(cluster.observations).has('answered'));
});

clusters('a leader that will be absent hands over, and nobody waits for an election', () => {
  const cluster = new ControlCluster('leaving', { ...calmPlan(3, 3_000), faults: [{ kind: 'leave', atMs: 2_000, node: 'leader' }] });
  cluster.runUntil(1_999);
  const { leader } = cluster;
  cluster.runUntil(2_100);
  assert.ok(leader !== null && cluster.leader !== null && cluster.leader !== leader);
});

clusters('a voter whose votes are no longer all on its disk votes no more', () => {
  const cluster = new ControlCluster('damage', calmPlan(3, 10_000));
  cluster.runUntil(2_000);
  const [host] = cluster.hosts.filter(({ leads }) => !leads);
  host.end('power');
  const file = host.disk.files.find(({ name }) => name.startsWith('wal-'));
  if (file === undefined) throw new Error('it has no log');
  // In its first group's records: they stand where a later checkpoint says that they were synced.
  file.rot(60, 4, new Draws('damage', 'rot'));
  host.start();
  cluster.runUntil(4_000);
  assert.equal([host.inspect()?.isDamaged, host.inspect()?.raft], [true, null]);
  assert.ok(cluster.leader !== null);
  host.end('power');
  host.start();
  cluster.runUntil(6_000);
  assert.is(host.inspect()?.isDamaged, true);
});

clusters('a planted bug is found: a voter votes twice in a term', () => {
  const script = fileURLToPath(new URL('seeds.ts', import.meta.url));
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', script, '--seeds', '1..50', '--plant', 'vote-twice', '--stop-at-first'],
    { encoding: 'utf8' },
  );
  assert.is(status, 1, stdout);
  assert.match(stdout, /votes in term \d+ for/);
});

clusters.run();
