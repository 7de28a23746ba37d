/** Control logs alone: a handful of seeds, the rest by `npm run control-seeds`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { judgeControlLog } from '../../checker/control-log.js';
import type { ControlObservation } from '../../checker/control-observations.js';
import type { SpaceKey } from '../../core/identifiers.js';
import { Draws } from '../../scenarios/random-streams.js';
import { ControlCluster } from './control-cluster.js';
import type { ControlHost } from './control-host.js';
import { type ControlFault, calmPlan, drawControlPlan } from './control-plan.js';

const clusters = suite('control logs alone');

function runOf(seed: number): { readonly cluster: ControlCluster; readonly verdict: ReturnType<typeof judgeControlLog> } {
  const cluster = new ControlCluster(seed, drawControlPlan(seed));
  return { cluster, verdict: judgeControlLog(cluster.run()) };
}

clusters(
  'a voter that has forgotten begins anew beside one that has missed a change of the electorate, and who leads is no question',
  () => {
    const { cluster, verdict } = runOf(8);
    assert.is(verdict.verdict, 'ok', String('reason' in verdict ? verdict.reason : ''));
    assert.ok(cluster.plan.faults.some(({ kind }) => kind === 'forget') && cluster.begunAnew > 0);
  },
);

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

const isCut = (fault: ControlFault): fault is Extract<ControlFault, { kind: 'cut' }> => fault.kind === 'cut';

clusters('a drawn cut leaves each side whole', () => {
  const cuts = Array.from({ length: 40 }, (_, seed) => drawControlPlan(seed)).flatMap(({ faults }) => faults.filter(isCut));
  assert.ok(cuts.some(({ isBothWays }) => isBothWays) && cuts.some(({ isBothWays }) => !isBothWays));
  for (const { from, to } of cuts) assert.ok(from.every((node) => !to.includes(node)));
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

clusters('a leader that is drained hands over before it votes no more, and nobody waits for an election', () => {
  const cluster = new ControlCluster('drained', calmPlan(3, 6_000));
  cluster.runUntil(2_000);
  const { leader } = cluster;
  const member = cluster.members.find(({ name }) => name === leader?.name);
  if (leader === null || member === undefined) throw new Error('nobody leads');
  leader.propose({ kind: 'node-changed', member, isDraining: true });
  cluster.runUntil(2_150);
  assert.ok(cluster.leader !== null && cluster.leader !== leader);
  cluster.runUntil(4_000);
  assert.is(cluster.leader?.inspect()?.state.voters.includes(member.id), false);
  const verdict = judgeControlLog(cluster.run());
  assert.is(verdict.verdict, 'ok', String('reason' in verdict ? verdict.reason : ''));
});

/** Takes the power away, lets the first group of the log rot, which later checkpoints say was synced, and starts the node again. */
function rotAndRestart(host: ControlHost): void {
  host.end('power');
  const file = host.disk.files.find(({ name }) => name.startsWith('wal-'));
  if (file === undefined) throw new Error('it has no log');
  file.rot(60, 4, new Draws('damage', 'rot'));
  host.start();
}

clusters('a voter whose votes are no longer all on its disk votes no more while nobody can take it out of the electorate', () => {
  const cluster = new ControlCluster('damage', calmPlan(3, 10_000));
  cluster.runUntil(2_000);
  const [host, other] = cluster.hosts.filter(({ leads }) => !leads);
  other.end('power');
  rotAndRestart(host);
  cluster.runUntil(4_000);
  assert.equal([host.inspect()?.isDamaged, host.inspect()?.raft, cluster.leader], [true, null, null]);
  host.end('power');
  host.start();
  cluster.runUntil(6_000);
  assert.is(host.inspect()?.isDamaged, true);
  // The one that is left was no majority of two without it; with the other it is.
  other.start();
  cluster.runUntil(10_000);
  assert.equal([host.inspect()?.isDamaged, host.inspect()?.state.voters.length], [false, 3]);
});

clusters('a voter that may have forgotten begins anew, votes again, and goes on to do so when it is started once more', () => {
  const cluster = new ControlCluster('healed', calmPlan(3, 20_000));
  cluster.runUntil(2_000);
  const [host, other] = cluster.hosts.filter(({ leads }) => !leads);
  rotAndRestart(host);
  cluster.runUntil(6_000);
  assert.equal([host.inspect()?.isDamaged, host.inspect()?.state.voters.length], [false, 3]);
  for (const wait of [8_000, 10_000]) {
    host.end('power');
    host.start();
    cluster.runUntil(wait);
    assert.is(host.inspect()?.isDamaged, false);
  }
  // Its vote counts: without it the leader would have no majority.
  other.end('power');
  cluster.runUntil(13_000);
  assert.ok(cluster.leader !== null);
  const verdict = judgeControlLog(cluster.run());
  assert.is.not(verdict.verdict, 'violation', String('reason' in verdict ? verdict.reason : ''));
});

const spaceMade = (cluster: ControlCluster): void =>
  cluster.leader?.propose({ kind: 'space-created', name: 'notes', generation: 0, copies: cluster.members.map(({ id }) => id) });

