/**
 * Which node each configured member is. Names and addresses come from the configuration; who answers there is learnt by a hello, and kept in the data
 * directory so that a restarted node needs nobody to know the placement of spaces.
 *
 * The file is a convenience, never a truth: damaged or missing, it is learnt anew.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { ControlView } from '../../core/control/members-and-rows.js';
import { compareText, isNodeId, type NodeId } from '../../core/identifiers.js';
import type { ConfiguredMember } from '../config/addresses.js';
import type { Tell } from '../node/runtime-events.js';

const format = 1;

interface Kept {
  readonly format: number;
  readonly cluster: string;
  readonly members: Readonly<Record<string, string>>;
}

export interface MemberBookOptions {
  readonly dataDir: string;
  readonly cluster: string;
  readonly self: string;
  readonly members: readonly ConfiguredMember[];
  readonly replicationFactor: number;
  readonly tell: Tell;
}

export class MemberBook {
  readonly members: readonly ConfiguredMember[];
  readonly #options: MemberBookOptions;
  readonly #file: string;
  readonly #ids = new Map<string, NodeId>();

  constructor(options: MemberBookOptions) {
    this.#options = options;
    this.members = options.members;
    this.#file = join(options.dataDir, 'cluster', 'members.json');
    const known = this.#read();
    for (const { name } of options.members) {
      const id = known[name];
      if (id !== undefined && name !== options.self) this.#ids.set(name, id);
    }
  }

  idOf(name: string): NodeId | undefined {
    return this.#ids.get(name);
  }

  nameOf(id: NodeId): string | undefined {
    return this.members.find(({ name }) => this.#ids.get(name) === id)?.name;
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

  /**
   * Members and placement for the core. As long as a member is missing this node is alone in it: where spaces live follows from all ids together, so
   * nothing is placed before they are known, and no request is taken.
   */
  viewFor(self: NodeId): ControlView {
    const { replicationFactor, self: name } = this.#options;
    this.#ids.set(name, self);
    // It has joined and is in no member list: it holds no copies.
    if (!this.members.some((member) => member.name === name)) {
      return { epoch: { generation: 0, index: 0 }, members: [{ id: self, name }], rows: {}, unlisted: null };
    }
    const isComplete = this.missing.length === 0;
    const members = this.members
      .filter(({ name }) => isComplete || name === this.#options.self)
      .map(({ name }) => ({ id: this.#ids.get(name) as NodeId, name }))
      .sort((left, right) => compareText(left.id, right.id));
    return { epoch: { generation: 0, index: 0 }, members, rows: {}, unlisted: isComplete ? { replicationFactor } : null };
  }

  #read(): Readonly<Record<string, NodeId>> {
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#unreadable((error as Error).message);
      return {};
    }
    const kept = unsealed(text);
    if (typeof kept === 'string') {
      this.#unreadable(kept);
      return {};
    }
    // Another cluster's members are strangers, also under equal names.
    if (kept.cluster !== this.#options.cluster) return {};
    return Object.fromEntries(Object.entries(kept.members).filter(([, id]) => isNodeId(id))) as Record<string, NodeId>;
  }

  #unreadable(reason: string): void {
    this.#options.tell({ kind: 'members.unreadable', file: this.#file, reason });
  }

  #write(): void {
    const members = Object.fromEntries([...this.#ids].filter(([name]) => name !== this.#options.self));
    try {
      replaceFile(this.#file, sealed({ format, cluster: this.#options.cluster, members }));
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
