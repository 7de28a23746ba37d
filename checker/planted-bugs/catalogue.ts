/**
 * Bugs planted on purpose, from outside the core: each rewrites a passage of one module's source while it is loaded, and the checkers must find it
 * within its seeds. A checker that finds none of these is worth nothing.
 *
 * Data only: whoever loads modules carries the rewrite out, and fails loudly when `find` does not occur exactly once.
 */

interface Planted {
  /** For `--plant NAME`. */
  readonly name: string;
  /** The scenario whose seeds must find it. */
  readonly scenario: string;
  /** Seeds from 1 on within which at least one run must be a violation. */
  readonly seedsNeeded: number;
  /** What goes wrong, and which promise of SPEC section 3 that breaks. */
  readonly whatItBreaks: string;
}

/** The rewrite of one passage. */
export interface PlantedBug extends Planted {
  readonly pending: false;
  /** Path of the source from the root of the repository. */
  readonly module: string;
  /** Occurs exactly once in it. */
  readonly find: string;
  readonly replace: string;
}

/** A bug whose subject is not built yet: it has no passage to rewrite, and counts neither as found nor as missed. */
export interface PendingBug extends Planted {
  readonly pending: true;
}

export const plantedBugs: readonly (PlantedBug | PendingBug)[] = [
  {
    name: 'acknowledge-before-sync',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks: 'A write is acknowledged once it is appended, not once it is synced: a crash takes back what was promised.',
    pending: true,
  },
  {
    name: 'drop-tombstone',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks: 'A tombstone from a peer is not merged: on that copy the delete never happened, and what it beat comes back.',
    pending: true,
  },
  {
    name: 'truncate-stranded-tail',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks:
      'A primary whose term has ended discards what it had not shipped, instead of handing it over: acknowledged writes are lost.',
    pending: true,
  },
  {
    name: 'reuse-sequence-after-crash',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks: 'A restarted node goes on as its old boot: a record shipped before its sync and the next one written share a dot.',
    pending: true,
  },
  {
    name: 'merge-one-direction',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks: 'After a heal records flow to one side only: the copies never hold the same.',
    pending: true,
  },
  {
    name: 'serve-unsynced-record',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks: 'A node answers reads with records that its own disk has not synced: a crash un-reads what a client has seen.',
    pending: true,
  },
];
