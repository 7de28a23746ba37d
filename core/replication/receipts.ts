/**
 * The divergence ledger: what became of writes that reached the primary from another term. A primary that was cut off, or that crashed with writes which nobody else had,
 * brings them when it comes back; they are merged, never truncated, and each gets a receipt: readable, an alternate beside what is readable, superseded by a version that
 * includes it, or deleted by a forget.
 *
 * Kept in memory and bounded: the oldest receipts go first, and a restart forgets them. The records themselves stay.
 */
import type { Now } from '../events.js';
import type { Dot, SpaceKey, Term } from '../identifiers.js';
import { dotKey } from '../identifiers.js';
import type { SpaceStore } from '../memory/space-store.js';
import type { RecordView } from '../wire/record.js';

export const receiptsMax = 4_096;

/** What a merged write came to, at the moment when it was merged. */
export type Fate = 'readable' | 'alternate' | 'superseded' | 'deleted' | 'delete';

export interface Receipt {
  /** Counts up on this node. */
  readonly number: number;
  readonly space: SpaceKey;
  readonly dot: Dot;
  /** Of the memory. */
  readonly id: string;
  /** By the logical clock of who wrote it: milliseconds since 1970. */
  readonly writtenMs: number;
  /** When it was synced here, by this node's wall clock. */
  readonly mergedMs: number;
  /** The term that it was written in, and the one in which this node took it in. */
  readonly term: Term;
  readonly supersededBy: Term;
  readonly fate: Fate;
}

export interface ReceiptPage {
  readonly receipts: readonly Receipt[];
  /** Ask for what follows this number; null at the end. */
  readonly next: number | null;
  /** Receipts of this node that are gone, to keep the bound. */
  readonly dropped: number;
}

interface Arrived {
  readonly space: SpaceStore;
  readonly dot: Dot;
  readonly idBytes: Uint8Array;
  readonly isDelete: boolean;
  readonly writtenMs: number;
  readonly term: Term;
  readonly supersededBy: Term;
}

export class Receipts {
  readonly #utf8Decode: (bytes: Uint8Array) => string;
  readonly #arrived = new Map<string, Arrived>();
  readonly #receipts: Receipt[] = [];
  #number = 0;
  #dropped = 0;

  constructor(utf8Decode: (bytes: Uint8Array) => string) {
    this.#utf8Decode = utf8Decode;
  }

  /** A record of another term is on its way to the disk of this node, which is primary in `supersededBy`. */
  arrived(space: SpaceStore, view: RecordView, supersededBy: Term): void {
    if (this.#arrived.size >= receiptsMax) return;
    const dot = { author: view.author, sequence: view.sequence };
    this.#arrived.set(`${space.key} ${dotKey(dot)}`, {
      space,
      dot,
      idBytes: view.bytes.slice(view.idOffset, view.idOffset + view.idLength),
      isDelete: view.isTombstone,
      writtenMs: view.timeMs,
      term: view.term,
      supersededBy,
    });
  }

  /** Records have been synced: says what became of those that were waited for. Returns how many of each space that were. */
  recordsDurable(now: Now): ReadonlyMap<SpaceKey, number> {
    if (this.#arrived.size === 0) return nothing;
    const counts = new Map<SpaceKey, number>();
    for (const [key, arrived] of this.#arrived) {
      if (!arrived.space.coverage.has(arrived.dot) || arrived.space.inFlight.has(arrived.dot)) continue;
      this.#arrived.delete(key);
      this.#enter(arrived, now);
      counts.set(arrived.space.key, (counts.get(arrived.space.key) ?? 0) + 1);
    }
    return counts;
  }

  #enter({ space, dot, idBytes, isDelete, writtenMs, term, supersededBy }: Arrived, now: Now): void {
    this.#number += 1;
    const id = this.#utf8Decode(idBytes);
    const fate = isDelete ? 'delete' : fateOf(space, dot, idBytes);
    this.#receipts.push({ number: this.#number, space: space.key, dot, id, writtenMs, mergedMs: now.wallMs, term, supersededBy, fate });
    if (this.#receipts.length <= receiptsMax) return;
    this.#receipts.shift();
    this.#dropped += 1;
  }

  /** Receipts of a space with greater numbers than `after`, in order; of all spaces without one. */
  page({ space, after, limit }: { readonly space: SpaceKey | null; readonly after: number; readonly limit: number }): ReceiptPage {
    const found = this.#receipts.filter((receipt) => receipt.number > after && (space === null || receipt.space === space));
    const receipts = found.slice(0, Math.max(1, limit));
    return { receipts, next: receipts.length < found.length ? receipts[receipts.length - 1].number : null, dropped: this.#dropped };
  }
}

const nothing: ReadonlyMap<SpaceKey, number> = new Map();

function fateOf(space: SpaceStore, { author, sequence }: Dot, idBytes: Uint8Array): Fate {
  const memory = space.index.find(idBytes, 0, idBytes.length);
  const version = memory < 0 ? -1 : space.index.versionOf(memory, author, sequence);
  // Included by another version: dropped at once.
  if (version < 0) return 'superseded';
  const { live } = space.standing(memory, { pending: false });
  const at = live.indexOf(version);
  return at < 0 ? 'deleted' : at === 0 ? 'readable' : 'alternate';
}
