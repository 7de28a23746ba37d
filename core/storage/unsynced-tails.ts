/**
 * What is served must be on the disk: a node that was killed before its sync finds its last groups again, and power loss would take them back.
 *
 * They are written anew, not only synced, since a sync that failed once may have dropped what it failed on; and as another file that takes the place of the
 * segment, since what was durable after all would be at stake while it is written over.
 */
import type { DiskCalls } from './disk-calls.js';
import type { Segment } from './segment.js';

/** The end of a segment, from a position up to which it is known to be durable. */
export interface UnsyncedTail {
  readonly segment: Segment;
  readonly from: number;
  readonly bytes: Uint8Array;
}

/** Makes the segments with these tails durable, the last first, and goes on; `failed` ends it. */
export function makeDurable(
  tails: UnsyncedTail[],
  disk: DiskCalls,
  failed: (segment: Segment, message: string) => void,
  then: () => void,
): void {
  const tail = tails.pop();
  if (tail === undefined) return then();
  const { segment, from, bytes } = tail;
  const next = (): void => makeDurable(tails, disk, failed, then);
  /** Where the segment cannot be read whole, or there is no room for it twice. */
  const writeOver = (): void => {
    disk.write(segment.file, from, [bytes], (written) => {
      if (written.kind === 'failed') failed(segment, written.message);
    });
    disk.sync(segment.file, (synced) => (synced.kind === 'failed' ? failed(segment, synced.message) : next()));
  };
  const length = Math.min(segment.endBytes, segment.reservedBytes);
  disk.read(segment.file, { offset: 0, length }, (read) => {
    if (read.kind !== 'read' || read.bytes.length < length) return writeOver();
    disk.replace(segment.file, read.bytes, (replaced) => {
      if (replaced.kind === 'failed') return writeOver();
      segment.reservedBytes = length;
      next();
    });
  });
}
