/** Bugs planted in membership: what has gone wrong in other systems that follow SWIM, and what its papers warn of. */
import type { PlantedBug } from './planted-bug.js';

export const membershipBugs: readonly PlantedBug[] = [
  {
    name: 'let-the-dead-rest',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks:
      'Whoever was declared dead is never tried again, nor a seed that has answered once: halves that took each other for dead stay apart after the heal.',
    pending: false,
    module: 'core/membership/reconnection.ts',
    find: `    this.#askSeeds(options.reconnectsPerRound);
    this.#pingDead(options.reconnectsPerRound);
`,
    replace: `    if (this.#services.table.live.length === 0) this.#askSeeds(options.reconnectsPerRound);
`,
  },
  {
    name: 'ignore-refutations',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks:
      'A higher refutation of the same boot does not count: whoever was suspected once is declared dead, though it lives and says so.',
    pending: false,
    module: 'core/membership/claims.ts',
    find: 'if (order > 0 || rank > 0) this.#override(member, claim);',
    replace: 'if ((order > 0 && claim.author !== member.author) || rank > 0) this.#override(member, claim);',
  },
  {
    name: 'refute-with-the-old-incarnation',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks: 'A member that is suspected refutes with the incarnation that is suspected: it is declared dead while it lives.',
    pending: false,
    module: 'core/membership/claims.ts',
    find: 'this.#services.table.setIncarnation(self, self.author, claim.refutation + 1);',
    replace: 'this.#services.table.setIncarnation(self, self.author, claim.refutation);',
  },
  {
    name: 'resurrect-the-dead',
    scenario: 'asymmetric',
    seedsNeeded: 200,
    whatItBreaks:
      'Of one incarnation the latest word counts, and not the worst: whoever still takes a dead member for alive brings it back.',
    pending: false,
    module: 'core/membership/claims.ts',
    find: 'if (order > 0 || rank > 0) this.#override(member, claim);',
    replace: 'if (order > 0 || rank !== 0) this.#override(member, claim);',
  },
  {
    name: 'restart-as-the-old-boot',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks:
      'A restarted node takes part as the boot that was declared dead: the others cannot tell its words from those of the dead one.',
    pending: false,
    module: 'core/engram-node.ts',
    find: 'this.#membership = new Membership({ self, boot: recovered.boot,',
    replace: "this.#membership = new Membership({ self, boot: { counter: 1, random: '0'.repeat(16) },",
  },
  {
    name: 'suspect-without-a-deadline',
    scenario: 'permanent-loss',
    seedsNeeded: 200,
    whatItBreaks: 'A suspicion never runs out: a node that is gone for good is suspected for ever.',
    pending: false,
    module: 'core/membership/suspicions.ts',
    find: 'if (dueMs <= nowMs) due.push(member);',
    replace: 'if (dueMs < 0) due.push(member);',
  },
  {
    name: 'believe-a-lone-accuser',
    scenario: 'asymmetric',
    seedsNeeded: 200,
    whatItBreaks: 'A suspect is dead as soon as one member accuses it: a deaf node takes the others out of the cluster one by one.',
    pending: false,
    module: 'core/membership/suspicion.ts',
    find: 'shortestMs, longestMs, timeoutMs: longestMs };',
    replace: 'shortestMs, longestMs, timeoutMs: 1 };',
  },
];
