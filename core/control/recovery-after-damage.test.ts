/** An operator gives up a majority of the voters, or all control logs, where what is left is damaged itself. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DomainEvent } from '../domain-events.js';
import { type NodeId, nodeId, type SpaceKey } from '../identifiers.js';
import type { Cluster } from '../test-support/cluster.js';
import {
  controlOf,
  foundingEntries as entries,
  founderIds,
  isConfirmed,
  stateOf,
  waitingCluster,
} from '../test-support/founded-cluster.js';
import { type Host, testSpace as space } from '../test-support/host.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { applyEntry } from './apply-entry.js';
import { recoveryOf } from './beginnings.js';
import type { ProposalAnswer } from './control-events.js';
import { type ControlState, emptyControlState } from './control-state.js';
import type { ControlEntry } from './entries.js';
import { nextGeneration, recoveryLeap } from './generations.js';

const recovering = suite('recovery where control logs are damaged');

const isDamaged = (host: Host) => controlOf(host)?.isDamaged === true;

function answerOf(host: Host, handle: number): ProposalAnswer | undefined {
  const isAnswer = (event: DomainEvent) => event.kind === 'control.proposal-answered' && event.handle === handle;
  const event = host.events.findLast(isAnswer);
  return event?.kind === 'control.proposal-answered' ? event.answer : undefined;
}

function whyRefused(host: Host, handle: number): string | undefined {
  const answer = answerOf(host, handle);
  return answer?.kind === 'refused' ? answer.why : answer?.kind;
}

function propose(cluster: Cluster, entry: ControlEntry): void {
  cluster.passUntil(() => cluster.hosts.some((host) => controlOf(host)?.raft?.role === 'leader'));
  const leader = cluster.hosts.find((host) => controlOf(host)?.raft?.role === 'leader') as Host;
  leader.deliver({ kind: 'propose', handle: 900, entry });
  cluster.passUntil(() => answerOf(leader, 900)?.kind === 'committed');
  leader.events.length = 0;
}

/** Three nodes with a cluster, a space, and two more, whose entries stand one after the other. */
function madeCluster(): Cluster {
  const cluster = waitingCluster();
  cluster.hosts[0].deliver({ kind: 'found', handle: 1, entries });
  for (const name of ['rotten', 'unknown']) propose(cluster, { kind: 'space-created', name, generation: 0, copies: founderIds });
  cluster.passUntil(() => cluster.hosts.every((host) => stateOf(host)?.rows['unknown#0' as SpaceKey] !== undefined));
  cluster.passUntil(() => isConfirmed(cluster.hosts[0]));
  const handle = cluster.hosts[0].remember({ id: 'kept', text: 'kept text' }, { deadlineMs: 1_000 });
  cluster.pass(300);
  assert.is(cluster.hosts[0].outcome(handle), 'written');
  return cluster;
}

/** Takes the power away, lets the entry of the space `rotten` rot, and starts again those that are said to come back. */
function damage(cluster: Cluster, back: readonly Host[]): void {
  for (const host of cluster.hosts) host.crash();
  for (const host of back) {
    assert.ok(host.rot('rotten'));
    host.start();
  }
  cluster.pass(3_000);
  for (const host of back) assert.ok(isDamaged(host), `n${host.index + 1} has lost an entry`);
}

function recover(cluster: Cluster, host: Host, handle: number): void {
  host.deliver({ kind: 'recover', handle });
  cluster.passUntil(() => answerOf(host, handle) !== undefined);
}

