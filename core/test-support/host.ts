/**
 * One node of a cluster in a test, with its disk, its timers and its clients. The disk keeps what was synced apart from what was only written, so that
 * the power may fail; syncs and reads of the log may be held; stored bytes may rot.
 */
import { compute } from '../compute.js';
import {
  defaultMemoryOptions,
  defaultReplicationOptions,
  defaultStorageOptions,
  type ReplicationOptions,
  type StorageOptions,
} from '../configuration.js';
import type { ControlLogOptions } from '../control/control-log-options.js';
import type { ControlView } from '../control/members-and-rows.js';
import type { DomainEvent } from '../domain-events.js';
import type { Disk, Effects, Ticket } from '../effects.js';
import { EngramNode, type SpaceInspection } from '../engram-node.js';
import type { CoreEvent, DiskResult } from '../events.js';
import { authorBoot, authorNode, type NodeId, nodeId, spaceKey } from '../identifiers.js';
import { invariant } from '../invariant.js';
import type { PureFunctions } from '../pure-functions.js';
import { decodeEpisode, type EpisodeContent, encodeEpisode } from '../wire/episode.js';
import type { Reply, Request, RequestHeader } from '../wire/generated/engram/v1/service.js';
import { MemoryDisk, testHeader } from './one-node.js';
import { testPureFunctions } from './pure-functions.js';

export const testClusterId = 'test';
export const testSpace = spaceKey({ name: 'default', generation: 0 });

const done: DiskResult = { kind: 'done' };
const full: DiskResult = { kind: 'failed', code: 'ENOSPC', message: 'no space left' };
const noBytes = new Uint8Array(0);

export interface ClusterOptions {
  readonly storage?: Partial<StorageOptions>;
  readonly replication?: Partial<ReplicationOptions>;
  /** What the nodes are told of members and rows at their start; without it, one row with all nodes in order. */
  readonly view?: ControlView;
  /** A control log of the nodes' own; without it none. */
  readonly controlLog?: ControlLogOptions;
}

export interface Posted {
  readonly host: Host;
  /** The boot that it is for; null for whichever is up. */
  readonly boot: number | null;
  readonly event: CoreEvent;
}

/** What a host knows of the cluster around it. */
export interface HostWorld {
  readonly options: ClusterOptions;
  control(): ControlView;
  post(posted: Posted): void;
  settle(): void;
  transmit(from: Host, to: NodeId, bytes: Uint8Array): void;
}

export class Host {
  readonly #cluster: HostWorld;
  readonly index: number;
  readonly id: NodeId;
  disk = new MemoryDisk();
  up = false;
  halted: string | null = null;
  /** Of all boots. */
  readonly events: DomainEvent[] = [];
  readonly replies = new Map<number, Reply>();
  readonly timers = new Map<string, number>();
  /** While true, what makes the log durable is asked for and not completed. */
  holdSyncs = false;
  /** While true, reads of the log are asked for and not completed. */
  holdReads = false;
  #held: (() => void)[] = [];
  #boot = 0;
  #handle = 0;
  #pure: PureFunctions = testPureFunctions();
  #node: EngramNode | null = null;

  constructor(cluster: HostWorld, index: number) {
    this.#cluster = cluster;
    this.index = index;
    this.id = nodeId(`${index + 1}${index + 1}`.repeat(16));
  }

