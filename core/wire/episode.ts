/**
 * The codec of protobuf message Episode, by hand: a node checks every episode that comes in, and the generated codec turns an embedding into
 * a number array one float at a time, which alone would cost more than the whole write may. The bytes are the same as the generated codec's.
 *
 * Checking in place, without decoding, is in episode-check.ts.
 */
import { invariant } from '../invariant.js';
import type { PureFunctions } from '../pure-functions.js';
import { readF64, writeF64 } from './bytes.js';
import { episodeFields, isEmbedding, isOfField } from './episode-fields.js';
import { isUtf8, ProtobufCursor, wireTypes } from './protobuf-cursor.js';

export { contextBitsOf, type EpisodeContext } from './context-bits.js';
export { checkEpisode, type EpisodeFault, type EpisodeLimits, EpisodeView } from './episode-check.js';

/** An episode with the defaults of absent fields filled in. */
export interface EpisodeContent {
  readonly id: string;
  readonly text: string;
  /** Null without one; never empty. */
  readonly embedding: Float32Array | null;
  /** 1 when the client said nothing. */
  readonly confidence: number;
  /** Whole milliseconds since 1970; null when the client said nothing. */
  readonly occurredAtMs: number | null;
  readonly who: string;
  readonly where: string;
  readonly tags: readonly string[];
  readonly embedder: string;
}

/** Bytes of a float in the message are little endian; so is nearly every machine, where copying them is reading them. */
const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const int64Limit = 2 ** 63;

/**
 * The canonical encoding: fields in the order of their numbers, the embedding as one packed field, empty and absent fields left out, the confidence
 * always written. Equal contents give equal bytes.
 */
export function encodeEpisode(content: EpisodeContent, pure: PureFunctions): Uint8Array {
  const encode = (text: string): Uint8Array | null => (text === '' ? null : pure.utf8Encode(text));
  const [id, text, who, where, embedder] = [content.id, content.text, content.who, content.where, content.embedder].map(encode);
  const tags = content.tags.map((tag) => pure.utf8Encode(tag));
  const { embedding, occurredAtMs } = content;
  const embeddingBytes = embedding === null ? 0 : embedding.length * 4;
  let size = 1 + 8 + spanSize(id) + spanSize(text) + spanSize(who) + spanSize(where) + spanSize(embedder);
  for (const tag of tags) size += spanSize(tag);
  if (embeddingBytes > 0) size += 1 + varintSize(embeddingBytes) + embeddingBytes;
  if (occurredAtMs !== null) size += 1 + int64Size(occurredAtMs);

  const bytes = new Uint8Array(size);
  let at = writeSpan(bytes, 0, episodeFields.id, id);
  at = writeSpan(bytes, at, episodeFields.text, text);
  if (embedding !== null && embeddingBytes > 0) {
    bytes[at] = (episodeFields.embedding << 3) | wireTypes.bytes;
    at = writeVarint(bytes, at + 1, embeddingBytes, 0);
    writeFloats(bytes, at, embedding);
    at += embeddingBytes;
  }
  bytes[at] = (episodeFields.confidence << 3) | wireTypes.fixed64;
  writeF64(bytes, at + 1, content.confidence);
  at += 9;
  if (occurredAtMs !== null) {
    invariant(Number.isInteger(occurredAtMs) && Math.abs(occurredAtMs) <= int64Limit, 'an episode occurred at a whole millisecond');
    bytes[at] = (episodeFields.occurredAtMs << 3) | wireTypes.varint;
    at = writeVarint(bytes, at + 1, occurredAtMs >>> 0, Math.floor(occurredAtMs / 0x1_0000_0000) >>> 0);
  }
  at = writeSpan(bytes, at, episodeFields.who, who);
  at = writeSpan(bytes, at, episodeFields.where, where);
  for (const tag of tags) at = writeSpan(bytes, at, episodeFields.tags, tag);
  at = writeSpan(bytes, at, episodeFields.embedder, embedder);
  invariant(at === size, 'an episode takes the bytes that were counted for it');
  return bytes;
}

/**
 * The content of any legal encoding: packed and unpacked floats together, unknown fields skipped, of a repeated scalar the last. Null for bytes that
 * are no Episode; values are not judged. Never throws.
 */
