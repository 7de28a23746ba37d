/**
 * Entries of the control log as bytes: what Raft carries as commands.
 *
 *   bytes  field (little endian)
 *       1  format version: the first that knew this kind
 *       1  kind
 *          body: texts as a 16-bit length and UTF-8, nodes as 16 bytes, lists as a 16- or 32-bit count and their elements
 *
 * Everything is bounded, and what is left over at the end is an error: whatever decodes encodes to the same bytes.
 */
import {
  isNodeId,
  type NodeId,
  nodeIdBytes,
  type SpaceKey,
  spaceGeneration,
  spaceKey,
  spaceName,
  spaceNamePattern,
} from '../identifiers.js';
import { unreachable } from '../invariant.js';
import type { PureFunctions } from '../pure-functions.js';
import { ByteReader, ByteWriter } from '../wire/bytes.js';
import { bytesToHex, hexToBytes } from '../wire/hex.js';
import {
  acknowledgementLevels,
  type ClusterSettings,
  type ControlEntry,
  type ControlEntryKind,
  copiesMax,
  type MemberDescription,
  type MoveChange,
  membersMax,
  memberTextBytesMax,
  partitionPolicies,
  type RowAssignment,
  rebalancingOrders,
  type Succession,
  spacesMax,
  votersMax,
} from './entries.js';
import type { Entry } from './raft/vocabulary.js';

export const entryFormatVersion = 2;
const kinds: readonly ControlEntryKind[] = [
  'cluster-made',
  'node-added',
  'node-changed',
  'node-removed',
  'voters-changed',
  'space-created',
  'space-dropped',
  'rows-assigned',
  'primaries-reassigned',
  'move-changed',
  'settings-changed',
  'recovered',
  'rebalancing-ordered',
];
/** Nodes of an earlier version stop at what they do not know; what they know they can go on reading. */
const versionOf = (kind: ControlEntryKind): number => (kind === 'rebalancing-ordered' ? 2 : 1);
const moveChanges: readonly MoveChange['kind'][] = ['started', 'paused', 'committed', 'aborted'];

export type EntryReading =
  | { readonly kind: 'entry'; readonly entry: ControlEntry }
  | { readonly kind: 'damaged' }
  /** Written by a later version of Engram: this one cannot know what it does. */
  | { readonly kind: 'newer'; readonly version: number };

/** Writes what entries and states are made of. */
export class ControlWriter {
  readonly bytes = new ByteWriter(512);
  readonly #pure: PureFunctions;

  constructor(pure: PureFunctions) {
    this.#pure = pure;
  }

  text(text: string): this {
    const encoded = this.#pure.utf8Encode(text);
    this.bytes.u16(encoded.length).raw(encoded);
    return this;
  }

  node(node: NodeId): this {
    this.bytes.raw(hexToBytes(node));
    return this;
  }

  nodeOrNone(node: NodeId | null): this {
    this.flag(node !== null);
    return node === null ? this : this.node(node);
  }

  nodes(nodes: readonly NodeId[]): this {
    this.bytes.u16(nodes.length);
    for (const node of nodes) this.node(node);
    return this;
  }

  space(space: SpaceKey): this {
    this.text(spaceName(space)).bytes.u32(spaceGeneration(space));
    return this;
  }

  flag(flag: boolean): this {
    this.bytes.u8(flag ? 1 : 0);
    return this;
  }

  member({ id, name, zone, rack, address }: MemberDescription): this {
    return this.node(id).text(name).text(zone).text(rack).text(address);
  }

  settings({ replicationFactor, partitionPolicy, acknowledgement }: ClusterSettings): this {
    this.bytes.u8(replicationFactor).u8(partitionPolicies.indexOf(partitionPolicy)).u8(acknowledgementLevels.indexOf(acknowledgement));
    return this;
  }
}

/** Reads them back. Never throws: what cannot be gives something harmless and sets `failed`, which the caller checks once at the end. */
export class ControlReader {
  readonly bytes: ByteReader;
  readonly #pure: PureFunctions;

  constructor(bytes: Uint8Array, pure: PureFunctions) {
    this.bytes = new ByteReader(bytes);
    this.#pure = pure;
  }