  get node(): EngramNode {
    if (this.#node === null) throw new Error(`n${this.index + 1} was never started`);
    return this.#node;
  }

  get boot(): number {
    return this.#boot;
  }

  start(): void {
    this.#boot += 1;
    this.up = true;
    this.halted = null;
    this.#pure = testPureFunctions(`n${this.index} boot ${this.#boot}`);
    const { storage, replication, controlLog } = this.#cluster.options;
    const configuration = {
      name: `n${this.index + 1}`,
      clusterId: testClusterId,
      control: () => this.#cluster.control(),
      storage: { ...defaultStorageOptions, segmentBytes: 65_536, cacheBytesMax: 0, scrubBytesPerSecond: 0, ...storage },
      memory: defaultMemoryOptions,
      replication: { ...defaultReplicationOptions, ...replication },
      membership: null,
      ...(controlLog === undefined ? {} : { controlLog }),
    };
    this.#node = new EngramNode(configuration, this.#effects(this.#boot), this.#pure);
    this.deliver({ kind: 'start', candidateNodeId: this.id });
  }

  /** Kills the process: what was written is still in the cache of the system. */
  kill(): void {
    this.up = false;
    this.#held = [];
    this.timers.clear();
  }

  /** Takes the power away: only what was synced remains. */
  crash(): void {
    this.kill();
    this.disk = this.disk.afterCrash();
    this.holdSyncs = false;
    this.holdReads = false;
  }

  deliver(event: CoreEvent): void {
    this.#cluster.post({ host: this, boot: this.#boot, event });
    this.#cluster.settle();
  }

  get heldCount(): number {
    return this.#held.length;
  }

  /** Completes what was held, and holds nothing more. */
  release(): void {
    this.holdSyncs = false;
    this.holdReads = false;
    this.releaseFirst(this.#held.length);
  }

  /** Completes the first of what was held; what comes is held as before. */
  releaseFirst(count: number): void {
    for (const complete of this.#held.splice(0, count)) complete();
    this.#cluster.settle();
  }

  /** Sends a request; its reply, once there is one, is in `replies` under the returned handle. */
  send(body: NonNullable<Request['body']>, header: Partial<RequestHeader> = {}): number {
    this.#handle += 1;
    this.deliver({ kind: 'request', handle: this.#handle, request: { header: { ...testHeader, ...header }, body } });
    return this.#handle;
  }

  remember(content: Partial<EpisodeContent> & { readonly id: string }, header: Partial<RequestHeader> = {}): number {
    const blank = { text: '', embedding: null, confidence: 1, occurredAtMs: null, who: '', where: '', tags: [], embedder: '' };
    const episode = encodeEpisode({ ...blank, ...content }, this.#pure);
    return this.send({ $case: 'remember', value: { episode, context: noBytes } }, header);
  }

  forget(id: string, header: Partial<RequestHeader> = {}): number {
    return this.send({ $case: 'forget', value: { id, context: noBytes, expectedVersion: noBytes } }, header);
  }

  /** What came of a request: the kind of its answer, the code of its failure, or `unanswered`. */
  outcome(handle: number): string {
    const body = this.replies.get(handle)?.body;
    if (body === undefined) return 'unanswered';
    return body.$case === 'failure' ? body.value.code : body.$case;
  }

  /** The text of a memory as Get answers at once; null for none; otherwise what came instead. */
  text(id: string): string | null {
    const handle = this.send({ $case: 'get', value: { id } });
    const body = this.replies.get(handle)?.body;
    if (body?.$case !== 'got') return this.outcome(handle);
    const { memory } = body.value;
    return memory === undefined ? null : (decodeEpisode(memory.episode, this.#pure)?.text ?? 'no episode');
  }

  holds(): SpaceInspection | undefined {
    return this.node.inspect().spaces.find(({ space }) => space === testSpace);
  }

  get isPrimary(): boolean {
    return (this.holds()?.term ?? null) !== null;
  }

  /** What is synced here, e.g. `n1.1:1-1,3-64`: node, boot, ranges. */
  coverage(): string {
    const authors = [...(this.holds()?.coverage ?? [])].map(([author, ranges]) => {
      const who = `n${authorNode(author)[0]}.${authorBoot(author).counter}`;
      return `${who}:${ranges.map(([from, to]) => `${from}-${to}`).join(',')}`;
    });
    return authors.sort().join(' ');
  }

  /** As the node itself sums it up; null without the space. */
  digest(): string | null {
    const body = this.replies.get(this.send({ $case: 'status', value: {} }))?.body;
    if (body?.$case !== 'status') return null;
    return body.value.spaces.find(({ name }) => name === 'default')?.digest ?? null;
  }

  /** Everything retained, one line each, sorted: equal on equal copies. */
  versions(): string[] {
    return (this.holds()?.versions ?? []).map(({ id, author, sequence }) => `${id} ${sequence}@${author}`).sort();
  }

  /** Damages every stored record that contains the text, for good; says whether there was one. */
  rot(text: string): boolean {
    const pattern = this.#pure.utf8Encode(text);
    let found = false;
    for (const files of [this.disk.written, this.disk.synced]) {
      for (const [file, bytes] of files) {
        if (!file.startsWith('wal')) continue;
        for (let at = positionOf(pattern, bytes, 0); at >= 0; at = positionOf(pattern, bytes, at + 1)) {
          bytes[at] ^= 0x55;
          found = true;
        }
      }
    }
    return found;
  }

  /** The file of the log that holds the text. */
  fileWith(text: string): string | undefined {
    const pattern = this.#pure.utf8Encode(text);
    return [...this.disk.written].find(([file, bytes]) => file.startsWith('wal') && positionOf(pattern, bytes, 0) >= 0)?.[0];
  }

  #effects(boot: number): Effects {
    return {
      network: { send: (to, bytes) => this.#cluster.transmit(this, to, bytes) },
      datagrams: { send: () => invariant(false, 'these nodes have no membership') },
      exchanges: {
        ask: () => invariant(false, 'these nodes have no membership'),
        answer: () => invariant(false, 'these nodes have no membership'),
      },
      timers: { arm: (name, at) => this.timers.set(name, at), disarm: (name) => this.timers.delete(name) },
      compute: {
        run: (job, ticket) =>
          this.#cluster.post({ host: this, boot, event: { kind: 'compute', ticket, result: compute(job, this.#pure) } }),
      },
      replies: { send: (handle, reply) => this.replies.set(handle, reply) },
      journal: { note: (event) => this.events.push(event) },
      lifecycle: {
        halt: (reason) => {
          this.halted = reason;
          this.kill();
        },
      },
      disk: this.#diskEffects(boot),
    };
  }

  #diskEffects(boot: number): Disk {
    const { disk } = this;
    const { written, synced } = disk;
    const finish = (ticket: Ticket, result: DiskResult): void =>
      this.#cluster.post({ host: this, boot, event: { kind: 'disk', ticket, result } });
    const perform = (held: boolean, complete: () => void): void => {
      if (held) this.#held.push(complete);
      else complete();
    };
    return {
      list: (ticket) => {
        const files = [...written].map(([name, bytes]) => ({ name, bytes: bytes.length }));
        finish(ticket, { kind: 'listed', files: files.sort((left, right) => (left.name < right.name ? -1 : 1)) });
      },
      read: (file, { offset, length }, ticket) =>
        perform(this.holdReads && file.startsWith('wal'), () => {
          const bytes = written.get(file);
          if (bytes === undefined) finish(ticket, { kind: 'failed', code: 'ENOENT', message: `no ${file}` });
          else finish(ticket, { kind: 'read', bytes: bytes.slice(offset, offset + length) });
        }),
      reserve: (file, bytes, ticket) => {
        if (disk.used() + bytes - (written.get(file)?.length ?? 0) > disk.capacityBytes) return finish(ticket, full);
        extend(written, file, bytes);
        extend(synced, file, bytes);
        finish(ticket, done);
      },
      write: (file, offset, parts, ticket) => {
        let at = offset;
        for (const part of parts) {
          extend(written, file, at + part.length).set(part, at);
          at += part.length;
        }
        finish(ticket, done);
      },
      sync: (file, ticket) =>
        perform(this.holdSyncs && file.startsWith('wal'), () => {
          synced.set(file, (written.get(file) ?? noBytes).slice());
          finish(ticket, done);
        }),
      replace: (file, bytes, ticket) =>
        perform(this.holdSyncs && file.startsWith('wal'), () => {
          if (disk.used() + bytes.length > disk.capacityBytes) return finish(ticket, full);
          for (const files of [written, synced]) files.set(file, bytes.slice());
          finish(ticket, done);
        }),
      remove: (file, ticket) => {
        for (const files of [written, synced]) files.delete(file);
        finish(ticket, done);
      },
    };
  }
}

function extend(files: Map<string, Uint8Array>, file: string, bytes: number): Uint8Array {
  const old = files.get(file) ?? noBytes;
  if (old.length >= bytes && files.has(file)) return old;
  const wider = new Uint8Array(bytes);
  wider.set(old);
  files.set(file, wider);
  return wider;
}

/** Where the pattern begins at `from` or later; -1 when it does not. */
function positionOf(pattern: Uint8Array, bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(pattern[0], from); at >= 0; at = bytes.indexOf(pattern[0], at + 1)) {
    let length = 1;
    while (length < pattern.length && bytes[at + length] === pattern[length]) length += 1;
    if (length === pattern.length) return at;
  }
  return -1;
}
