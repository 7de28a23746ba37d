/** What the logs on a disk hold at this moment, read from the bytes: the ground for deciding which damage stays within the fault model. */
import type { LogPosition } from '../core/storage/group.js';
import { isCheckpoint, LogReader, type PlacedRecord, placedRecords, segmentOf, toldByCheckpoint } from './core-formats.js';
import type { DiskFile } from './disk-file.js';
import type { DiskModel } from './disk-model.js';

export interface SyncedGroup {
  readonly file: DiskFile;
  readonly offset: number;
  readonly bytes: number;
  readonly dots: readonly string[];
  /** Whether the newest checkpoint says what was in it, should it be damaged. */
  readonly isListed: boolean;
}

/** The groups of a node's log that a crash could not touch and that can be read. */
export function syncedGroups(disk: DiskModel): SyncedGroup[] {
  const checkpoints = disk.files.filter(({ name }) => isCheckpoint(name)).map(({ bytes, size }) => bytes.subarray(0, size));
  const { dropped, ends, listed } = toldByCheckpoint(checkpoints);
  return disk.files.flatMap((file) => {
    const segment = segmentOf(file.name);
    if (segment === null) return [];
    const groups = new Map<number, { bytes: number; dots: string[] }>();
    const end = Math.min(file.writtenEnd, ends.get(segment) ?? file.writtenEnd);
    for (const record of placedRecords(file.bytes, segment, { from: 0, end })) {
      if (!isLetGo(dropped, record, segment)) enter(groups, record);
    }
    return [...groups]
      .filter(([offset, { bytes }]) => !file.unsyncedIn(offset, offset + bytes) && !file.refuses(offset, offset + bytes, 0))
      .map(([offset, { bytes, dots }]) => ({ file, offset, bytes, dots, isListed: offset + bytes <= (listed.get(segment) ?? 0) }));
  });
}

/** What the node has handed over is no copy that anybody could count on, though its bytes are still there. */
function isLetGo(dropped: ReadonlyMap<string, LogPosition>, { dot, groupOffset }: PlacedRecord, segment: number): boolean {
  const end = dropped.size === 0 ? undefined : dropped.get(dot.slice(0, dot.indexOf(' ')));
  return end !== undefined && (segment < end.segment || (segment === end.segment && groupOffset < end.offset));
}

function enter(groups: Map<number, { bytes: number; dots: string[] }>, { groupOffset, groupBytes, dot }: PlacedRecord): void {
  const group = groups.get(groupOffset);
  if (group === undefined) groups.set(groupOffset, { bytes: groupBytes, dots: [dot] });
  else group.dots.push(dot);
}

/** Dots of all records that ever became durable on a disk. */
export function everDurableDots(disk: DiskModel): ReadonlySet<string> {
  return new Set(new LogReader().read(disk.durableWrites).map(({ space, sequence, author }) => `${space} ${sequence}@${author}`));
}

/** Dots of the records that can be read and that no crash could take, as `space sequence@author`. */
export function syncedDots(disk: DiskModel): ReadonlySet<string> {
  return new Set(syncedGroups(disk).flatMap(({ dots }) => dots));
}
