/**
 * What waits for a record in the log to become durable.
 */
import type { Now } from '../events.js';
import type { Author } from '../identifiers.js';
import type { VersionRow } from '../storage/record-index.js';
import type { SpaceStore } from './space-store.js';

/** A record that was not here before, on its way to the disk. */
export interface Arrival {
  readonly space: SpaceStore;
  readonly author: Author;
  readonly sequence: number;
}

/** What waits for a record to become durable. */
export interface Appended {
  /** The pending version that this record settles; null for records of others and moved ones, which are merged. */
  readonly pending: { readonly space: SpaceStore; readonly version: VersionRow } | null;
  /** Null for a record that moves: it is here already. */
  readonly arrival: Arrival | null;
  /** Called when the record is durable and visible. */
  readonly durable: ((now: Now) => void) | null;
}