/** Who is confirmed primary of the space now. */
const confirmedOf = (cluster: ControlCluster): readonly string[] =>
  cluster.hosts.filter((host) => host.alive && host.confirmed('notes#0' as SpaceKey) !== null).map(({ name }) => name);

clusters('a primary that is cut off is confirmed no more before another one is, and one bad link deposes nobody', () => {
  const cluster = new ControlCluster('deposed', calmPlan(3, 20_000));
  cluster.runUntil(2_000);
  spaceMade(cluster);
  cluster.runUntil(4_000);
  assert.equal(confirmedOf(cluster), ['n1']);
  // Another voter, which does not lead: who does not hear the leader cannot stay.
  const other = cluster.leader?.name === 'n2' ? 'n3' : 'n2';
  cluster.strike({ kind: 'cut', atMs: 4_000, forMs: 3_000, from: ['n1'], to: [other], isBothWays: true });
  cluster.runUntil(6_000);
  assert.equal(confirmedOf(cluster), ['n1']);
  cluster.runUntil(8_000);
  cluster.strike({ kind: 'cut', atMs: 8_000, forMs: 4_000, from: ['n1'], to: ['n2', 'n3'], isBothWays: false });
  cluster.runUntil(8_450);
  assert.equal(confirmedOf(cluster), []);
  cluster.runUntil(10_000);
  assert.equal(confirmedOf(cluster), ['n2']);
  cluster.runUntil(14_000);
  assert.equal(confirmedOf(cluster), ['n2']);
});

for (const way of ['both ways', 'to the primary', 'from the primary']) {
  clusters(`a primary that only the leader reaches, with the others cut off ${way}, is confirmed no more, and is replaced`, () => {
    const cluster = new ControlCluster('leader alone', { ...calmPlan(5, 20_000), founders: 5 });
    cluster.runUntil(2_000);
    const leader = cluster.leader?.name ?? '';
    const [primary, ...others] = cluster.members.filter(({ name }) => name !== leader);
    const copies = [primary, ...others].map(({ id }) => id);
    cluster.leader?.propose({ kind: 'space-created', name: 'notes', generation: 0, copies });
    cluster.runUntil(4_000);
    assert.equal(confirmedOf(cluster), [primary.name]);
    const [one, rest] = [[primary.name], others.map(({ name }) => name)];
    // One of the three that it loses is still none that matters: leader, primary and two others are a majority.
    cluster.strike({ kind: 'cut', atMs: 4_000, forMs: 2_000, from: [primary.name], to: [rest[0]], isBothWays: true });
    cluster.runUntil(6_500);
    assert.equal(confirmedOf(cluster), [primary.name]);
    if (way !== 'to the primary') cluster.strike({ kind: 'cut', atMs: 6_500, forMs: 6_000, from: one, to: rest, isBothWays: false });
    if (way !== 'from the primary') cluster.strike({ kind: 'cut', atMs: 6_500, forMs: 6_000, from: rest, to: one, isBothWays: false });
    cluster.runUntil(7_600);
    assert.not(confirmedOf(cluster).includes(primary.name));
    cluster.runUntil(10_000);
    assert.is(cluster.leader?.name, leader);
    assert.is(confirmedOf(cluster).length, 1);
    assert.ok(rest.includes(confirmedOf(cluster)[0]));
    const verdict = judgeControlLog(cluster.run());
    assert.is(verdict.verdict, 'ok', String('reason' in verdict ? verdict.reason : ''));
  });
}

clusters('a primary that was started anew leads again only by a later entry', () => {
  const cluster = new ControlCluster('restarted', calmPlan(3, 20_000));
  cluster.runUntil(2_000);
  spaceMade(cluster);
  cluster.runUntil(4_000);
  const epochOf = (): number => cluster.hosts[1].inspect()?.state.rows['notes#0' as SpaceKey]?.epoch.index ?? 0;
  const before = epochOf();
  cluster.strike({ kind: 'crash', atMs: 4_000, forMs: 20, node: 'n1', how: 'power', amidWrite: null });
  cluster.runUntil(4_100);
  assert.equal(confirmedOf(cluster), []);
  cluster.runUntil(9_000);
  assert.is(confirmedOf(cluster).length, 1);
  assert.ok(epochOf() > before);
});

const planted: readonly (readonly [bug: string, seeds: string, how: string])[] = [
  ['vote-twice', '1..50', 'a voter votes twice in a term'],
  ['vote-before-all-is-back', '8..8', 'a voter that may have forgotten something votes as soon as it has begun anew'],
];

for (const [bug, seeds, how] of planted) {
  clusters(`a planted bug is found: ${how}`, () => {
    const script = fileURLToPath(new URL('seeds.ts', import.meta.url));
    const options = ['--seeds', seeds, '--plant', bug, '--stop-at-first'];
    const { stdout, status } = spawnSync(process.execPath, ['--import', 'tsx', script, ...options], { encoding: 'utf8' });
    assert.is(status, 1, stdout);
    assert.match(stdout, /"verdict":"violation"/);
  });
}

clusters.run();
