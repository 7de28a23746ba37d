/** Bugs planted in what becomes of records that are held where they do not belong for good: hints, stranded tails, rot. */
import type { PlantedBug } from './planted-bug.js';

export const handOverBugs: readonly PlantedBug[] = [
  {
    name: 'drop-hint',
    scenario: 'asymmetric',
    seedsNeeded: 200,
    whatItBreaks: 'A node that keeps hints lets go of them as soon as a copy is in reach, whatever that has of them.',
    pending: false,
    module: 'core/replication/hand-over.ts',
    find: 'every((copy) => this.#peers.reports.vouchesFor(copy, space, known));',
    replace: 'some((copy) => this.#peers.isReachable(copy, now) && known.now === now);',
  },
  {
    name: 'hand-over-forgotten',
    scenario: 'cascading',
    seedsNeeded: 200,
    whatItBreaks: 'Copies take no notice of what nodes outside the row hold: hints stay where they are for ever.',
    pending: false,
    module: 'core/replication/peer-reports.ts',
    find: 'if (!this.#services.takesPart(space) && !this.#services.isOutside(space)) continue;',
    replace: 'if ((!this.#services.takesPart(space) || report.isOutside) && !this.#services.isOutside(space)) continue;',
  },
  {
    name: 'fence-records',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks: 'Records of a superseded term are refused instead of merged: acknowledged writes of one side of a split are lost.',
    pending: false,
    module: 'core/replication/record-shipper.ts',
    find: '      if (beside !== null) this.#receipts.arrived(held, view, beside);\n',
    replace:
      '      if (beside !== null) {\n        held.coverage.add({ author, from: sequence, to: sequence });\n        continue;\n      }\n',
  },
];
