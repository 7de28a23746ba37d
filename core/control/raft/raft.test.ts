/** Agreement: elections, replication, changes of members, snapshots, and voters that may have forgotten something. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { drawsFrom } from '../../test-support/draws.js';
import { commandsOf, type Voter, Voters } from '../../test-support/voters.js';
import type { RaftEvent } from './vocabulary.js';

const raft = suite('raft');

function cluster(count: number, more: Omit<ConstructorParameters<typeof Voters>[1], 'random'> = {}): Voters {
  return new Voters(count, { random: drawsFrom(7), ...more });
}

function elected(voters: Voters): Voter {
  assert.ok(voters.passUntil(() => voters.leader !== null));
  const { leader } = voters;
  assert.ok(leader !== null);
  return leader as Voter;
}

function propose(voter: Voter, text: string): void {
  assert.is(voter.raft?.propose(new TextEncoder().encode(text)).kind, 'proposed');
}

function counted(voters: Voters, kind: RaftEvent['kind']): number {
  return voters.all.reduce((sum, { events }) => sum + events.filter((event) => event.kind === kind).length, 0);
}

raft('a lone voter leads and commits', () => {
  const voters = cluster(1);
  const leader = elected(voters);
  propose(leader, 'a');
  voters.pass(100);
  assert.equal(commandsOf(leader), ['a']);
});

raft('a leader is found within two election times, and what it commits is delivered everywhere in one order', () => {
  const voters = cluster(5);
  assert.ok(voters.passUntil(() => voters.leader !== null, 1_300));
  const leader = elected(voters);
  for (const text of ['a', 'b', 'c']) propose(leader, text);
  voters.pass(300);
  for (const voter of voters.all) assert.equal(commandsOf(voter), ['a', 'b', 'c']);
  assert.is(counted(voters, 'control.leader-elected'), 1);
});

raft('a leader that dies is replaced; what it alone had is replaced when it comes back', () => {
  const voters = cluster(3);
  const old = elected(voters);
  propose(old, 'kept');
  voters.pass(200);
  voters.isolate(old);
  propose(old, 'stranded');
  assert.ok(voters.passUntil(() => voters.leader !== null && voters.leader !== old, 3_000));
  voters.pass(2_000);
  assert.not.ok(old.isLeader);
  propose(elected(voters), 'next');
  voters.pass(300);
  voters.heal();
  voters.pass(2_000);
  for (const voter of voters.all) assert.equal(commandsOf(voter), ['kept', 'next']);
  assert.ok(old.events.some(({ kind }) => kind === 'control.entries-replaced'));
});

raft('who was cut off does not disturb the others when it comes back', () => {
  const voters = cluster(3);
  const leader = elected(voters);
  const away = voters.all.find((voter) => voter !== leader) as Voter;
  const term = leader.raft?.term;
  voters.isolate(away);
  voters.pass(10_000);
  voters.heal();
  voters.pass(2_000);
  assert.ok(leader.isLeader);
  assert.is(leader.raft?.term, term);
  assert.is(away.raft?.leader, leader.id);
});

raft('one bad link does not depose a leader', () => {
  const voters = cluster(5);
  const leader = elected(voters);
  const [one] = voters.all.filter((voter) => voter !== leader);
  voters.cut(leader, one);
  voters.pass(10_000);
  assert.ok(leader.isLeader);
});

raft('a leader that is heard and hears nobody steps down, and its lease ends before another begins', () => {
  const voters = cluster(3);
  const deaf = elected(voters);
  for (const other of voters.all) if (other !== deaf) voters.cutOneWay(other, deaf);
  assert.ok(voters.passUntil(() => !deaf.isLeader, 2_000));
  assert.ok(deaf.events.some((event) => event.kind === 'control.stepped-down' && event.why === 'no majority heard'));
  assert.ok(voters.passUntil(() => voters.leader !== null && voters.leader !== deaf, 3_000));
});

raft('nothing is said to be saved before it is: a vote and an acknowledgement wait for the disk', () => {
  const voters = cluster(3);
  voters.weather = { loss: 0, duplicate: 0, delayMsMax: 0, saveMsMax: 0 };
  const leader = elected(voters);
  const [slow, other] = voters.all.filter((voter) => voter !== leader);
  voters.isolate(other);
  voters.pass(100);
  voters.weather = { loss: 0, duplicate: 0, delayMsMax: 0, saveMsMax: 400 };
  const answers: number[] = [];
  voters.filter = (from, _, message) => {
    if (from === slow.id && message.kind === 'appended') {
      const onDisk = Math.max(slow.disk.snapshot?.index ?? 0, slow.disk.entries.at(-1)?.index ?? 0);
      assert.ok(message.match <= onDisk, `${message.match} was acknowledged with ${onDisk} on disk`);
      answers.push(message.match);
    }
    if (message.kind === 'vote' && message.isGranted) {
      const { ballot } = voters.get(from).disk;
      assert.ok(ballot.term === message.term && ballot.vote !== null);
    }
    return true;
  };
  for (let n = 0; n < 10; n += 1) {
    propose(leader, `${n}`);
    voters.pass(50);
  }
  voters.pass(1_000);
  assert.ok(answers.length > 10);
  leader.crash();
  voters.heal();
  assert.ok(voters.passUntil(() => voters.leader !== null, 10_000));
});

raft('a voter that was started anew grants nothing within the lease of a leader that it may have heard', () => {
  const voters = cluster(3);
  const leader = elected(voters);
  const [one, other] = voters.all.filter((voter) => voter !== leader);
  one.crash();
  one.start();
  voters.cut(leader, one);
  voters.cut(leader, other);
  const startedMs = voters.nowMs;
  assert.ok(voters.passUntil(() => voters.leader !== null && voters.leader !== leader, 5_000));
  assert.ok(voters.nowMs - startedMs >= 330);
});

raft('leadership is handed over at once, and with everything', () => {
  const voters = cluster(3);
  const leader = elected(voters);
  for (let n = 0; n < 20; n += 1) propose(leader, `${n}`);
  const successor = voters.all.find((voter) => voter !== leader) as Voter;
  assert.ok(leader.raft?.handOver(successor.id, leader.nowMs));
  assert.equal(leader.raft?.propose(new Uint8Array(1)), { kind: 'refused', why: 'handing over', leader: leader.id });
  assert.ok(voters.passUntil(() => successor.isLeader, 200));
  voters.pass(300);
  assert.is(commandsOf(successor).length, 20);
});

raft('a learner gets the log without a vote; a voter more; a voter less, the leader itself', () => {
  const voters = cluster(4, { voters: 3 });
  const leader = elected(voters);
  const joiner = voters.all[3];
  propose(leader, 'a');
  voters.pass(200);
  const three = voters.first.voters;
  assert.is(leader.raft?.reconfigure({ voters: three, learners: [joiner.id] }).kind, 'proposed');
  assert.equal(leader.raft?.reconfigure({ voters: three, learners: [] }), {
    kind: 'refused',
    why: 'a change is under way',
    leader: leader.id,
  });
  voters.pass(300);
  assert.equal(commandsOf(joiner), ['a']);
  assert.is(leader.raft?.reconfigure({ voters: [joiner.id], learners: [] }).kind, 'refused');
  assert.is(leader.raft?.reconfigure({ voters: [...three, joiner.id], learners: [] }).kind, 'proposed');
  voters.pass(300);
  const without = [...three, joiner.id].filter((id) => id !== leader.id);
  assert.is(leader.raft?.reconfigure({ voters: without, learners: [] }).kind, 'proposed');
  voters.pass(2_000);
  assert.not.ok(leader.isLeader);
  const next = elected(voters);
  assert.equal([...(next.raft?.configuration.voters ?? [])].sort(), without.sort());
  propose(next, 'b');
  voters.pass(300);
  assert.equal(commandsOf(joiner), ['a', 'b']);
});

raft('a leader that was removing itself leads on until that is committed, also after it lost its majority', () => {
  const voters = cluster(2);
  const leader = elected(voters);
  const other = voters.all.find((voter) => voter !== leader) as Voter;
  voters.pass(200);
  voters.isolate(other);
  leader.raft?.reconfigure({ voters: [other.id], learners: [] });
  voters.pass(3_000);
  assert.not.ok(leader.isLeader);
  voters.heal();
  // Only its log can win; it wins, and then goes.
  assert.ok(voters.passUntil(() => other.isLeader, 10_000));
  assert.equal(other.raft?.configuration.voters, [other.id]);
});

raft('who has missed what is compacted gets a snapshot, in parts', () => {
  const voters = cluster(3, { options: { snapshotPartBytes: 100 } });
  const leader = elected(voters);
  const away = voters.all.find((voter) => voter !== leader) as Voter;
  voters.isolate(away);
  for (let n = 0; n < 50; n += 1) propose(leader, `entry ${n}`);
  voters.pass(300);
  leader.compact();
  voters.pass(100);
  voters.heal();
  propose(leader, 'behind');
  voters.pass(3_000);
  assert.ok(away.events.some(({ kind }) => kind === 'control.snapshot-installed'));
  assert.equal(commandsOf(away), commandsOf(leader));
  assert.is(commandsOf(away).length, 51);
  away.crash();
  away.start();
  voters.pass(2_000);
  assert.equal(commandsOf(away), commandsOf(leader));
});

raft('proposals beyond the bound are refused until others are committed', () => {
  const voters = cluster(3, { options: { uncommittedBytesMax: 1_000 } });
  const leader = elected(voters);
  voters.pass(100);
  voters.isolate(leader);
  propose(leader, 'x'.repeat(900));
  assert.is(leader.raft?.propose(new Uint8Array(200)).kind, 'refused');
  voters.heal();
  voters.pass(300);
  propose(elected(voters), 'y'.repeat(900));
});

/**
 * The example of decision 15: a, b and d vote; e is let in, of which b does not hear. d forgets all, is taken out by a and e, and begins anew, but hears no more of what was committed.
 * By all that b knows it and d are a majority.
 */
