/**
 * One node over a disk in memory, for tests: effects are performed after each event, in order, at a clock that the test moves. The disk keeps what
 * was synced apart from what was only written, so that a test may crash the node and look.
 */
import { compute } from '../compute.js';
import { defaultMemoryOptions, defaultReplicationOptions, defaultStorageOptions, type StorageOptions } from '../configuration.js';
import { singleNodeView } from '../control/members-and-rows.js';
import type { DomainEvent } from '../domain-events.js';
import type { Effects } from '../effects.js';
import { EngramNode } from '../engram-node.js';
import type { CoreEvent, DiskResult, Now } from '../events.js';
import { nodeId } from '../identifiers.js';
import type { MembershipOptions } from '../membership/options.js';
import { type EpisodeContent, encodeEpisode } from '../wire/episode.js';
import { AckLevel, type Reply, type Request, type RequestHeader } from '../wire/generated/engram/v1/service.js';
import { testPureFunctions } from './pure-functions.js';

/** What a crash leaves: the synced bytes of each file. */
export class MemoryDisk {
  readonly written = new Map<string, Uint8Array>();
  readonly synced = new Map<string, Uint8Array>();
  /** Reservations beyond this many bytes in all fail with ENOSPC. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Reads that touch these bytes fail. */
  badSectors: { readonly file: string; readonly offset: number; readonly end: number } | null = null;

  used(): number {
    let bytes = 0;
    for (const file of this.written.values()) bytes += file.length;
    return bytes;
  }

  /** A disk as a restarted node finds it. */
  afterCrash(): MemoryDisk {
    const disk = new MemoryDisk();
    for (const [name, bytes] of this.synced) {
      disk.written.set(name, bytes.slice());
      disk.synced.set(name, bytes.slice());
    }
    return disk;
  }
}

export const testHeader: RequestHeader = {
  space: '',
  requestId: new Uint8Array(0),
  sessionToken: new Uint8Array(0),
  ack: AckLevel.ACK_DEFAULT,
  deadlineMs: 0,
};

export class OneNode {
  readonly disk: MemoryDisk;
  readonly pure = testPureFunctions();
  readonly node: EngramNode;
  readonly events: DomainEvent[] = [];
  readonly replies = new Map<number, Reply>();
  /** Asked over the reliable channel; nobody answers. */
  readonly questions: Uint8Array[] = [];
  halted: string | null = null;
  /** While true, syncs are asked for and not completed. */
  holdSyncs = false;
  /** While set, there is no room to replace files whose names begin so. */
  noRoomFor: string | null = null;
  /** While true, scans are carried out and their results kept back. */
  holdScans = false;
  /** The file of every write, in order. */
  readonly writes: string[] = [];
  now: Now = { monotonicMs: 1_000, wallMs: 1_700_000_000_000 };
  readonly #queue: CoreEvent[] = [];
  readonly #held: (() => void)[] = [];
  readonly #heldScans: CoreEvent[] = [];
  readonly #timers = new Map<string, number>();
  #lastHandle = 0;

  constructor(
    options: { readonly disk?: MemoryDisk; readonly storage?: Partial<StorageOptions>; readonly membership?: MembershipOptions } = {},
  ) {
    this.disk = options.disk ?? new MemoryDisk();
    const configuration = {
      name: 'solo',
      clusterId: 'test',
      control: (self: ReturnType<typeof nodeId>) => singleNodeView(self, 'solo'),
      storage: { ...defaultStorageOptions, segmentBytes: 65_536, ...options.storage },
      memory: defaultMemoryOptions,
      replication: defaultReplicationOptions,
      membership: options.membership ?? null,
    };
    this.node = new EngramNode(configuration, this.#effects(), this.pure);
  }

  start(candidate = '0123456789abcdef0123456789abcdef'): this {
    this.deliver({ kind: 'start', candidateNodeId: nodeId(candidate) });
    return this;
  }

  deliver(event: CoreEvent): void {
    this.#queue.push(event);
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (this.halted === null) this.node.handle(next, this.now);
    }
  }

