/** What nodes and voters say to each other about who may call itself confirmed, as bytes. The first byte tells them from Raft's messages. */
import { type Author, authorBytes, type NodeId, nodeIdBytes, spaceNamePattern } from '../../identifiers.js';
import { unreachable } from '../../invariant.js';
import { ByteReader, ByteWriter } from '../../wire/bytes.js';
import { bytesToHex, hexToBytes } from '../../wire/hex.js';
import { membersMax } from '../entries.js';
import { wantedMax } from './space-making.js';

export type AuthorityMessage =
  /** A node that holds copies asks a voter: am I still heard, and may what I have applied be counted on for a lease? */
  | {
      readonly kind: 'ask';
      /** Counts the sender's asks, from another beginning in each boot. */
      readonly number: number;
      /** The last entry of the control log that the sender has applied. */
      readonly applied: number;
      /** Whether it has had a lease lately and can write: who can speak but not hear, or has no room, is of no use as a primary. */
      readonly isLeased: boolean;
      /** It was started anew, and what it led before has ended. */
      readonly needsTerms: boolean;
      /** To be answered at once, and not with the next heartbeat. */
      readonly isUrgent: boolean;
      /** It answers a call: so the way there and back works. */
      readonly isCalled: boolean;
    }
  /** `isOfLeader`: granted by a leader that no other can have followed, and so for all voters. */
  | { readonly kind: 'answer'; readonly number: number; readonly isGranted: boolean; readonly isOfLeader: boolean }
  /** The leader misses these nodes, and asks a voter whether it hears them. */
  | { readonly kind: 'doubted'; readonly nodes: readonly NodeId[] }
  /** A voter asks a node that is missed, or that it has not reached for a while, to ask it. */
  | { readonly kind: 'call' }
  /** Spaces of these names are written to, and do not exist. */
  | { readonly kind: 'wanted'; readonly names: readonly string[] }
  /** A voter tells the leader whom it does not hear either. */
  | { readonly kind: 'silent'; readonly nodes: readonly NodeId[] }
  /** A voter tells the leader whom it does not reach: these have not answered it within a lease. */
  | { readonly kind: 'unreached'; readonly nodes: readonly NodeId[] }
  /** A voter may have forgotten what it said: it has found out in this boot. */
  | { readonly kind: 'forgot'; readonly boot: Author }
  /** The leader to such a voter: it votes no more, and begins anew in that term, without a vote in it; it has a voice again once its log reaches `votesFrom`. */
  | { readonly kind: 'begin-anew'; readonly boot: Author; readonly term: number; readonly votesFrom: number }
  /** A node whose own control log is damaged wants to know what is committed, if it is newer than this. */
  | { readonly kind: 'state-wanted'; readonly applied: number }
  /** The committed state, as a snapshot carries it (state-codec.ts). */
  | { readonly kind: 'state'; readonly bytes: Uint8Array };

const authorityMark = 0x41;
export const authorityFormatVersion = 2;
const kinds: readonly AuthorityMessage['kind'][] = [
  'ask',
  'answer',
  'silent',
  'wanted',
  'state-wanted',
  'state',
  'doubted',
  'call',
  'unreached',
  'forgot',
  'begin-anew',
];

/** Holds nothing between two messages but the rest of its memory, which small ones share. */
const writer = new ByteWriter(4_096);

export function isAuthorityMessage(bytes: Uint8Array): boolean {
  return bytes[0] === authorityMark;
}

export function encodeAuthorityMessage(message: AuthorityMessage): Uint8Array {
  writer.u8(authorityMark).u8(authorityFormatVersion).u8(kinds.indexOf(message.kind));
  switch (message.kind) {
    case 'ask':
      writer.u48(message.number).u48(message.applied);
      writer.u8((message.isLeased ? 1 : 0) | (message.needsTerms ? 2 : 0) | (message.isUrgent ? 4 : 0) | (message.isCalled ? 8 : 0));
      break;
    case 'answer':
      writer.u48(message.number).u8((message.isGranted ? 1 : 0) | (message.isOfLeader ? 2 : 0));
      break;
    case 'silent':
    case 'doubted':
    case 'unreached':
      writer.u16(message.nodes.length);
      for (const node of message.nodes) writer.raw(hexToBytes(node));
      break;
    case 'wanted':
      writer.u16(message.names.length);
      for (const name of message.names) writeName(writer, name);
      break;
    case 'state-wanted':
      writer.u48(message.applied);
      break;
    case 'call':
      break;
    case 'forgot':
      writer.raw(hexToBytes(message.boot));
      break;
    case 'begin-anew':
      writer.raw(hexToBytes(message.boot)).u48(message.term).u48(message.votesFrom);
      break;
    case 'state':
      writer.u32(message.bytes.length).raw(message.bytes);
      break;
    default:
      unreachable(message);
  }
  return writer.finish();
}

/** Null for what is malformed or of a later version. */
export function decodeAuthorityMessage(bytes: Uint8Array): AuthorityMessage | null {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== authorityMark || reader.u8() !== authorityFormatVersion) return null;
  const message = readBody(reader, kinds[reader.u8()]);
  return message === null || reader.failed || reader.remaining > 0 ? null : message;
}

function readBody(reader: ByteReader, kind: AuthorityMessage['kind'] | undefined): AuthorityMessage | null {
  switch (kind) {
    case undefined:
      return null;
    case 'ask': {
      const [number, applied, flags] = [reader.u48(), reader.u48(), reader.u8()];
      const [isLeased, needsTerms] = [(flags & 1) !== 0, (flags & 2) !== 0];
      return { kind, number, applied, isLeased, needsTerms, isUrgent: (flags & 4) !== 0, isCalled: (flags & 8) !== 0 };
    }
    case 'answer': {
      const [number, flags] = [reader.u48(), reader.u8()];
      return { kind, number, isGranted: (flags & 1) !== 0, isOfLeader: (flags & 2) !== 0 };
    }
    case 'call':
      return { kind };
    case 'forgot':
      return { kind, boot: readBoot(reader) };
    case 'begin-anew':
      return { kind, boot: readBoot(reader), term: reader.u48(), votesFrom: reader.u48() };
    case 'silent':
    case 'doubted':
    case 'unreached': {
      const count = reader.u16();
      if (count > membersMax || count * nodeIdBytes > reader.remaining) return null;
      return { kind, nodes: Array.from({ length: count }, () => bytesToHex(reader.raw(nodeIdBytes), 0, nodeIdBytes) as NodeId) };
    }
    case 'wanted': {
      const names = Array.from({ length: Math.min(reader.u16(), wantedMax) }, () => readName(reader));
      return names.every((name) => spaceNamePattern.test(name)) ? { kind, names } : null;
    }
    case 'state-wanted':
      return { kind, applied: reader.u48() };
    case 'state': {
      const length = reader.u32();
      return length > reader.remaining ? null : { kind, bytes: reader.raw(length).slice() };
    }
    default:
      return unreachable(kind);
  }
}

function readBoot(reader: ByteReader): Author {
  const at = reader.skip(authorBytes);
  return (at < 0 ? '' : bytesToHex(reader.bytes, at, authorBytes)) as Author;
}

/** Names of spaces are plain ASCII: one byte a character. */
function writeName(writer: ByteWriter, name: string): void {
  writer.u8(name.length);
  for (let at = 0; at < name.length; at += 1) writer.u8(name.charCodeAt(at));
}

function readName(reader: ByteReader): string {
  return String.fromCharCode(...reader.raw(reader.u8()));
}
