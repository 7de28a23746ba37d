/** Bugs that other parts of the system nearly make good: each is there for a promise that one checker alone, or one scenario, comes near enough to see broken. */
import type { PlantedBug } from './planted-bug.js';

export const nearlyMadeGoodBugs: readonly PlantedBug[] = [
  {
    name: 'serve-damaged-bytes',
    scenario: 'disk-faults',
    seedsNeeded: 200,
    whatItBreaks: 'The checksums of records are looked at nowhere: damaged bytes are read, kept and given to others.',
    pending: false,
    module: 'core/wire/record.ts',
    find: 'return this.checksum === rangeCrc32(this.bytes, this.at + 8, this.at + this.length, this.#pure);',
    replace: 'return this.length > 0;',
  },
  {
    name: 'read-the-later',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks: 'Of concurrent versions the latest is read, whatever the confidences: on all copies alike.',
    pending: false,
    module: 'core/memory/merge.ts',
    find: '    columns.confidence[left] - columns.confidence[right],\n',
    replace: '    0,\n',
  },
  {
    name: 'snapshot-without-holes',
    scenario: 'swarm',
    seedsNeeded: 200,
    whatItBreaks:
      'The holes of a snapshot are taken for what was compacted: whoever caught up by it never asks for what its source had damaged.',
    pending: false,
    module: 'core/replication/catch-up.ts',
    find: '      fetching.snapshot.holes.unionWith(holes);\n',
    replace: '',
  },
  {
    name: 'claim-without-pull',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks: 'A term is taken without pulling what the reachable copies hold.',
    pending: false,
    module: 'core/replication/terms.ts',
    find: 'if (!this.#isComplete(space, claim, now)) claim.completeSinceMs = null;',
    replace: 'if (!this.#isComplete(space, claim, now) && claim.targets.size < 0) claim.completeSinceMs = null;',
  },
  {
    name: 'rate-by-the-second',
    scenario: 'asymmetric',
    seedsNeeded: 200,
    whatItBreaks:
      'The rate of updates is taken per second where it is used per millisecond: answers of lagging copies are believed far too little.',
    pending: false,
    module: 'core/memory/update-rate.ts',
    find: '(Math.max(0, sinceStartMs) + settlesMs);',
    replace: '(Math.max(0, sinceStartMs) + settlesMs) * 1_000;',
  },
];
