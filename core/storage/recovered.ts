/** What a start has learnt from the disk, and who hears of it while it does. */
import type { VersionVector } from '../clock/version-vector.js';
import type { Now } from '../events.js';
import type { Author, Boot, NodeId, SpaceKey } from '../identifiers.js';
import type { RecordView } from '../wire/record.js';
import type { LogPosition } from './group.js';
import type { Segment } from './segment.js';

export interface Recovered {
  readonly nodeId: NodeId;
  readonly boot: Boot;
  readonly segments: readonly Segment[];
  readonly nextSegment: number;
  readonly checkpointNumber: number;
  readonly horizons: ReadonlyMap<SpaceKey, ReadonlyMap<Author, number>>;
  /** Dots that were on this disk and can no longer be read: explicit holes. */
  readonly holes: ReadonlyMap<SpaceKey, VersionVector>;
  /** Holes that were waited for no more. */
  readonly settled: ReadonlyMap<SpaceKey, VersionVector>;
  /** Spaces handed over: records before the position were left out. */
  readonly dropped: ReadonlyMap<SpaceKey, LogPosition>;
  /** As the newest whole checkpoint has kept it. */
  readonly ledger: Uint8Array;
  /**
   * Something was lost that may have taken the place of records given up before: then each dot that is absent below a horizon is a hole, until a peer
   * says otherwise.
   */
  readonly absentDoubtful: boolean;
  readonly damagedRanges: number;
  readonly records: number;
}

export interface RecoveryOwner {
  /** Before the first record: what the newest whole checkpoint says of the horizons. */
  horizonsRead(horizons: ReadonlyMap<SpaceKey, ReadonlyMap<Author, number>>): void;
  /** An intact record, in log order; the same dot may come again from a later place, which then counts. */
  recovered(view: RecordView, segment: Segment, offset: number): void;
  finished(recovered: Recovered, now: Now): void;
  /**
   * All is read, but nothing can be written: the disk is full. Reads may be served of what was recovered, whose boot is not one yet; recovery goes on by
   * itself.
   */
  blocked(file: string, readable: Recovered, now: Now): void;
}
