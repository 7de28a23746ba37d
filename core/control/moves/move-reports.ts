/** What the leader was told lately of copies on their way: by each row's primary how far they have come, by the target of the move that it may lead. */
import type { Now } from '../../events.js';
import type { SpaceKey } from '../../identifiers.js';
import type { ControlRow, ControlState } from '../control-state.js';
import type { CopyProgress } from './move-messages.js';

interface Told<Message> {
  readonly atMs: number;
  readonly message: Message;
}

/** What is said once counts for so long; the source says it anew with each round of its pings. */
const freshMs = 600;

export class MoveReports {
  readonly #copied = new Map<SpaceKey, Told<CopyProgress>>();
  readonly #prepared = new Map<SpaceKey, Told<number>>();
  /** Spaces whose primary speaks of a row that was not applied here when it did. */
  readonly #early = new Set<SpaceKey>();

  /** The row's primary has spoken. Of an entry that a majority had sooner than this disk too: it counts once that is applied, for writes may have paused by it. */
  copied({ space, revision }: ControlRow, progress: CopyProgress, now: Now): void {
    if (progress.revision >= revision) this.#copied.set(space, { atMs: now.monotonicMs, message: progress });
    if (progress.revision > revision) this.#early.add(space);
  }

  prepared({ space, revision }: ControlRow, now: Now): void {
    this.#prepared.set(space, { atMs: now.monotonicMs, message: revision });
  }

  /** What was said last, of whichever revision and whenever; null: nothing. */
  latest(space: SpaceKey): CopyProgress | null {
    return this.#copied.get(space)?.message ?? null;
  }

  /** What counts of the row as it stands. */
  of({ space, revision }: ControlRow, now: Now): CopyProgress | null {
    const copied = fresh(this.#copied.get(space), now);
    return copied?.revision === revision ? copied : null;
  }

  isPrepared({ space, revision }: ControlRow, now: Now): boolean {
    return fresh(this.#prepared.get(space), now) === revision;
  }

  /** Rows that have become what was spoken of early. */
  takeEarly(rows: ControlState['rows']): readonly ControlRow[] {
    if (this.#early.size === 0) return [];
    const due: ControlRow[] = [];
    for (const space of [...this.#early]) {
      const row = rows[space];
      if (row !== undefined && (this.latest(space)?.revision ?? 0) > row.revision) continue;
      this.#early.delete(space);
      if (row !== undefined) due.push(row);
    }
    return due;
  }

  /** No move is under way any more. */
  forgetMoves(): void {
    this.#copied.clear();
    this.#prepared.clear();
    this.#early.clear();
  }
}

function fresh<Message>(told: Told<Message> | undefined, now: Now): Message | null {
  return told !== undefined && now.monotonicMs - told.atMs <= freshMs ? told.message : null;
}
