/** Bugs planted in the agreement on the control log, for its own checker: they are found by seeds of control logs alone (runtime-sim/control/seeds.ts). */
import type { PlantedBug } from './planted-bug.js';

export const controlBugs: readonly PlantedBug[] = [
  {
    name: 'vote-twice',
    scenario: 'control',
    seedsNeeded: 50,
    whatItBreaks: 'A voter votes for whoever asks, however often in one term: two leaders of one term.',
    pending: false,
    module: 'core/control/raft/raft.ts',
    find: `    const isFree = vote === from || (vote === null && leader === null);
    if (!isFree || !this.#wouldVoteFor(last)) return this.#state.send(from, { kind: 'vote', term, isGranted: false });
    if (vote === null) this.#state.voteFor(from);`,
    replace: `    if (!this.#wouldVoteFor(last)) return this.#state.send(from, { kind: 'vote', term, isGranted: false });
    if (vote !== from) this.#state.voteFor(from);`,
  },
  {
    name: 'vote-unsynced',
    scenario: 'control',
    seedsNeeded: 200,
    whatItBreaks: 'A vote is told, and only the term of it is made durable: after a crash the voter votes again in the same term.',
    pending: false,
    module: 'core/control/raft/raft-state.ts',
    find: 'const ballot = this.#ballotToSave ? this.#ballot : null;',
    replace: 'const ballot = this.#ballotToSave ? { term: this.#ballot.term, vote: null } : null;',
  },
  {
    name: 'entries-unsynced',
    scenario: 'control',
    seedsNeeded: 200,
    whatItBreaks: 'A follower says that it has entries before they are durable: what was committed is gone after a crash.',
    pending: false,
    module: 'core/control/raft/following.ts',
    find: `this.#state.whenDurable(nowMs, () => {
      this.#state.deliver();`,
    replace: `((then: () => void) => then())(() => {
      this.#state.deliver();`,
  },
  {
    name: 'confirm-at-once',
    scenario: 'control',
    seedsNeeded: 200,
    whatItBreaks: 'A new primary does not wait for the lease of the one before: two are confirmed at one instant.',
    pending: false,
    module: 'core/control/leases/authority.ts',
    find: 'const waitMs = hasRival ? Math.ceil(refusalPerLease * this.#ports.options.leaseMs) : 0;',
    replace: 'const waitMs = hasRival ? 1 : 0;',
  },
  {
    name: 'grant-to-demoted',
    scenario: 'control',
    seedsNeeded: 200,
    whatItBreaks: 'A voter goes on to grant leases to a node that has not heard that its spaces are taken from it.',
    pending: false,
    module: 'core/control/leases/authority.ts',
    find: 'configuration.voters.includes(self) && applied >= this.demotions.of(to)',
    replace: 'configuration.voters.includes(self) && applied >= 0',
  },
  {
    name: 'vote-before-all-is-back',
    scenario: 'control',
    seedsNeeded: 50,
    whatItBreaks:
      'A voter that may have forgotten something votes as soon as it has begun anew, before it has what was committed: with its vote one leads that lacks that.',
    pending: false,
    module: 'core/control/raft/raft.ts',
    find: 'return this.#state.log.last.index >= this.#votesFrom;',
    replace: 'return true;',
  },
];