recovering(
  'with all control logs damaged one node begins the next generation, the others come back to it, and all is decided again',
  () => {
    const cluster = madeCluster();
    const before = stateOf(cluster.hosts[1])?.rows[space]?.epoch.index ?? 0;
    damage(cluster, cluster.hosts);
    const [first, second] = cluster.hosts as [Host, Host, Host];
    const known = stateOf(second)?.applied ?? 0;
    recover(cluster, second, 1);
    const answer = answerOf(second, 1);
    if (answer?.kind !== 'recovered') return assert.unreachable(JSON.stringify(answer));
    assert.is(answer.generation, 2);
    const { isDamaged: wasDamaged, committed, doubtful, reached } = answer.basis;
    assert.equal([wasDamaged, committed, doubtful], [true, known, 0]);
    assert.ok(reached > known, 'what stands behind the loss tells that there was more');
    assert.ok(second.events.some(({ kind }) => kind === 'control.recovered'));
    cluster.passUntil(() =>
      cluster.hosts.every((host) => !isDamaged(host) && stateOf(host)?.generation === 2 && stateOf(host)?.voters.length === 3),
    );
    const epoch = stateOf(second)?.rows[space]?.epoch;
    assert.ok(epoch?.generation === 2 && epoch.index > before);
    assert.is(stateOf(second)?.rows['unknown#0' as SpaceKey], undefined, 'nobody could read it');
    propose(cluster, { kind: 'space-created', name: 'later', generation: 0, copies: founderIds });
    cluster.passUntil(() => isConfirmed(first));
    assert.is(first.text('kept'), 'kept text');
    // What was begun so is what each finds when it is started again, and nothing of the generation before.
    for (const host of cluster.hosts) host.crash();
    for (const host of cluster.hosts) host.start();
    cluster.pass(3_000);
    for (const host of cluster.hosts)
      assert.equal([isDamaged(host), stateOf(host)?.generation, stateOf(host)?.voters.length], [false, 2, 3]);
    cluster.passUntil(() => isConfirmed(first));
  },
);

recovering(
  'a survivor with a damaged log goes on alone; a member of the generation before that comes back follows it, with all its entries',
  () => {
    const cluster = madeCluster();
    const [first, second, third] = cluster.hosts as [Host, Host, Host];
    damage(cluster, [first]);
    recover(cluster, first, 1);
    assert.is(answerOf(first, 1)?.kind, 'recovered');
    cluster.passUntil(() => isConfirmed(first));
    assert.equal(stateOf(first)?.voters, [first.id]);
    const generation2 = stateOf(first)?.rows[space]?.epoch.index ?? 0;
    // Two of three are a majority by what they know.
    for (const host of [second, third]) host.start();
    cluster.passUntil(() => cluster.hosts.every((host) => stateOf(host)?.generation === 2 && stateOf(host)?.voters.length === 3));
    for (const host of cluster.hosts) assert.is(stateOf(host)?.rows['unknown#0' as SpaceKey], undefined);
    assert.ok((stateOf(second)?.rows[space]?.epoch.index ?? 0) >= generation2);
  },
);

recovering('while a leader is heard a damaged node recovers nothing: it is let begin anew by the others', () => {
  const cluster = madeCluster();
  const third = cluster.hosts[2] as Host;
  third.crash();
  assert.ok(third.rot('rotten'));
  third.start();
  third.deliver({ kind: 'recover', handle: 1 });
  third.deliver({ kind: 'recover', handle: 2 });
  cluster.passUntil(() => answerOf(third, 1) !== undefined);
  assert.equal([whyRefused(third, 1), whyRefused(third, 2)], ['nothing to recover', 'recovery under way']);
  cluster.passUntil(() => !isDamaged(third) && stateOf(third)?.voters.length === 3);
  assert.is(stateOf(third)?.generation, 1);
});

recovering('another node that is in reach and has read more is believed', () => {
  const cluster = madeCluster();
  const [first, second] = cluster.hosts as [Host, Host, Host];
  for (const host of cluster.hosts) host.crash();
  for (const host of [first, second]) assert.ok(host.rot(host === first ? 'rotten' : 'unknown'));
  cluster.cut(first, second);
  for (const host of [first, second]) host.start();
  cluster.pass(3_000);
  assert.ok((stateOf(first)?.applied ?? 0) < (stateOf(second)?.applied ?? 0));
  cluster.heal();
  first.deliver({ kind: 'recover', handle: 1 });
  cluster.passUntil(() => answerOf(first, 1) !== undefined);
  const answer = answerOf(first, 1);
  assert.is(answer?.kind === 'recovered' ? answer.basis.toldBy : null, second.id);
  assert.ok(stateOf(first)?.rows['rotten#0' as SpaceKey] !== undefined);
});

/** A survivor is recovered, and its power fails once so many syncs of its log have ended since. What it is when it has been started again. */
function crashedAfter(syncs: number): {
  readonly generation: number | undefined;
  readonly isDamaged: boolean;
  readonly isAnswered: boolean;
} {
  const cluster = madeCluster();
  const [first] = cluster.hosts as [Host, Host, Host];
  damage(cluster, [first]);
  first.holdSyncs = true;
  first.deliver({ kind: 'recover', handle: 1 });
  cluster.pass(3_000);
  for (let ended = 0; ended < syncs; ended += 1) first.releaseFirst(1);
  const isAnswered = answerOf(first, 1) !== undefined;
  first.crash();
  first.start();
  cluster.pass(3_000);
  return { generation: stateOf(first)?.generation, isDamaged: isDamaged(first), isAnswered };
}

