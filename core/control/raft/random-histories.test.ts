/** Random histories under which no invariant of Raft may break, and which all end in agreement. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RandomStream } from '../../pure-functions.js';
import { drawsFrom } from '../../test-support/draws.js';
import { commandsOf, type Voter, Voters } from '../../test-support/voters.js';
import { everyone } from './vocabulary.js';

const histories = suite('random histories of voters');

interface Told {
  /** Disks that lost what a voter must not forget. */
  lost: number;
  /** Voters that began anew and vote again. */
  healed: number;
}

/** Calm at last: a leader is found, and whatever has happened all agree. */
function settle(voters: Voters, seed: number): void {
  voters.weather = { loss: 0, duplicate: 0, delayMsMax: 5, saveMsMax: 5 };
  voters.heal();
  voters.filter = null;
  for (const voter of voters.all) if (!voter.isUp) voter.start();
  assert.ok(
    voters.passUntil(() => voters.leader !== null, 10_000),
    `seed ${seed}: a leader is found once all is well`,
  );
  voters.pass(3_000);
  if (voters.state !== null)
    assert.ok(
      voters.passUntil(() => voters.leader?.raft?.configuration.voters.length === voters.all.length, 10_000),
      `seed ${seed}: all vote, also those that may have forgotten something`,
    );
  const { leader } = voters;
  assert.ok(leader !== null);
  leader.raft?.propose(new TextEncoder().encode('last'));
  voters.pass(3_000);
  for (const id of everyone(leader.raft?.configuration ?? voters.first)) {
    assert.is(commandsOf(voters.get(id)).at(-1), 'last', `seed ${seed}: ${id} has everything`);
    assert.equal(commandsOf(voters.get(id)), commandsOf(leader));
  }
}

/** As leader, one that learns more, or votes, or is in no more. */
function changeMembers(voters: Voters, { id }: Voter): void {
  const raftOfLeader = voters.leader?.raft;
  if (raftOfLeader === undefined || raftOfLeader === null) return;
  const { voters: now, learners } = raftOfLeader.configuration;
  const others = learners.filter((each) => each !== id);
  if (now.includes(id)) raftOfLeader.reconfigure({ voters: now.filter((each) => each !== id), learners });
  else if (learners.includes(id)) raftOfLeader.reconfigure({ voters: [...now, id], learners: others });
  else raftOfLeader.reconfigure({ voters: now, learners: [...learners, id] });
}

/**
 * The worst company for who begins anew: nobody but those who lack something of what was committed when it was told. For a while it hears nothing of it from the leader either.
 */
function cutOffBeginners(voters: Voters, random: RandomStream): void {
  voters.filter = (_, to, message) => {
    if (message.kind === 'begin-anew' && random.fraction() < 0.5) {
      voters.heal();
      voters.split(voters.all.filter(({ id, raft }) => id === to || (raft !== null && raft.last.index < message.votesFrom)));
    }
    return true;
  };
}

/**
 * One random history: crashes, cuts, bad weather, proposals, compaction; beside them either changes of members, or disks of a minority of voters at a
 * time that lose what must not be forgotten. Then calm.
 */
function history(seed: number): Told {
  const random = drawsFrom(seed);
  const count = 3 + Math.floor(random.fraction() * 5);
  const first = 1 + Math.floor(random.fraction() * count);
  const losesDisks = random.fraction() < 0.5;
  const voters = new Voters(count, {
    random,
    voters: first,
    drift: 0.04,
    options: { electionMsMax: random.fraction() < 0.5 ? 305 : 600, appendBytesMax: 40, appendsInFlightMax: 3, snapshotPartBytes: 60 },
    keepsElectorate: losesDisks,
  });
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random.fraction() * items.length)];
  if (losesDisks) cutOffBeginners(voters, random);
  const told: Told = { lost: 0, healed: 0 };
  let proposals = 0;
  for (let step = 0; step < 80; step += 1) {
    voters.pass(Math.floor(random.fraction() * 400));
    const voter = pick(voters.all);
    switch (Math.floor(random.fraction() * 13)) {
      case 0:
        voters.weather = {
          loss: random.fraction() * 0.3,
          duplicate: random.fraction() * 0.3,
          delayMsMax: pick([1, 20, 200]),
          saveMsMax: pick([0, 5, 100]),
        };
        break;
      case 1:
        voter.crash();
        break;
      case 2:
        if (!voter.isUp) voter.start();
        break;
      case 3:
        voters.isolate(voter);
        break;
      case 4:
        voters.cutOneWay(voter, pick(voters.all));
        break;
      case 5:
        voters.heal();
        break;
      case 6:
        voter.compact();
        break;
      case 7:
        voters.leader?.raft?.handOver(voter.id, voters.leader.nowMs);
        break;
      case 8:
        voters.heal();
        voters.split(voters.all.filter(() => random.fraction() < 0.5));
        break;
      case 9:
        if (!losesDisks) changeMembers(voters, voter);
        else if (voters.mayLose(voter)) {
          voter.lose();
          voter.start();
          told.lost += 1;
        }
        break;
      default:
        // Whoever believes to lead takes commands.
        for (const each of voters.all) {
          if (!each.isLeader) continue;
          proposals += 1;
          each.raft?.propose(new TextEncoder().encode(`command ${proposals}`));
        }
    }
  }
  settle(voters, seed);
  told.healed = voters.all.filter(({ disk }) => disk.votesFrom > 0).length;
  return told;
}

histories('no random history breaks an invariant, and each ends in agreement', () => {
  const total: Told = { lost: 0, healed: 0 };
  fc.assert(
    fc.property(fc.nat(2 ** 31), (seed) => {
      const { lost, healed } = history(seed);
      total.lost += lost;
      total.healed += healed;
    }),
    { numRuns: 150 },
  );
  assert.ok(total.healed > 20, `${total.lost} disks were lost, and ${total.healed} voters began anew`);
});

histories.run();
