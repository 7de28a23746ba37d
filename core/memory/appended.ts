/**
 * What waits for a record in the log to become durable.
 */
import type { Now } from '../events.js';
import type { Dot } from '../identifiers.js';
import type { VersionRow } from '../storage/record-index.js';
import type { SpaceStore } from './space-store.js';

/** A record on its way to the disk. */
export interface Appended {
  /**
   * `own`: written here, its version is pending. `arrival`: of others, merged once it is durable. `moved`: here already, in another place. `control`: of the
   * control log.
   */
  readonly kind: 'own' | 'arrival' | 'moved' | 'control';
  /** Null for one that moves, and for the control log's. */
  readonly space: SpaceStore | null;
  readonly dot: Dot;
  /** The pending version of an own record; -1 for others. */
  readonly version: VersionRow;
  /** Called when the record is durable and visible. */
  readonly durable: ((dot: Dot, now: Now) => void) | null;
}
