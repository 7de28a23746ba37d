/**
 * News that ride along with packets. Each item is sent a bounded number of times, retransmitMultiplier · ⌈log10(n + 1)⌉, which is enough to reach everybody with
 * high probability; what was sent least often goes first, so that fresh news overtake old ones (SWIM, section 4.1). There is one item per subject: later
 * news of it take the place of earlier ones.
 */
import type { ByteWriter } from '../wire/bytes.js';
import { decimalDigits } from './logarithms.js';

interface Item {
  readonly subject: string;
  bytes: Uint8Array;
  /** How often it has been sent; −1: replaced by later news. */
  sent: number;
}

/** Items that do not fit into the rest of a packet and are passed over for smaller ones. */
const passedOverMax = 4;
/** A departure or refreshal: with less room than this a packet is full. */
const smallestItemBytes = 33;
/** Places of a level that are done with are given back in lots of this size. */
const sweepAt = 64;

export class Dissemination {
  readonly #retransmitMultiplier: number;
  readonly #itemsMax: number;
  readonly #items = new Map<string, Item>();
  /** By how often they were sent; each from `heads` on. */
  #levels: Item[][] = [[]];
  #heads: number[] = [0];
  /** Items dropped to keep the bound. */
  dropped = 0;

  constructor(options: { readonly retransmitMultiplier: number; readonly itemsMax: number }) {
    this.#retransmitMultiplier = options.retransmitMultiplier;
    this.#itemsMax = options.itemsMax;
  }

  get size(): number {
    return this.#items.size;
  }

  /** How often each item is sent among so many members. */
  sendsMax(members: number): number {
    return this.#retransmitMultiplier * decimalDigits(members);
  }

  put(subject: string, bytes: Uint8Array): void {
    const known = this.#items.get(subject);
    if (known?.sent === 0) {
      known.bytes = bytes;
      return;
    }
    if (known !== undefined) known.sent = -1;
    else if (this.#items.size >= this.#itemsMax) this.#dropOne();
    const item: Item = { subject, bytes, sent: 0 };
    this.#items.set(subject, item);
    this.#levels[0].push(item);
  }

  has(subject: string): boolean {
    return this.#items.has(subject);
  }

  remove(subject: string): void {
    const known = this.#items.get(subject);
    if (known === undefined) return;
    known.sent = -1;
    this.#items.delete(subject);
    if (this.#items.size === 0) this.#clear();
  }

  /** Writes as many items as fit into `room` bytes, each once; returns how many. */
  fill(writer: ByteWriter, room: number, members: number): number {
    if (this.#items.size === 0) return 0;
    const sendsMax = this.sendsMax(members);
    let left = room;
    let written = 0;
    let end = this.#levels[0].length;
    for (let level = 0; level < this.#levels.length && left >= smallestItemBytes; level += 1) {
      // What is sent now moves up a level, and must not be met again there.
      const nextEnd = this.#levels[level + 1]?.length ?? 0;
      const items = this.#levels[level];
      const passedOver: Item[] = [];
      let at = this.#heads[level];
      for (; at < end && left >= smallestItemBytes && passedOver.length < passedOverMax; at += 1) {
        const item = items[at];
        if (item.sent !== level) continue;
        if (item.bytes.length > left) {
          passedOver.push(item);
          continue;
        }
        writer.raw(item.bytes);
        left -= item.bytes.length;
        written += 1;
        this.#sentOnce(item, sendsMax);
      }
      for (const item of passedOver.reverse()) items[--at] = item;
      this.#begin(level, at);
      end = nextEnd;
    }
    if (this.#items.size === 0) this.#clear();
    return written;
  }

  #sentOnce(item: Item, sendsMax: number): void {
    item.sent += 1;
    if (item.sent >= sendsMax) {
      this.#items.delete(item.subject);
      item.sent = -1;
      return;
    }
    if (this.#levels.length <= item.sent) {
      this.#levels.push([]);
      this.#heads.push(0);
    }
    this.#levels[item.sent].push(item);
  }

  /** What stands before `head` is done with. */
  #begin(level: number, head: number): void {
    const items = this.#levels[level];
    if (head < sweepAt && head < items.length) {
      this.#heads[level] = head;
      return;
    }
    items.splice(0, head);
    this.#heads[level] = 0;
  }

  /** The one sent most often gives way. */
  #dropOne(): void {
    for (let level = this.#levels.length - 1; level >= 0; level -= 1) {
      const items = this.#levels[level];
      for (let at = this.#heads[level]; at < items.length; at += 1) {
        const item = items[at];
        if (item.sent !== level) continue;
        item.sent = -1;
        this.#heads[level] = at + 1;
        this.#items.delete(item.subject);
        this.dropped += 1;
        return;
      }
    }
  }

  #clear(): void {
    this.#levels = [[]];
    this.#heads = [0];
  }
}
