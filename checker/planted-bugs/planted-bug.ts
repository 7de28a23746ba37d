/** What a planted bug is: data only. */

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