recovering(
  'a crash before the last record of the beginning leaves the node as it was; one behind it does not bring the generation before back',
  () => {
    assert.equal(crashedAfter(0), { generation: 1, isDamaged: true, isAnswered: false });
    // All of it goes in one group here; that a part of it alone counts for nothing is a law of the recovered log.
    assert.equal(crashedAfter(1), { generation: 2, isDamaged: false, isAnswered: true });
  },
);

recovering('a node that only asked the others when its power failed can be recovered again', () => {
  const cluster = madeCluster();
  const [first] = cluster.hosts as [Host, Host, Host];
  damage(cluster, [first]);
  first.deliver({ kind: 'recover', handle: 1 });
  first.crash();
  first.start();
  cluster.pass(3_000);
  assert.equal([isDamaged(first), stateOf(first)?.generation], [true, 1]);
  recover(cluster, first, 2);
  assert.equal([isDamaged(first), stateOf(first)?.generation, stateOf(first)?.voters], [false, 2, [first.id]]);
});

recovering('two survivors that are recovered apart become one cluster when they meet', () => {
  const cluster = madeCluster();
  const [first, second] = cluster.hosts as [Host, Host, Host];
  cluster.cut(first, second);
  damage(cluster, [first, second]);
  for (const host of [first, second]) recover(cluster, host, 1);
  cluster.passUntil(() => isConfirmed(second) || isConfirmed(first));
  const [one, other] = [first, second].map((host) => stateOf(host));
  assert.equal([one?.generation, other?.generation], [2, 2]);
  assert.ok(Math.abs((one?.applied ?? 0) - (other?.applied ?? 0)) > recoveryLeap / 2, 'no epoch means two things');
  const ahead = (one?.applied ?? 0) > (other?.applied ?? 0) ? first : second;
  cluster.heal();
  cluster.passUntil(() => [first, second].every((host) => stateOf(host)?.voters.length === 2));
  cluster.pass(2_000);
  assert.equal(stateOf(first)?.rows, stateOf(second)?.rows);
  assert.is(stateOf(first)?.voters.includes(ahead.id), true);
});

const pure = testPureFunctions();
const made = entries.reduce<ControlState>((state, entry, at) => applyEntry(state, entry, at + 1).state, emptyControlState);

recovering('a generation begins beyond everything that was ever seen, and gives every row a term of its own', () => {
  const self = founderIds[0] as NodeId;
  const reached = { generation: 4, index: 900, term: 12 };
  const { snapshot, ballot } = recoveryOf({ self, state: made, entries: [], reached }, pure);
  assert.ok(snapshot.index > 900 + recoveryLeap / 2 && ballot.term > 12 && snapshot.term === ballot.term);
  const recovered = applyEntry(made, { kind: 'recovered', generation: 5 }, snapshot.index).state;
  assert.equal(recovered.rows[space]?.epoch, { generation: 5, index: snapshot.index });
  const again = applyEntry(recovered, { kind: 'recovered', generation: 5 }, snapshot.index + 1);
  assert.equal(again.outcome, { kind: 'refused', why: 'stale generation' });
});

recovering('though nothing but a term is left of an earlier generation, the next one is beyond it, whoever began either', () => {
  const ids = ['0000', '7fff', 'ffff'].map((start) => nodeId(start.padEnd(32, '0')));
  for (const earlier of ids) {
    for (const later of ids) {
      const second = nextGeneration({ generation: 1, index: 70, term: 9 }, earlier);
      const third = nextGeneration({ generation: 1, index: 0, term: second.term + 3 }, later);
      assert.is(third.generation, 3);
      assert.ok(third.index > second.index + recoveryLeap / 2 && third.term > second.term + recoveryLeap / 2);
    }
  }
  const [one, other] = ids.map((id) => nextGeneration({ generation: 1, index: 70, term: 9 }, id));
  assert.ok((one?.index ?? 0) + recoveryLeap <= (other?.index ?? 0) && (one?.term ?? 0) + recoveryLeap <= (other?.term ?? 0));
});

recovering.run();