export function decodeEpisode(bytes: Uint8Array, pure: PureFunctions): EpisodeContent | null {
  const cursor = new ProtobufCursor();
  const dimensions = countFloats(bytes, cursor);
  if (dimensions < 0) return null;
  const embedding = dimensions === 0 ? null : new Float32Array(dimensions);
  let floats = 0;
  const strings = ['', '', '', '', '', '', '', '', '', ''];
  const tags: string[] = [];
  let confidence = 1;
  let occurredAtMs: number | null = null;
  cursor.start(bytes);
  while (cursor.next()) {
    const { field, valueOffset, valueLength } = cursor;
    if (embedding !== null && isEmbedding(cursor)) {
      readEmbedding(bytes, valueOffset, valueLength / 4, embedding, floats);
      floats += valueLength / 4;
    } else if (!isOfField(cursor)) continue;
    else if (field === episodeFields.confidence) confidence = readF64(bytes, valueOffset);
    else if (field === episodeFields.occurredAtMs) occurredAtMs = cursor.int64();
    else if (field !== episodeFields.embedding) {
      if (!isUtf8(bytes, valueOffset, valueLength)) return null;
      const text = pure.utf8Decode(bytes.subarray(valueOffset, valueOffset + valueLength));
      if (field === episodeFields.tags) tags.push(text);
      else strings[field] = text;
    }
  }
  const of = (field: number): string => strings[field];
  return {
    id: of(episodeFields.id),
    text: of(episodeFields.text),
    embedding,
    confidence,
    occurredAtMs,
    who: of(episodeFields.who),
    where: of(episodeFields.where),
    tags,
    embedder: of(episodeFields.embedder),
  };
}

/** Copies `dimensions` floats from the bytes at `offset`, wherever they stand, to `target` from `targetOffset` on. */
export function readEmbedding(bytes: Uint8Array, offset: number, dimensions: number, target: Float32Array, targetOffset: number): void {
  invariant(targetOffset + dimensions <= target.length, 'an embedding fits where it is read to');
  if (littleEndian) {
    const floats = new Uint8Array(target.buffer, target.byteOffset + targetOffset * 4, dimensions * 4);
    floats.set(bytes.subarray(offset, offset + dimensions * 4));
    return;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, dimensions * 4);
  for (let at = 0; at < dimensions; at += 1) target[targetOffset + at] = view.getFloat32(at * 4, true);
}

/** How many floats all parts of the embedding have together; -1 when the bytes are no Episode. */
function countFloats(bytes: Uint8Array, cursor: ProtobufCursor): number {
  let floats = 0;
  cursor.start(bytes);
  while (cursor.next()) {
    if (!isEmbedding(cursor)) continue;
    if (cursor.valueLength % 4 !== 0) return -1;
    floats += cursor.valueLength / 4;
  }
  return cursor.failed ? -1 : floats;
}

function writeFloats(bytes: Uint8Array, at: number, floats: Float32Array): void {
  if (littleEndian) {
    bytes.set(new Uint8Array(floats.buffer, floats.byteOffset, floats.length * 4), at);
    return;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, floats.length * 4);
  for (let index = 0; index < floats.length; index += 1) view.setFloat32(index * 4, floats[index], true);
}

/** Bytes of a field with this value; none when the field is left out. */
function spanSize(value: Uint8Array | null): number {
  return value === null ? 0 : 1 + varintSize(value.length) + value.length;
}

function writeSpan(bytes: Uint8Array, at: number, field: number, value: Uint8Array | null): number {
  if (value === null) return at;
  bytes[at] = (field << 3) | wireTypes.bytes;
  const start = writeVarint(bytes, at + 1, value.length, 0);
  bytes.set(value, start);
  return start + value.length;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

/** A negative int64 has its uppermost bit set and takes all ten bytes. */
function int64Size(value: number): number {
  return value < 0 || value >= int64Limit ? 10 : varintSize(value);
}

function writeVarint(bytes: Uint8Array, start: number, lowBits: number, highBits: number): number {
  let [at, low, high] = [start, lowBits, highBits];
  while (high !== 0 || low >= 0x80) {
    bytes[at] = (low & 0x7f) | 0x80;
    low = ((low >>> 7) | (high << 25)) >>> 0;
    high >>>= 7;
    at += 1;
  }
  bytes[at] = low;
  return at + 1;
}
