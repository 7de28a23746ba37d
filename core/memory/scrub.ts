/**
 * Scrubbing: a walk over everything that the index points at, which reads each record back from the disk and checks it. Bytes rot where nobody reads; found while other copies are
 * whole, the record becomes a hole like any other, and is fetched from a peer.
 *
 * One small read at a time, and so slowly that nothing waits for it: a batch, then a pause that keeps the walk within its rate. A start needs no walk: recovery has just
 * read the whole log.
 */
import type { Now } from '../events.js';
import type { SpaceKey } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import { readBack, type Wanted } from '../replication/read-back.js';
import { type VersionRow, versionFlags } from '../storage/record-index.js';
import type { SpaceStore } from './space-store.js';

const scrubTimer = 'scrub.next';
/** Read in one batch at most, and rows looked at for it. */
const batchBytesMax = 64 * 1_024;
const batchRowsMax = 2_048;

interface Pass {
  /** Spaces still to be walked, the next one last. */
  readonly spaces: SpaceKey[];
  row: VersionRow;
  readonly sinceMs: number;
  records: number;
  bytes: number;
  damaged: number;
}

export class Scrub {
  readonly #services: NodeServices;
  #pass: Pass | null = null;

  constructor(services: NodeServices) {
    this.#services = services;
  }

  start(now: Now): void {
    const { scrubBytesPerSecond, scrubEveryMs } = this.#services.configuration.storage;
    if (scrubBytesPerSecond > 0) this.#services.effects.timers.arm(scrubTimer, now.monotonicMs + scrubEveryMs);
  }

  timer(name: string, now: Now): boolean {
    if (name !== scrubTimer) return false;
    const spaces = [...this.#services.store.spaces()].map(({ key }) => key).reverse();
    this.#pass ??= { spaces, row: 0, sinceMs: now.monotonicMs, records: 0, bytes: 0, damaged: 0 };
    this.#next(this.#pass, now);
    return true;
  }

  #next(pass: Pass, now: Now): void {
    const key = pass.spaces.at(-1);
    if (key === undefined) return this.#finish(pass, now);
    const space = this.#services.store.spaceIfHeld(key);
    const batch = space === undefined ? nothing : this.#batch(pass, space);
    if (space === undefined || pass.row >= space.index.versionRows) {
      pass.spaces.pop();
      pass.row = 0;
    }
    if (space === undefined || batch.wanted.length === 0) return this.#pause(0, now);
    readBack(this.#services.store, this.#services.pure, key, batch.wanted, (records) => {
      for (const [at, record] of records.entries()) if (record === null) this.#judge(pass, space, batch.versions[at], batch.wanted[at]);
      pass.records += batch.wanted.length;
      pass.bytes += batch.bytes;
      // From when it was asked for: a slow disk is not read faster for it, since one batch waits for the other.
      this.#pause(batch.bytes, now);
    });
  }

  #batch(pass: Pass, { index }: SpaceStore): Batch {
    const batch: Batch = { wanted: [], versions: [], bytes: 0 };
    const end = Math.min(index.versionRows, pass.row + batchRowsMax);
    for (; pass.row < end && batch.bytes < batchBytesMax; pass.row += 1) {
      const version = pass.row;
      if (index.has(version, versionFlags.free | versionFlags.pending | versionFlags.damaged)) continue;
      batch.wanted.push({ author: index.authorOf(version), sequence: index.columns.sequence[version], place: index.place(version) });
      batch.versions.push(version);
      batch.bytes += index.columns.length[version];
    }
    return batch;
  }

  /** It may have moved, or given way to another, while it was read. */
  #judge(pass: Pass, space: SpaceStore, version: VersionRow, { author, sequence, place }: Wanted): void {
    const { index } = space;
    const isStill = this.#services.store.spaceIfHeld(space.key) === space && !index.has(version, versionFlags.free | versionFlags.damaged);
    if (!isStill || index.authorOf(version) !== author || index.columns.sequence[version] !== sequence || !index.isAt(version, place))
      return;
    pass.damaged += 1;
    this.#services.effects.journal.note({ kind: 'scrub.rot-found', space: space.key, author, sequence });
    space.markDamaged(version);
  }

  #pause(bytes: number, now: Now): void {
    const { scrubBytesPerSecond } = this.#services.configuration.storage;
    this.#services.effects.timers.arm(scrubTimer, now.monotonicMs + Math.max(1, Math.ceil((bytes * 1_000) / scrubBytesPerSecond)));
  }

  #finish({ records, bytes, damaged, sinceMs }: Pass, now: Now): void {
    this.#pass = null;
    this.#services.effects.journal.note({ kind: 'scrub.pass-finished', records, bytes, damaged, tookMs: now.monotonicMs - sinceMs });
    this.start(now);
  }
}

interface Batch {
  readonly wanted: Wanted[];
  readonly versions: VersionRow[];
  bytes: number;
}

const nothing: Batch = { wanted: [], versions: [], bytes: 0 };
