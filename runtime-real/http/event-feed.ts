/** The latest events of a node, numbered, for whoever follows them over HTTP and comes back after a break. */
import type { NodeEvent } from '../node/runtime-events.js';

/** Events that can still be told to who comes late. */
export const eventsKept = 1_000;
export const followersMax = 256;

export interface NumberedEvent {
  /** `BOOT-NUMBER`, the number ascending from 1. */
  readonly id: string;
  readonly atMs: number;
  readonly event: NodeEvent;
}

/** What is told of: the cluster, not single requests or records. */
const told = /^(?:(?:cluster|control|member|partition|link|term|node|move|space)\.|replication\.(?:lag-|degraded|superseded))/;

export class EventFeed {
  /** Set once the boot is known: numbers of an earlier boot mean nothing here. */
  boot = 0;
  #count = 0;
  #kept: NumberedEvent[] = [];
  readonly #followers = new Set<(event: NumberedEvent) => void>();

  take(event: NodeEvent): void {
    if (!told.test(event.kind)) return;
    this.#count += 1;
    const numbered = { id: `${this.boot}-${this.#count}`, atMs: Date.now(), event };
    this.#kept.push(numbered);
    if (this.#kept.length >= 2 * eventsKept) this.#kept = this.#kept.slice(-eventsKept);
    for (const follower of this.#followers) follower(numbered);
  }

  /** What came after the event with that id, as far as it is kept; without an id, or with one of another boot, everything that is kept. */
  since(id: string | null): readonly NumberedEvent[] {
    const at = id === null ? -1 : this.#kept.findIndex((event) => event.id === id);
    return this.#kept.slice(at + 1).slice(-eventsKept);
  }

  /** Hears of every event from now on; null when too many do already. Returns how to stop that. */
  follow(follower: (event: NumberedEvent) => void): (() => void) | null {
    if (this.#followers.size >= followersMax) return null;
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}

/** Byte arrays and the like say nothing to a reader: their length does. */
export function eventJson({ event, atMs }: NumberedEvent): string {
  const { kind, ...fields } = event;
  const shown = (_key: string, value: unknown): unknown => {
    if (value instanceof Uint8Array) return { bytes: value.length };
    if (value instanceof Map) return Object.fromEntries(value);
    return typeof value === 'bigint' ? String(value) : value;
  };
  return JSON.stringify({ kind, at: new Date(atMs).toISOString(), ...fields }, shown);
}
