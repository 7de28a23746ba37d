/** The fields that packets are made of: nodes and authors by their raw bytes, short blocks. Every packet passes here, so each text is converted once. */
import { type Author, authorBytes, type NodeId, nodeIdBytes } from '../identifiers.js';
import { readAuthor, writeAuthor } from '../wire/author-bytes.js';
import type { ByteReader, ByteWriter } from '../wire/bytes.js';
import { bytesToHex, hexToBytes } from '../wire/hex.js';
import { InternedText } from '../wire/interned-text.js';

/** Different nodes whose text is remembered: beyond, all are forgotten at once, and nothing but time is lost. */
const rememberedMax = 16_384;
const nodes = new InternedText((bytes) => bytesToHex(bytes), rememberedMax);
const spelled = new Map<NodeId, Uint8Array>();

export function readNode(reader: ByteReader): NodeId {
  const at = reader.skip(nodeIdBytes);
  return (at < 0 ? '' : nodes.at(reader.bytes, at, nodeIdBytes)) as NodeId;
}

export function writeNode(writer: ByteWriter, node: NodeId): ByteWriter {
  let known = spelled.get(node);
  if (known === undefined) {
    known = hexToBytes(node);
    if (spelled.size >= rememberedMax) spelled.clear();
    spelled.set(node, known);
  }
  return writer.raw(known);
}

export function writeAuthorField(writer: ByteWriter, author: Author): ByteWriter {
  const at = writer.skip(authorBytes);
  writeAuthor(writer.bytes, at, author);
  return writer;
}

export function readAuthorField(reader: ByteReader): Author {
  const at = reader.skip(authorBytes);
  if (at < 0) return '' as Author;
  // A boot counts from 1.
  const { bytes } = reader;
  if ((bytes[at + 16] | bytes[at + 17] | bytes[at + 18] | bytes[at + 19]) === 0) reader.failed = true;
  return readAuthor(bytes, at);
}

/** A length of one byte, then the bytes. */
export function writeBlock8(writer: ByteWriter, bytes: Uint8Array): ByteWriter {
  return writer.u8(bytes.length).raw(bytes);
}

export function readBlock8(reader: ByteReader): Uint8Array {
  return reader.raw(reader.u8());
}