  get failed(): boolean {
    return this.bytes.failed;
  }

  fail(): void {
    this.bytes.failed = true;
  }

  text(bytesMax: number): string {
    const bytes = this.bytes.raw(this.bytes.u16());
    const text = this.#pure.utf8Decode(bytes);
    // Malformed text would not encode to the same bytes again.
    if (bytes.length > bytesMax || this.#pure.utf8Encode(text).length !== bytes.length || text.includes('\u{fffd}')) this.fail();
    return text;
  }

  node(): NodeId {
    const at = this.bytes.skip(nodeIdBytes);
    return (at < 0 ? '0'.repeat(2 * nodeIdBytes) : bytesToHex(this.bytes.bytes, at, nodeIdBytes)) as NodeId;
  }

  nodeOrNone(): NodeId | null {
    return this.flag() ? this.node() : null;
  }

  list<Item>(count: number, countMax: number, read: () => Item): Item[] {
    const items: Item[] = [];
    if (count > countMax) this.fail();
    for (let at = 0; at < count && !this.failed; at += 1) items.push(read());
    return items;
  }

  nodes(countMax: number): NodeId[] {
    return this.list(this.bytes.u16(), countMax, () => this.node());
  }

  name(): string {
    const name = this.text(64);
    if (!spaceNamePattern.test(name)) this.fail();
    return name;
  }

  space(): SpaceKey {
    return spaceKey({ name: this.name(), generation: this.bytes.u32() });
  }

  flag(): boolean {
    return this.oneOf([false, true]);
  }

  oneOf<Item>(items: readonly Item[]): Item {
    const at = this.bytes.u8();
    if (at >= items.length) this.fail();
    return items[at] ?? (items[0] as Item);
  }

  member(): MemberDescription {
    const id = this.node();
    const [name, zone, rack, address] = [0, 1, 2, 3].map(() => this.text(memberTextBytesMax)) as [string, string, string, string];
    return { id, name, zone, rack, address };
  }

  settings(): ClusterSettings {
    const replicationFactor = this.bytes.u8();
    if (replicationFactor < 1 || replicationFactor > copiesMax) this.fail();
    return { replicationFactor, partitionPolicy: this.oneOf(partitionPolicies), acknowledgement: this.oneOf(acknowledgementLevels) };
  }

  /** Whether all was read, and nothing is left. */
  get isWhole(): boolean {
    return !this.failed && this.bytes.remaining === 0;
  }
}

export function encodeEntry(entry: ControlEntry, pure: PureFunctions): Uint8Array {
  const writer = new ControlWriter(pure);
  writer.bytes.u8(versionOf(entry.kind)).u8(kinds.indexOf(entry.kind));
  writeBody(writer, entry);
  return writer.bytes.finish();
}

function writeBody(writer: ControlWriter, entry: ControlEntry): void {
  const { bytes } = writer;
  switch (entry.kind) {
    case 'cluster-made':
      bytes.raw(hexToBytes(entry.clusterId)).u16(entry.founders.length);
      for (const founder of entry.founders) writer.member(founder);
      writer.settings(entry.settings);
      return;
    case 'node-added':
      writer.member(entry.member);
      return;
    case 'node-changed':
      writer.member(entry.member).flag(entry.isDraining);
      return;
    case 'node-removed':
      writer.node(entry.node).flag(entry.isForced);
      return;
    case 'voters-changed':
      writer.nodes(entry.voters).nodes(entry.learners);
      return;
    case 'space-created':
      writer.text(entry.name).bytes.u32(entry.generation);
      writer.nodes(entry.copies);
      return;
    case 'space-dropped':
      writer.text(entry.name).bytes.u32(entry.generation);
      return;
    case 'rows-assigned':
      bytes.u32(entry.rows.length);
      for (const { space, basis, copies } of entry.rows) {
        writer.space(space).bytes.u48(basis);
        writer.nodes(copies);
      }
      return;
    case 'primaries-reassigned':
      writer.node(entry.dead).bytes.u32(entry.successors.length);
      for (const { space, basis, primary } of entry.successors) {
        writer.space(space).bytes.u48(basis);
        writer.node(primary);
      }
      return;
    case 'move-changed':
      writer.space(entry.space).bytes.u48(entry.basis).u8(moveChanges.indexOf(entry.change.kind));
      if (entry.change.kind === 'started') writer.nodeOrNone(entry.change.from).node(entry.change.to);
      return;
    case 'settings-changed':
      writer.settings(entry.settings);
      return;
    case 'recovered':
      bytes.u32(entry.generation);
      return;
    case 'rebalancing-ordered':
      bytes.u8(rebalancingOrders.indexOf(entry.order)).u48(entry.atMs);
      writer.node(entry.by);
      return;
    default:
      unreachable(entry);
  }
}

/** What an entry of the agreement says to the state; null: nothing. */
export function entryIn(entry: Entry, pure: PureFunctions): ControlEntry | 'unreadable' | 'newer' | null {
  if (entry.kind === 'begin') return null;
  if (entry.kind === 'configuration') return { kind: 'voters-changed', ...entry.configuration };
  const reading = decodeEntry(entry.bytes, pure);
  if (reading.kind !== 'entry') return reading.kind === 'newer' ? 'newer' : 'unreadable';
  // The electorate changes by the agreement's own entries alone.
  return reading.entry.kind === 'voters-changed' ? 'unreadable' : reading.entry;
}

export function decodeEntry(bytes: Uint8Array, pure: PureFunctions): EntryReading {
  const reader = new ControlReader(bytes, pure);
  const version = reader.bytes.u8();
  if (version > entryFormatVersion) return { kind: 'newer', version };
  const kind = reader.oneOf(kinds);
  if (reader.failed || version !== versionOf(kind)) return { kind: 'damaged' };
  const entry = readBody(reader, kind);
  return reader.isWhole ? { kind: 'entry', entry } : { kind: 'damaged' };
}

function readBody(reader: ControlReader, kind: ControlEntryKind): ControlEntry {
  switch (kind) {
    case 'cluster-made':
      return readClusterMade(reader);
    case 'node-added':
      return { kind, member: reader.member() };
    case 'node-changed':
      return { kind, member: reader.member(), isDraining: reader.flag() };
    case 'node-removed':
      return { kind, node: reader.node(), isForced: reader.flag() };
    case 'voters-changed':
      return { kind, voters: reader.nodes(votersMax), learners: reader.nodes(membersMax) };
    case 'space-created':
      return { kind, name: reader.name(), generation: reader.bytes.u32(), copies: reader.nodes(copiesMax) };
    case 'space-dropped':
      return { kind, name: reader.name(), generation: reader.bytes.u32() };
    case 'rows-assigned': {
      const read = (): RowAssignment => ({ space: reader.space(), basis: reader.bytes.u48(), copies: reader.nodes(copiesMax) });
      return { kind, rows: reader.list(reader.bytes.u32(), spacesMax, read) };
    }
    case 'primaries-reassigned': {
      const dead = reader.node();
      const read = (): Succession => ({ space: reader.space(), basis: reader.bytes.u48(), primary: reader.node() });
      return { kind, dead, successors: reader.list(reader.bytes.u32(), spacesMax, read) };
    }
    case 'move-changed':
      return { kind, space: reader.space(), basis: reader.bytes.u48(), change: readMoveChange(reader) };
    case 'settings-changed':
      return { kind, settings: reader.settings() };
    case 'recovered':
      return { kind, generation: reader.bytes.u32() };
    case 'rebalancing-ordered':
      return { kind, order: reader.oneOf(rebalancingOrders), atMs: reader.bytes.u48(), by: reader.node() };
    default:
      return unreachable(kind);
  }
}

function readClusterMade(reader: ControlReader): ControlEntry {
  const clusterId: string = reader.node();
  if (!isNodeId(clusterId)) reader.fail();
  const founders = reader.list(reader.bytes.u16(), votersMax, () => reader.member());
  return { kind: 'cluster-made', clusterId, founders, settings: reader.settings() };
}

function readMoveChange(reader: ControlReader): MoveChange {
  const kind = reader.oneOf(moveChanges);
  return kind === 'started' ? { kind, from: reader.nodeOrNone(), to: reader.node() } : { kind };
}
