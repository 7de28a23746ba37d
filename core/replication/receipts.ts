/**
 * The divergence ledger: what became of writes that reached the primary from another term. A primary that was cut off, or that crashed with writes which nobody else had,
 * brings them when it comes back; they are merged, never truncated, and each gets a receipt: readable, an alternate beside what is readable, superseded by a version that
 * includes it, or deleted by a forget.
 *
 * Bounded: the oldest receipts go first, and are counted. They stand in the checkpoint, which is written soon after new ones have come; a crash before that
 * takes these with it. The records themselves stay.
 */
import type { Now } from '../events.js';
import type { Dot, SpaceKey, Term } from '../identifiers.js';
import { dotKey, spaceName } from '../identifiers.js';
import type { SpaceStore } from '../memory/space-store.js';
import type { PureFunctions } from '../pure-functions.js';
import type { RecordView } from '../wire/record.js';
import type { Fate, Receipt } from './receipt.js';
import { decodeLedger, encodeLedger } from './receipt-codec.js';

export const receiptsMax = 4_096;

export interface ReceiptsAsked {
  /** Of a space, all its generations; null: of every space. */
  readonly name: string | null;
  readonly after: number;
  readonly limit: number;
}

export interface ReceiptPage {
  readonly receipts: readonly Receipt[];
  /** Ask for what follows this number; null at the end. */
  readonly next: number | null;
  /** Receipts of this node, of all spaces, that are gone or were never made, to keep the bound. */
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
  readonly #pure: PureFunctions;
  readonly #arrived = new Map<string, Arrived>();
  readonly #receipts: Receipt[] = [];
  #number = 0;
  #dropped = 0;
  /** Of the greatest receipt that some checkpoint has been asked to hold. */
  #keptNumber = 0;

  constructor(pure: PureFunctions) {
    this.#pure = pure;
  }

  get kept(): number {
    return this.#receipts.length;
  }

  /** Given up, or never made, to keep the bound. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Whether there are receipts that no checkpoint holds yet. Asked before one is written: says so once. */
  takeUnkept(): boolean {
    const isUnkept = this.#number > this.#keptNumber;
    this.#keptNumber = this.#number;
    return isUnkept;
  }

  /** For the checkpoint; empty when there is nothing to keep. */
  encode(): Uint8Array {
    if (this.#receipts.length === 0 && this.#dropped === 0) return noBytes;
    return encodeLedger({ receipts: this.#receipts, dropped: this.#dropped }, this.#pure);
  }

  /** At a start: what the checkpoint has kept. */
  recovered(bytes: Uint8Array): void {
    const ledger = bytes.length === 0 ? null : decodeLedger(bytes, this.#pure);
    if (ledger === null) return;
    this.#receipts.push(...ledger.receipts.slice(-receiptsMax));
    this.#dropped = ledger.dropped;
    this.#number = this.#receipts.at(-1)?.number ?? 0;
    this.#keptNumber = this.#number;
  }

  /** A record of another term is on its way to the disk of this node, which is primary in `supersededBy`. */
  arrived(space: SpaceStore, view: RecordView, supersededBy: Term): void {
    if (this.#arrived.size >= receiptsMax) {
      this.#dropped += 1;
      return;
    }
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
    const id = this.#pure.utf8Decode(idBytes);
    const fate = isDelete ? 'delete' : fateOf(space, dot, idBytes);
    this.#receipts.push({ number: this.#number, space: space.key, dot, id, writtenMs, mergedMs: now.wallMs, term, supersededBy, fate });
    if (this.#receipts.length <= receiptsMax) return;
    this.#receipts.shift();
    this.#dropped += 1;
  }

  /** Receipts with greater numbers than `after`, in order. */
  page({ name, after, limit }: ReceiptsAsked): ReceiptPage {
    const found = this.#receipts.filter((receipt) => receipt.number > after && (name === null || spaceName(receipt.space) === name));
    const receipts = found.slice(0, Math.max(1, limit));
    return { receipts, next: receipts.length < found.length ? receipts[receipts.length - 1].number : null, dropped: this.#dropped };
  }
}

const nothing: ReadonlyMap<SpaceKey, number> = new Map();
const noBytes = new Uint8Array(0);

function fateOf(space: SpaceStore, { author, sequence }: Dot, idBytes: Uint8Array): Fate {
  const memory = space.index.find(idBytes, 0, idBytes.length);
  const version = memory < 0 ? -1 : space.index.versionOf(memory, author, sequence);
  // Included by another version: dropped at once.
  if (version < 0) return 'superseded';
  const { live } = space.standing(memory, { pending: false });
  const at = live.indexOf(version);
  return at < 0 ? 'deleted' : at === 0 ? 'readable' : 'alternate';
}
