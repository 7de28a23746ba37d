/**
 * What a core asks for while it handles an event, in the order of its calls: kept in two arrays that are used again for every event, since emptying an array
 * costs more than a counter.
 */
import type { Effects } from '../core/effects.js';
import type { DiskRequest, DiskRequestKind } from './disk-model.js';

export const asked = {
  message: 0,
  disk: 1,
  arm: 2,
  disarm: 3,
  compute: 4,
  reply: 5,
  note: 6,
  datagram: 7,
  exchange: 8,
  answer: 9,
} as const;

/** What a node asks another one over a connection. */
export interface Question {
  readonly bytes: Uint8Array;
  readonly ticket: number;
}

const noParts: readonly Uint8Array[] = [];

export class CollectedEffects {
  /** One of `asked` for each call, and two arguments of each: the first `count` count. */
  readonly kinds: number[] = [];
  readonly values: unknown[] = [];
  count = 0;
  /** Why the core stopped its process; nothing is asked for any more then. */
  halted: string | null = null;
  readonly effects: Effects = this.#collecting();

  /** Before an event. */
  reset(): void {
    this.count = 0;
    this.halted = null;
  }

  #ask(what: number, first: unknown, second: unknown): void {
    if (this.halted !== null) return;
    const at = this.count;
    this.kinds[at] = what;
    this.values[2 * at] = first;
    this.values[2 * at + 1] = second;
    this.count = at + 1;
  }

  #askDisk(kind: DiskRequestKind, file: string, offset: number, length: number, parts: readonly Uint8Array[], ticket: number): void {
    this.#ask(asked.disk, { kind, file, offset, length, parts, ticket } satisfies DiskRequest, null);
  }

  #collecting(): Effects {
    return {
      network: { send: (to, message) => this.#ask(asked.message, to, message) },
      datagrams: { send: (to, packet) => this.#ask(asked.datagram, to, packet) },
      exchanges: {
        ask: (to, bytes, ticket) => this.#ask(asked.exchange, to, { bytes, ticket } satisfies Question),
        answer: (handle, bytes) => this.#ask(asked.answer, handle, bytes),
      },
      disk: {
        list: (ticket) => this.#askDisk('list', '', 0, 0, noParts, ticket),
        read: (file, { offset, length }, ticket) => this.#askDisk('read', file, offset, length, noParts, ticket),
        reserve: (file, bytes, ticket) => this.#askDisk('reserve', file, 0, bytes, noParts, ticket),
        write: (file, offset, parts, ticket) => this.#askDisk('write', file, offset, totalBytes(parts), parts, ticket),
        sync: (file, ticket) => this.#askDisk('sync', file, 0, 0, noParts, ticket),
        replace: (file, bytes, ticket) => this.#askDisk('replace', file, 0, bytes.length, [bytes], ticket),
        remove: (file, ticket) => this.#askDisk('remove', file, 0, 0, noParts, ticket),
      },
      timers: {
        arm: (name, atMs) => this.#ask(asked.arm, name, atMs),
        disarm: (name) => this.#ask(asked.disarm, name, null),
      },
      compute: { run: (job, ticket) => this.#ask(asked.compute, job, ticket) },
      replies: { send: (request, reply) => this.#ask(asked.reply, request, reply) },
      journal: { note: (event) => this.#ask(asked.note, event, null) },
      lifecycle: {
        halt: (reason) => {
          this.halted = reason;
        },
      },
    };
  }
}

function totalBytes(parts: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes;
}
