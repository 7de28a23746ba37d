/**
 * Spaces that this node has let go of, because others hold all that was held here. Their records still stand in segments of the log, until compaction has given
 * those up; what stands there before the moment of the drop is of no use, and recovery leaves it out. The checkpoint that names the drop makes it durable: a crash
 * before it brings all records back, and they are handed over once more.
 */
import type { SpaceKey } from '../identifiers.js';
import type { LogPosition } from '../storage/group.js';
import type { Segment } from '../storage/segment.js';

interface Dropped {
  readonly end: LogPosition;
  /** What the space's count of changes had come to: a copy that is made here again goes on from there. */
  readonly changes: number;
}

export class DroppedSpaces {
  readonly #dropped = new Map<SpaceKey, Dropped>();

  /** As recovery found them. */
  recovered(ends: ReadonlyMap<SpaceKey, LogPosition>): void {
    for (const [space, end] of ends) if (!this.#dropped.has(space)) this.#dropped.set(space, { end, changes: 0 });
  }

  add(space: SpaceKey, end: LogPosition, changes: number): void {
    this.#dropped.set(space, { end, changes });
  }

  has(space: SpaceKey): boolean {
    return this.#dropped.has(space);
  }

  changesOf(space: SpaceKey): number {
    return this.#dropped.get(space)?.changes ?? 0;
  }

  /** What a checkpoint has to name: spaces of which a segment that is still there may hold old records. */
  ends(segments: ReadonlyMap<number, Segment>): ReadonlyMap<SpaceKey, LogPosition> {
    let oldest = Number.POSITIVE_INFINITY;
    for (const number of segments.keys()) oldest = Math.min(oldest, number);
    const ends = new Map<SpaceKey, LogPosition>();
    for (const [space, { end }] of this.#dropped) if (end.segment >= oldest) ends.set(space, end);
    return ends;
  }
}
