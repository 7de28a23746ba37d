/** The latest events of a node, numbered, for whoever follows them over HTTP and comes back after a break. */
import { randomBytes } from 'node:crypto';
import type { NodeEvent } from '../node/runtime-events.js';

/** Events that can still be told to who comes late. */
export const eventsKept = 1_000;
export const followersMax = 256;

export interface NumberedEvent {
  /** `FEED-NUMBER`: which feed, and the number ascending from 1. */
  readonly id: string;
  readonly atMs: number;
  readonly event: NodeEvent;
}

/** What lies between where a follower says it was and the first event that it is told now: as far as anybody knows it has missed something. */
export interface Gap {
  /** The follower's place now: before the first event that is told. */
  readonly id: string;
  /** `other-feed`: the id is of another node, of an earlier start of this one, or no id at all. `forgotten`: what came next is not kept any more. */
  readonly reason: 'other-feed' | 'forgotten';
  /** How many events lie between; null when nobody can tell. */
  readonly missed: number | null;
}

/** What is told of: the cluster, not single requests or records. */
const told = /^(?:(?:cluster|control|member|partition|link|term|node|move|space)\.|replication\.(?:lag-|degraded|superseded))/;

export class EventFeed {
  /** Drawn at each start of the process, so that no two nodes and no two starts give one id to two events; known before the boot is read from disk. */
  readonly #feed = randomBytes(8).toString('hex');
  #count = 0;
  #kept: NumberedEvent[] = [];
  readonly #followers = new Set<(event: NumberedEvent) => void>();

  take(event: NodeEvent): void {
    if (!told.test(event.kind)) return;
    this.#count += 1;
    const numbered = { id: this.#idOf(this.#count), atMs: Date.now(), event };
    this.#kept.push(numbered);
    if (this.#kept.length >= 2 * eventsKept) this.#kept = this.#kept.slice(-eventsKept);
    for (const follower of this.#followers) follower(numbered);
  }

  /** What came after the event with that id; without an id everything that is kept. Where it does not follow on the id without a gap, the gap is said. */
  since(id: string | null): { readonly gap: Gap | null; readonly events: readonly NumberedEvent[] } {
    const kept = this.#kept.slice(-eventsKept);
    if (id === null) return { gap: null, events: kept };
    const before = this.#count - kept.length;
    const at = this.#numberOf(id);
    if (at !== null && at >= before) return { gap: null, events: kept.slice(at - before) };
    const gap = at === null ? ({ reason: 'other-feed', missed: null } as const) : ({ reason: 'forgotten', missed: before - at } as const);
    return { gap: { id: this.#idOf(before), ...gap }, events: kept };
  }

  #idOf(number: number): string {
    return `${this.#feed}-${number}`;
  }

  /** Null: no id that this feed has given. */
  #numberOf(id: string): number | null {
    const [, feed, digits] = /^([0-9a-f]{16})-(\d{1,15})$/.exec(id) ?? [];
    return feed === this.#feed && Number(digits) <= this.#count ? Number(digits) : null;
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

/** The name of the event that says a gap; no event of a node has it. */
export const gapEvent = 'events.gap';

/** What a follower does that keeps state made of events: begins it anew from what the cluster says of itself. */
const gapHint = 'look at /cluster/health and /cluster/spaces for what is so now, and go on with the events from here';

/** Says the gap; `asked` is the id that the follower gave. */
export function gapJson({ reason, missed }: Gap, asked: string): string {
  return JSON.stringify({ kind: gapEvent, at: new Date().toISOString(), reason, missed, lastEventId: asked.slice(0, 64), hint: gapHint });
}
