/**
 * A planted bug: a change to one place of the core's source that a checker must find. Data only; the simulator applies it when the module is loaded, and
 * refuses to run once the place no longer matches. The core knows nothing of it.
 */
export interface PlantedBug {
  /** As given to `engram-sim --plant`. */
  readonly name: string;
  /** A scenario that finds it … */
  readonly scenario: string;
  /** … within this many seeds, counted from 1. */
  readonly seedsNeeded: number;
  /** Path of the source from the root, e.g. `core/storage/write-ahead-log.ts`. */
  readonly module: string;
  /** Occurs exactly once in that source. */
  readonly find: string;
  readonly replace: string;
  /** Which promise it breaks, for people. */
  readonly whatItBreaks: string;
}
