/**
 * Compaction: gives up segments of which little is still needed. What is needed is appended again, unchanged; when that is durable, a checkpoint
 * raises the horizon over the segment's dots and leaves the segment out; when that is durable, the file goes. A crash at any point leaves a log that
 * says the same.
 *
 * Only causally dominated records are ever given up. A horizon is raised over dots that all are here; over a hole only when garbage exceeds its bound,
 * and then checkpoint and snapshots name the hole (SPEC section 3, Deletes, compaction, catch-up).
 */
import type { StorageOptions } from '../configuration.js';
import type { Journal } from '../effects.js';
import type { DiskResult, Now } from '../events.js';
import type { PureFunctions } from '../pure-functions.js';
import { RecordView } from '../wire/record.js';
import type { Checkpointer } from './checkpointer.js';
import type { DiskCalls } from './disk-calls.js';
import type { Segment } from './segment.js';
import { scanSegment } from './segment-scan.js';

export interface CompactionOwner {
  /** Segments that might be given up, and whether the log takes records at all. */
  sealedSegments(): Iterable<Segment>;
  /** Whether the segment's dots lie in a prefix without holes that the other copies hold too; or need not be waited for any longer. */
  mayRaiseHorizon(segment: Segment, now: Now): boolean;
  /** Whether the index points at this very place. */
  isNeeded(view: RecordView, place: { readonly segment: number; readonly offset: number }): boolean;
  /** Appends a record again; false when there is no room now. `durable` is called once it stands in its new place. */
  moveRecord(view: RecordView, durable: (now: Now) => void): boolean;
  /** Something that the index points at in this segment cannot be read: it becomes a hole, and the segment stays. */
  markUnreadable(segment: Segment): void;
  raiseHorizon(segment: Segment): void;
  dropSegment(segment: Segment): void;
}

interface Job {
  readonly segment: Segment;
  /** Records still to be moved, as copies of their bytes; null until the segment has been read. */
  queue: Uint8Array[] | null;
  moving: number;
  kept: number;
  seen: number;
}

export class Compaction {
  readonly #options: StorageOptions;
  readonly #journal: Journal;
  readonly #disk: DiskCalls;
  readonly #checkpointer: Checkpointer;
  readonly #owner: CompactionOwner;
  readonly #pure: PureFunctions;
  readonly #view: RecordView;
  #job: Job | null = null;

  constructor(
    options: StorageOptions,
    ports: { readonly journal: Journal; readonly disk: DiskCalls; readonly checkpointer: Checkpointer; readonly pure: PureFunctions },
    owner: CompactionOwner,
  ) {
    this.#options = options;
    this.#journal = ports.journal;
    this.#disk = ports.disk;
    this.#checkpointer = ports.checkpointer;
    this.#pure = ports.pure;
    this.#owner = owner;
    this.#view = new RecordView(ports.pure);
  }

  /** Whether a segment is being given up: records of any space may be on their way to another place. */
  get isWorking(): boolean {
    return this.#job !== null;
  }

  /** Starts on the segment with the least live share, if one is worth it; goes on with a job that waited for room. */
  proceed(now: Now): void {
    if (this.#job !== null) return this.#move(this.#job, now);
    let best: Segment | null = null;
    let bestShare = this.#options.compactLiveShareMax;
    for (const segment of this.#owner.sealedSegments()) {
      if (segment.pins > 0 || segment.liveBytes === segment.unreadableBytes) continue;
      const share = segment.recordBytes === 0 ? 0 : segment.liveBytes / segment.recordBytes;
      if (share > bestShare || (best !== null && share === bestShare) || !this.#owner.mayRaiseHorizon(segment, now)) continue;
      best = segment;
      bestShare = share;
    }
    if (best !== null) this.#start(best);
  }

  #start(segment: Segment): void {
    const job: Job = { segment, queue: null, moving: 0, kept: 0, seen: 0 };
    this.#job = job;
    segment.pins += 1;
    this.#disk.read(segment.file, { offset: 0, length: segment.endBytes }, (result, now) => this.#read(job, result, now));
  }

  #read(job: Job, result: DiskResult, now: Now): void {
    const { segment } = job;
    if (result.kind !== 'read') return this.#leave(job);
    const queue: Uint8Array[] = [];
    scanSegment({ number: segment.number, bytes: result.bytes, trustedEnd: segment.endBytes }, this.#view, this.#pure, {
      record: (view, offset) => {
        job.seen += 1;
        if (this.#owner.isNeeded(view, { segment: segment.number, offset }))
          queue.push(view.bytes.subarray(view.at, view.at + view.length));
      },
    });
    job.queue = queue;
    job.kept = queue.length;
    this.#move(job, now);
  }

  #move(job: Job, now: Now): void {
    if (job.queue === null) return;
    while (job.queue.length > 0) {
      const record = job.queue[job.queue.length - 1];
      this.#view.moveTo(record, 0, record.length);
      const accepted = this.#owner.moveRecord(this.#view, (then) => {
        job.moving -= 1;
        this.#maybeFinish(job, then);
      });
      if (!accepted) return;
      job.queue.pop();
      job.moving += 1;
    }
    this.#maybeFinish(job, now);
  }

  #maybeFinish(job: Job, now: Now): void {
    if (this.#job !== job || job.queue === null || job.queue.length > 0 || job.moving > 0) return;
    const { segment } = job;
    if (segment.liveBytes > 0) {
      this.#owner.markUnreadable(segment);
      return this.#leave(job);
    }
    if (!this.#owner.mayRaiseHorizon(segment, now)) return this.#abandon(job);
    job.queue = null;
    this.#owner.raiseHorizon(segment);
    this.#owner.dropSegment(segment);
    this.#checkpointer.write((written) => {
      this.#job = null;
      segment.pins -= 1;
      // Without the checkpoint the file stays: recovery finds its records again and needs none of them.
      if (!written) return;
      this.#journal.note({ kind: 'log.segment-compacted', segment: segment.number, kept: job.kept, dropped: job.seen - job.kept });
      this.#removeWhenUnread(segment);
    });
  }

  #removeWhenUnread(segment: Segment): void {
    if (segment.pins === 0) this.#disk.remove(segment.file, () => undefined);
    else segment.whenUnread = (): void => this.#removeWhenUnread(segment);
  }

  /** What is still needed of the segment cannot be read here. Others take their turn until a peer has given it. */
  #leave(job: Job): void {
    job.segment.unreadableBytes = job.segment.liveBytes;
    this.#abandon(job);
  }

  #abandon(job: Job): void {
    job.segment.pins -= 1;
    this.#job = null;
  }
}
