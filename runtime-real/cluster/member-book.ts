/**
 * Which node each configured member is, and to which cluster this node belongs. Names and addresses come from the configuration; who answers there is learnt by
 * a hello, and kept in the data directory.
 *
 * The file is a convenience, never a truth: damaged or missing, it is learnt anew. Who is a member the control log says; of a node that has lost its control log the
 * file still says that it belongs to a cluster, so that it makes no other one.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { clusterIdPattern } from '../../core/control/entries.js';
import { isNodeId, type NodeId } from '../../core/identifiers.js';
import type { ConfiguredMember } from '../config/addresses.js';
import type { Tell } from '../node/runtime-events.js';

const format = 1;

interface Kept {
  readonly format: number;
  readonly cluster: string;
  readonly members: Readonly<Record<string, string>>;
  /** 32 hexadecimal digits; absent or empty: to none. */
  readonly clusterId?: string;
}

export interface MemberBookOptions {
  readonly dataDir: string;
  readonly cluster: string;
  readonly self: string;
  readonly members: readonly ConfiguredMember[];
  readonly tell: Tell;
}

export class MemberBook {
  readonly members: readonly ConfiguredMember[];
  readonly #options: MemberBookOptions;
  readonly #file: string;
  readonly #ids = new Map<string, NodeId>();
  #clusterId: string;

  constructor(options: MemberBookOptions) {
    this.#options = options;
    this.members = options.members;
    this.#file = join(options.dataDir, 'cluster', 'members.json');
    const kept = this.#read();
    this.#clusterId = kept?.clusterId !== undefined && clusterIdPattern.test(kept.clusterId) ? kept.clusterId : '';
    const known = this.#idsIn(kept);
    for (const { name } of options.members) {
      const id = known[name];
      if (id !== undefined && name !== options.self) this.#ids.set(name, id);
    }
  }

  idOf(name: string): NodeId | undefined {
    return this.#ids.get(name);
  }

  /** The cluster that this node was last known to belong to; empty: none. */
  get clusterId(): string {
    return this.#clusterId;
  }

  /** This node belongs to that cluster. */
  belongsTo(clusterId: string): void {
    if (clusterId === this.#clusterId) return;
    this.#clusterId = clusterId;
    this.#write();
  }

  /** Members of whom it is not known which node they are. */
  get missing(): readonly string[] {
    return this.members.map(({ name }) => name).filter((name) => !this.#ids.has(name));
  }

  /** The node that answers as this member. True when that is news. */
  learn(name: string, id: NodeId): boolean {
    const before = this.#ids.get(name);
    if (before === id) return false;
    this.#ids.set(name, id);
    if (name === this.#options.self) return true;
    if (before === undefined) this.#options.tell({ kind: 'member.learnt', member: name, node: id });
    else this.#options.tell({ kind: 'member.replaced', member: name, node: id, before });
    this.#write();
    return true;
  }

  /** This node knows who it is itself. */
  isSelf(id: NodeId): void {
    this.#ids.set(this.#options.self, id);
  }

  #read(): Kept | null {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#unreadable((error as Error).message);
      return null;
    }
    const kept = unsealed(text);
    if (typeof kept !== 'string') return kept.cluster === this.#options.cluster ? kept : null;
    this.#unreadable(kept);
    return null;
  }

  #idsIn(kept: Kept | null): Readonly<Record<string, NodeId>> {
    const known = Object.entries(kept?.members ?? {}).filter(([, id]) => isNodeId(id));
    return Object.fromEntries(known) as Record<string, NodeId>;
  }

  #unreadable(reason: string): void {
    this.#options.tell({ kind: 'members.unreadable', file: this.#file, reason });
  }

  #write(): void {
    const members = Object.fromEntries([...this.#ids].filter(([name]) => name !== this.#options.self));
    try {
      replaceFile(this.#file, sealed({ format, cluster: this.#options.cluster, members, clusterId: this.#clusterId }));
    } catch (error) {
      this.#options.tell({ kind: 'members.unwritable', file: this.#file, reason: (error as Error).message });
    }
  }
}

/** One line of JSON, and the CRC-32 of that line on the next. */
function sealed(kept: Kept): string {
  const line = JSON.stringify(kept);
  return `${line}\n${crc32(line)}\n`;
}

function unsealed(text: string): Kept | string {
  const [line, checksum] = text.split('\n');
  if (checksum === undefined || String(crc32(line)) !== checksum) return 'its checksum does not match';
  const kept = JSON.parse(line) as Kept;
  return kept.format === format ? kept : `it has the format ${kept.format}, this program knows ${format}`;
}

/** Readers see the old or the new text, whole, also after a crash. */
function replaceFile(path: string, text: string): void {
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const draft = `${path}.draft`;
  synced(draft, 'w', (descriptor) => writeSync(descriptor, text));
  renameSync(draft, path);
  synced(directory, 'r', () => {});
}

function synced(path: string, flags: string, write: (descriptor: number) => void): void {
  const descriptor = openSync(path, flags, 0o600);
  try {
    write(descriptor);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