  /** Lets time pass, timers firing on their way. */
  pass(ms: number): void {
    const until = this.now.monotonicMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, at]) => at <= until).sort((left, right) => left[1] - right[1])[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#moveTo(Math.max(this.now.monotonicMs, due[1]));
      this.deliver({ kind: 'timer', name: due[0] });
    }
    this.#moveTo(until);
  }

  #moveTo(monotonicMs: number): void {
    this.now = { monotonicMs, wallMs: this.now.wallMs + monotonicMs - this.now.monotonicMs };
  }

  releaseSyncs(): void {
    this.holdSyncs = false;
    for (const sync of this.#held.splice(0)) sync();
  }

  releaseScans(): void {
    this.holdScans = false;
    for (const scanned of this.#heldScans.splice(0)) this.deliver(scanned);
  }

  /** Sends a request; its reply, once there is one, is in `replies` under the returned handle. */
  send(body: NonNullable<Request['body']>, header: Partial<RequestHeader> = {}): number {
    this.#lastHandle += 1;
    this.deliver({ kind: 'request', handle: this.#lastHandle, request: { header: { ...testHeader, ...header }, body } });
    return this.#lastHandle;
  }

  /** Sends a request that is answered at once. */
  ask(body: NonNullable<Request['body']>, header: Partial<RequestHeader> = {}): Reply {
    const reply = this.replies.get(this.send(body, header));
    if (reply === undefined) throw new Error('the node has not answered');
    return reply;
  }

  episode(content: Partial<EpisodeContent> & { readonly id: string }): Uint8Array {
    const blank = { text: '', embedding: null, confidence: 1, occurredAtMs: null, who: '', where: '', tags: [], embedder: '' };
    return encodeEpisode({ ...blank, ...content }, this.pure);
  }

  remember(content: Partial<EpisodeContent> & { readonly id: string }, header: Partial<RequestHeader> = {}): Reply {
    return this.ask({ $case: 'remember', value: { episode: this.episode(content), context: new Uint8Array(0) } }, header);
  }

  get(id: string): Reply {
    return this.ask({ $case: 'get', value: { id } });
  }

  #finish(ticket: number, result: DiskResult): void {
    this.#queue.push({ kind: 'disk', ticket, result });
  }

  #extend(file: string, bytes: number): Uint8Array {
    const old = this.disk.written.get(file) ?? new Uint8Array(0);
    if (old.length >= bytes) return old;
    const wider = new Uint8Array(bytes);
    wider.set(old);
    this.disk.written.set(file, wider);
    return wider;
  }

  #effects(): Effects {
    const done = { kind: 'done' } as const;
    const full = { kind: 'failed', code: 'ENOSPC', message: 'no space left' } as const;
    const { written, synced } = this.disk;
    return {
      network: { send: () => undefined },
      datagrams: { send: () => undefined },
      exchanges: { ask: (_to, bytes) => this.questions.push(bytes), answer: () => undefined },
      timers: { arm: (name, at) => this.#timers.set(name, at), disarm: (name) => this.#timers.delete(name) },
      compute: {
        run: (job, ticket) => {
          const held = this.holdScans ? this.#heldScans : this.#queue;
          held.push({ kind: 'compute', ticket, result: compute(job, this.pure) });
        },
      },
      replies: { send: (handle, reply) => this.replies.set(handle, reply) },
      journal: { note: (event) => this.events.push(event) },
      lifecycle: {
        halt: (reason) => {
          this.halted = reason;
        },
      },
      disk: {
        list: (ticket) => {
          const files = [...written].map(([name, bytes]) => ({ name, bytes: bytes.length }));
          this.#finish(ticket, { kind: 'listed', files: files.sort((left, right) => (left.name < right.name ? -1 : 1)) });
        },
        read: (file, { offset, length }, ticket) => {
          const bytes = written.get(file);
          const bad = this.disk.badSectors;
          if (bytes === undefined) this.#finish(ticket, { kind: 'failed', code: 'ENOENT', message: `no ${file}` });
          else if (bad !== null && bad.file === file && offset < bad.end && bad.offset < offset + length)
            this.#finish(ticket, { kind: 'failed', code: 'EIO', message: `${file} cannot be read` });
          else this.#finish(ticket, { kind: 'read', bytes: bytes.slice(offset, offset + length) });
        },
        reserve: (file, bytes, ticket) => {
          if (this.disk.used() + bytes - (written.get(file)?.length ?? 0) > this.disk.capacityBytes) return this.#finish(ticket, full);
          this.#extend(file, bytes);
          if (!synced.has(file)) synced.set(file, new Uint8Array(bytes));
          this.#finish(ticket, done);
        },
        write: (file, offset, parts, ticket) => {
          this.writes.push(file);
          let at = offset;
          for (const part of parts) {
            this.#extend(file, at + part.length).set(part, at);
            at += part.length;
          }
          this.#finish(ticket, done);
        },
        sync: (file, ticket) => {
          const sync = (): void => {
            const bytes = written.get(file);
            if (bytes !== undefined) synced.set(file, bytes.slice());
            if (this.#queue.length === 0 && this.#held.length === 0) this.deliver({ kind: 'disk', ticket, result: done });
            else this.#finish(ticket, done);
          };
          if (this.holdSyncs) this.#held.push(sync);
          else {
            const bytes = written.get(file);
            if (bytes !== undefined) synced.set(file, bytes.slice());
            this.#finish(ticket, done);
          }
        },
        replace: (file, bytes, ticket) => {
          const isRefused = this.noRoomFor !== null && file.startsWith(this.noRoomFor);
          if (isRefused || this.disk.used() + bytes.length > this.disk.capacityBytes) return this.#finish(ticket, full);
          written.set(file, bytes.slice());
          synced.set(file, bytes.slice());
          this.#finish(ticket, done);
        },
        remove: (file, ticket) => {
          written.delete(file);
          synced.delete(file);
          this.#finish(ticket, done);
        },
      },
    };
  }
}