raft('a voter that began anew elects nobody before it has what was committed, and votes again once it has', () => {
  const voters = cluster(4, { voters: 3, keepsElectorate: true });
  const [a, b, d, e] = voters.all;
  const votersAt = ({ raft }: Voter): number => raft?.configuration.voters.length ?? 0;
  voters.isolate(b);
  voters.isolate(e);
  assert.ok(voters.passUntil(() => voters.leader !== null));
  // Whichever of the two leads: a is to stay.
  if (voters.leader === d) d.raft?.handOver(a.id, d.nowMs);
  assert.ok(voters.passUntil(() => a.isLeader && a.raft?.leaseUntilMs(a.nowMs) !== null));
  voters.heal();
  voters.isolate(b);
  assert.ok(voters.passUntil(() => votersAt(a) === 4 && a.raft?.mayReconfigure === true));
  assert.is(votersAt(b), 3);
  assert.ok(voters.mayLose(d));
  d.lose();
  assert.not.ok(voters.mayLose(e), 'a minority of voters at a time');
  voters.filter = (_, __, message) => {
    if (message.kind !== 'begin-anew') return true;
    voters.heal();
    voters.split([b, d]);
    return true;
  };
  // At once: with b out of reach a will soon find that it has no majority of four any more.
  d.start();
  assert.ok(voters.passUntil(() => d.raft !== null));
  propose(a, 'beside');
  voters.pass(5_000);
  assert.ok(d.isInDoubt && a.isLeader && !b.isLeader && !d.isLeader);
  voters.filter = null;
  voters.heal();
  assert.ok(voters.passUntil(() => votersAt(d) === 4));
  assert.not.ok(d.isInDoubt);
  a.crash();
  b.crash();
  voters.pass(3_000);
  assert.is(voters.leader, null, 'two of four are no majority');
  b.start();
  assert.ok(voters.passUntil(() => voters.leader !== null));
  assert.equal(commandsOf(d), ['beside']);
});

raft.run();
