/**
 * The codec of protobuf message Episode, by hand: a node checks every episode that comes in, and the generated codec turns an embedding into
 * a number array one float at a time, which alone would cost more than the whole write may. The bytes are the same as the generated codec's.
 *
 * Checking in place, without decoding, is in episode-check.ts.
 */
import { invariant } from '../invariant.js';
import type { PureFunctions } from '../pure-functions.js';
import { readF64 } from './bytes.js';
import { episodeFields, isEmbedding, isOfField } from './episode-fields.js';
import { EpisodeWriter, int64Limit } from './episode-writer.js';
import { isUtf8, ProtobufCursor } from './protobuf-cursor.js';

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
/** Tag and length of a field, or a whole int64. */
const fieldOverheadBytes = 11;
/** Holds nothing between two episodes but the rest of its memory. */
const episodeWriter = new EpisodeWriter();
/** Holds nothing between two episodes. */
const episodeCursor = new ProtobufCursor();
const noBytes = new Uint8Array(0);

/**
 * The canonical encoding: fields in the order of their numbers, the embedding as one packed field, empty and absent fields left out, the confidence
 * always written. Equal contents give equal bytes.
 */
export function encodeEpisode(content: EpisodeContent, pure: PureFunctions): Uint8Array {
  const { embedding, occurredAtMs } = content;
  const writer = episodeWriter.begin(sizeAtMost(content));
  writer.text(episodeFields.id, content.id, pure);
  writer.text(episodeFields.text, content.text, pure);
  if (embedding !== null && embedding.length > 0) writer.floats(episodeFields.embedding, embedding);
  writer.double(episodeFields.confidence, content.confidence);
  if (occurredAtMs !== null) {
    invariant(Number.isInteger(occurredAtMs) && Math.abs(occurredAtMs) <= int64Limit, 'an episode occurred at a whole millisecond');
    writer.int64(episodeFields.occurredAtMs, occurredAtMs);
  }
  writer.text(episodeFields.who, content.who, pure);
  writer.text(episodeFields.where, content.where, pure);
  for (const tag of content.tags) writer.text(episodeFields.tags, tag, pure, true);
  writer.text(episodeFields.embedder, content.embedder, pure);
  return writer.end();
}

/**
 * The content of any legal encoding: packed and unpacked floats together, unknown fields skipped, of a repeated scalar the last. Null for bytes that
 * are no Episode; values are not judged. Never throws.
 */
export function decodeEpisode(bytes: Uint8Array, pure: PureFunctions): EpisodeContent | null {
  const cursor = episodeCursor;
  const content = readContent(bytes, cursor, pure);
  cursor.start(noBytes);
  return content;
}

type Mutable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

function readContent(bytes: Uint8Array, cursor: ProtobufCursor, pure: PureFunctions): EpisodeContent | null {
  const dimensions = countFloats(bytes, cursor);
  if (dimensions < 0) return null;
  const embedding = dimensions === 0 ? null : new Float32Array(dimensions);
  const tags: string[] = [];
  const content: Mutable<EpisodeContent> = {
    id: '',
    text: '',
    embedding,
    confidence: 1,
    occurredAtMs: null,
    who: '',
    where: '',
    tags,
    embedder: '',
  };
  let floats = 0;
  cursor.start(bytes);
  while (cursor.next()) {
    const { field, valueOffset, valueLength } = cursor;
    if (embedding !== null && isEmbedding(cursor)) {
      readEmbedding(bytes, valueOffset, valueLength / 4, embedding, floats);
      floats += valueLength / 4;
    } else if (!isOfField(cursor)) continue;
    else if (field === episodeFields.confidence) content.confidence = readF64(bytes, valueOffset);
    else if (field === episodeFields.occurredAtMs) content.occurredAtMs = cursor.int64();
    else if (field !== episodeFields.embedding) {
      if (!isUtf8(bytes, valueOffset, valueLength)) return null;
      const text = pure.utf8Decode(bytes.subarray(valueOffset, valueOffset + valueLength));
      if (field === episodeFields.tags) tags.push(text);
      else setText(content, field, text);
    }
  }
  return content;
}

function setText(content: Mutable<EpisodeContent>, field: number, text: string): void {
  if (field === episodeFields.id) content.id = text;
  else if (field === episodeFields.text) content.text = text;
  else if (field === episodeFields.who) content.who = text;
  else if (field === episodeFields.where) content.where = text;
  else if (field === episodeFields.embedder) content.embedder = text;
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

/** Bytes that the encoding takes at most: three for each character, and what stands around the fields. */
function sizeAtMost({ id, text, who, where, embedder, tags, embedding }: EpisodeContent): number {
  let characters = id.length + text.length + who.length + where.length + embedder.length;
  for (const tag of tags) characters += tag.length;
  return 3 * characters + 4 * (embedding?.length ?? 0) + fieldOverheadBytes * (8 + tags.length);
}
