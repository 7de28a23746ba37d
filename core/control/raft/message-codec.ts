/**
 * What voters say to each other, and the entries that they keep, as bytes. Numbers are little endian; terms, indexes and rounds have 48 bits. Every list is
 * bounded, and what is left over at the end makes a message malformed.
 */
import type { NodeId } from '../../identifiers.js';
import { nodeIdBytes } from '../../identifiers.js';
import { unreachable } from '../../invariant.js';
import { ByteReader, ByteWriter } from '../../wire/bytes.js';
import { bytesToHex, hexToBytes } from '../../wire/hex.js';
import type { Configuration, Entry, EntryAt, EntryContent, RaftMessage, RoundOfLeader } from './vocabulary.js';

export const raftFormatVersion = 1;
const kinds: readonly RaftMessage['kind'][] = [
  'ask-pre-vote',
  'pre-vote',
  'ask-vote',
  'vote',
  'append',
  'appended',
  'refused',
  'snapshot',
  'snapshot-part',
  'take-over',
];
const contents: readonly EntryContent['kind'][] = ['begin', 'command', 'configuration'];
const membersMax = 4_096;
const entriesMax = 65_536;

/** Holds nothing between two messages but the rest of its memory, which small ones share. */
const writer = new ByteWriter(4_096);

export function encodeRaftMessage(message: RaftMessage): Uint8Array {
  writer.u8(raftFormatVersion).u8(kinds.indexOf(message.kind)).u48(message.term);
  switch (message.kind) {
    case 'ask-pre-vote':
      writePlace(writer, message.last);
      break;
    case 'pre-vote':
    case 'vote':
      writer.u8(message.isGranted ? 1 : 0);
      break;
    case 'ask-vote':
      writePlace(writer, message.last);
      writer.u8(message.handedOver === null ? 0 : 1);
      if (message.handedOver !== null) writer.u48(message.handedOver.term).u48(message.handedOver.round);
      break;
    case 'append':
      writer.u48(message.round).u48(message.committed);
      writePlace(writer, message.previous);
      writer.u32(message.entries.length);
      for (const entry of message.entries) writeEntry(writer, entry);
      break;
    case 'appended':
      writer.u48(message.round).u48(message.match);
      break;
    case 'refused':
      writer.u48(message.round).u48(message.previousIndex);
      writePlace(writer, message.conflict);
      break;
    case 'snapshot':
      writer.u48(message.round);
      writePlace(writer, message.last);
      writeConfiguration(writer, message.configuration);
      writer.u32(message.offset).block(message.bytes);
      writer.u8(message.isEnd ? 1 : 0);
      break;
    case 'snapshot-part':
      writer.u48(message.round).u48(message.index).u32(message.received);
      break;
    case 'take-over':
      writer.u48(message.round);
      break;
    default:
      unreachable(message);
  }
  return writer.finish();
}

/** Null for what is malformed or of a later version. The message shares memory with the bytes. */
export function decodeRaftMessage(bytes: Uint8Array): RaftMessage | null {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== raftFormatVersion) return null;
  const kind = kinds[reader.u8()];
  const term = reader.u48();
  if (kind === undefined) return null;
  const message = readBody(reader, kind, term);
  return message === null || reader.failed || reader.remaining > 0 ? null : message;
}

function readBody(reader: ByteReader, kind: RaftMessage['kind'], term: number): RaftMessage | null {
  switch (kind) {
    case 'ask-pre-vote':
      return { kind, term, last: readPlace(reader) };
    case 'pre-vote':
    case 'vote':
      return { kind, term, isGranted: reader.u8() === 1 };
    case 'ask-vote':
      return { kind, term, last: readPlace(reader), handedOver: readHandedOver(reader) };
    case 'append': {
      const [round, committed] = [reader.u48(), reader.u48()];
      const previous = readPlace(reader);
      const entries = readEntries(reader);
      return entries === null ? null : { kind, term, round, previous, entries, committed };
    }
    case 'appended':
      return { kind, term, round: reader.u48(), match: reader.u48() };
    case 'refused':
      return { kind, term, round: reader.u48(), previousIndex: reader.u48(), conflict: readPlace(reader) };
    case 'snapshot': {
      const round = reader.u48();
      const last = readPlace(reader);
      const configuration = readConfiguration(reader);
      const [offset, part, isEnd] = [reader.u32(), reader.block(), reader.u8() === 1];
      return configuration === null ? null : { kind, term, round, last, configuration, offset, bytes: part, isEnd };
    }
    case 'snapshot-part':
      return { kind, term, round: reader.u48(), index: reader.u48(), received: reader.u32() };
    case 'take-over':
      return { kind, term, round: reader.u48() };
    default:
      return unreachable(kind);
  }
}

function writePlace(writer: ByteWriter, { index, term }: EntryAt): void {
  writer.u48(index).u48(term);
}

function readPlace(reader: ByteReader): EntryAt {
  return { index: reader.u48(), term: reader.u48() };
}

function readHandedOver(reader: ByteReader): RoundOfLeader | null {
  return reader.u8() === 0 ? null : { term: reader.u48(), round: reader.u48() };
}

export function writeConfiguration(writer: ByteWriter, { voters, learners }: Configuration): void {
  for (const nodes of [voters, learners]) {
    writer.u16(nodes.length);
    for (const node of nodes) writer.raw(hexToBytes(node));
  }
}

export function readConfiguration(reader: ByteReader): Configuration | null {
  const [voters, learners] = [readNodes(reader), readNodes(reader)];
  return voters === null || learners === null ? null : { voters, learners };
}

function readNodes(reader: ByteReader): NodeId[] | null {
  const count = reader.u16();
  if (count > membersMax || count * nodeIdBytes > reader.remaining) return null;
  return Array.from({ length: count }, () => bytesToHex(reader.raw(nodeIdBytes), 0, nodeIdBytes) as NodeId);
}

export function writeEntry(writer: ByteWriter, entry: Entry): void {
  writePlace(writer, entry);
  writer.u8(contents.indexOf(entry.kind));
  if (entry.kind === 'command') writer.block(entry.bytes);
  else if (entry.kind === 'configuration') writeConfiguration(writer, entry.configuration);
}

export function readEntry(reader: ByteReader): Entry | null {
  const place = readPlace(reader);
  const kind = contents[reader.u8()];
  switch (kind) {
    case undefined:
      return null;
    case 'begin':
      return { kind, ...place };
    case 'command':
      return { kind, bytes: reader.block().slice(), ...place };
    case 'configuration': {
      const configuration = readConfiguration(reader);
      return configuration === null ? null : { kind, configuration, ...place };
    }
    default:
      return unreachable(kind);
  }
}

function readEntries(reader: ByteReader): Entry[] | null {
  const count = reader.u32();
  if (count > entriesMax) return null;
  const entries: Entry[] = [];
  for (let at = 0; at < count && !reader.failed; at += 1) {
    const entry = readEntry(reader);
    if (entry === null) return null;
    entries.push(entry);
  }
  return entries;
}
