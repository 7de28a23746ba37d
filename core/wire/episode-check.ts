/**
 * Judges an encoded episode in place: the bytes that come in are the bytes that are stored, so they are looked at once and never decoded. Allocates
 * nothing unless there is a fault to describe.
 */
import type { ErrorCode } from '../errors.js';
import { memoryIdBytesMax } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { readF64 } from './bytes.js';
import { contextPartBits, contextParts } from './context-bits.js';
import { episodeFieldNames, episodeFields, isEmbedding, isOfField } from './episode-fields.js';
import { isUtf8, ProtobufCursor } from './protobuf-cursor.js';

export interface EpisodeLimits {
  readonly textBytesMax: number;
  readonly dimensionsMax: number;
}

export interface EpisodeFault {
  readonly code: ErrorCode;
  /** Path of the part at fault, e.g. `episode.tags[3]`. */
  readonly field: string;
  /** What was found and what is allowed. */
  readonly message: string;
}

export const tagsMax = 64;
export const tagBytesMax = 256;
/** Of `who` and of `where`. */
export const placeBytesMax = 1_024;
export const embedderBytesMax = 256;
/** As far from 1970 as a calendar of milliseconds reaches. */
export const occurredAtMsMax = 8.64e15;

/** An episode in place: where its parts stand within the checked bytes. Reusable; valid until the next check with it. */
export class EpisodeView {
  /** The walk over the bytes; kept so that a check allocates nothing. */
  readonly cursor = new ProtobufCursor();
  idOffset = 0;
  idLength = 0;
  textOffset = 0;
  textLength = 0;
  /** Byte offset; not aligned. */
  embeddingOffset = 0;
  /** 0 without an embedding. */
  dimensions = 0;
  /** 1 when absent. */
  confidence = 1;
  /** NaN when absent. */
  occurredAtMs = Number.NaN;
  /** See context-bits.ts. */
  contextBits = 0;
  tags = 0;
  embedderOffset = 0;
  embedderLength = 0;
  /**
   * False: the bytes are a legal encoding that the view cannot show (a split embedding, a scalar given twice). Then nothing else here holds
   * and no value has been judged: decode, encode again, and check what comes out.
   */
  canonical = true;

  clear(): void {
    this.idOffset = 0;
    this.idLength = 0;
    this.textOffset = 0;
    this.textLength = 0;
    this.embeddingOffset = 0;
    this.dimensions = 0;
    this.confidence = 1;
    this.occurredAtMs = Number.NaN;
    this.contextBits = 0;
    this.tags = 0;
    this.embedderOffset = 0;
    this.embedderLength = 0;
    this.canonical = true;
  }
}

/**
 * Fills `view` and returns null, or says what is wrong with the episode. Never throws, whoever sent the bytes. Without a fault `decodeEpisode`
 * succeeds too; read `view.canonical` before anything else.
 */
export function checkEpisode(bytes: Uint8Array, limits: EpisodeLimits, view: EpisodeView, pure: PureFunctions): EpisodeFault | null {
  const { cursor } = view;
  let seen = 0;
  // Kept until the end: in an encoding that is not canonical a later value may take the place of the one at fault.
  let fault: EpisodeFault | null = null;
  view.clear();
  cursor.start(bytes);
  while (cursor.next()) {
    if (isEmbedding(cursor) && !isOfField(cursor)) view.canonical = false;
    if (!isOfField(cursor)) continue;
    const illegal = encodingFault(cursor);
    if (illegal !== null) return illegal;
    const bit = 1 << cursor.field;
    if ((seen & bit) !== 0 && cursor.field !== episodeFields.tags) view.canonical = false;
    seen |= bit;
    fault ??= takeValue(cursor, view, limits, pure);
  }
  if (cursor.failed) {
    return invalid('', `the episode is no well-formed protobuf message: it errs or ends at byte ${cursor.at} of ${bytes.length}`);
  }
  if (!view.canonical) return null;
  if ((seen & (1 << episodeFields.id)) === 0)
    return invalid('.id', `the episode has no id: 1 to ${memoryIdBytesMax} bytes of UTF-8 are required`);
  return fault;
}

/** Faults of the encoding itself, which no later field can make good. */
function encodingFault({ bytes, field, valueOffset, valueLength }: ProtobufCursor): EpisodeFault | null {
  if (field === episodeFields.confidence || field === episodeFields.occurredAtMs) return null;
  if (field === episodeFields.embedding) {
    if (valueLength % 4 === 0) return null;
    return invalid('.embedding', `the embedding has ${valueLength} bytes: floats have 4 each, so a multiple of 4 is required`);
  }
  if (isUtf8(bytes, valueOffset, valueLength)) return null;
  const name = episodeFieldNames[field];
  return invalid(`.${name}`, `${name} has ${valueLength} bytes that are not well-formed UTF-8`);
}

/** Puts the current field into the view and judges its value. */
function takeValue(cursor: ProtobufCursor, view: EpisodeView, limits: EpisodeLimits, pure: PureFunctions): EpisodeFault | null {
  const { bytes, valueOffset, valueLength } = cursor;
  switch (cursor.field) {
    case episodeFields.id:
      view.idOffset = valueOffset;
      view.idLength = valueLength;
      return idFault(cursor, pure);
    case episodeFields.text:
      view.textOffset = valueOffset;
      view.textLength = valueLength;
      return tooLong(cursor, 'text', limits.textBytesMax);
    case episodeFields.embedding:
      view.embeddingOffset = valueOffset;
      view.dimensions = valueLength / 4;
      return embeddingFault(cursor, limits.dimensionsMax);
    case episodeFields.confidence:
      view.confidence = readF64(bytes, valueOffset);
      if (view.confidence >= 0 && view.confidence <= 1) return null;
      return invalid('.confidence', `confidence is ${view.confidence}: a number from 0 to 1 is required`);
    case episodeFields.occurredAtMs:
      view.occurredAtMs = cursor.int64();
      if (Math.abs(view.occurredAtMs) <= occurredAtMsMax) return null;
      return invalid(
        '.occurred_at_ms',
        `occurred_at_ms is ${view.occurredAtMs}: it may be at most ${occurredAtMsMax} before or after 1970`,
      );
    case episodeFields.who:
      if (valueLength > 0) view.contextBits = addBits(cursor, contextParts.who, view.contextBits);
      return tooLong(cursor, 'who', placeBytesMax);
    case episodeFields.where:
      if (valueLength > 0) view.contextBits = addBits(cursor, contextParts.where, view.contextBits);
      return tooLong(cursor, 'where', placeBytesMax);
    case episodeFields.tags:
      view.contextBits = addBits(cursor, contextParts.tag, view.contextBits);
      view.tags += 1;
      if (view.tags > tagsMax) return invalid('.tags', `the episode has more than ${tagsMax} tags: at most ${tagsMax} are allowed`);
      return valueLength > tagBytesMax ? tooLong(cursor, `tags[${view.tags - 1}]`, tagBytesMax) : null;
    default:
      view.embedderOffset = valueOffset;
      view.embedderLength = valueLength;
      return tooLong(cursor, 'embedder', embedderBytesMax);
  }
}

function addBits({ bytes, valueOffset, valueLength }: ProtobufCursor, part: number, bits: number): number {
  return (bits | contextPartBits(part, bytes, valueOffset, valueLength)) >>> 0;
}

function idFault({ bytes, valueOffset, valueLength }: ProtobufCursor, pure: PureFunctions): EpisodeFault | null {
  if (valueLength === 0 || valueLength > memoryIdBytesMax) {
    return invalid('.id', `id has ${valueLength} bytes: 1 to ${memoryIdBytesMax} are required`);
  }
  for (let at = valueOffset; at < valueOffset + valueLength; at += 1) {
    const byte = bytes[at];
    // U+0080 to U+009F are C2 80 to C2 9F; the text is known to be well formed.
    const control = byte < 0x20 || byte === 0x7f ? byte : byte === 0xc2 && bytes[at + 1] < 0xa0 ? bytes[at + 1] : -1;
    if (control < 0) continue;
    const id = JSON.stringify(pure.utf8Decode(bytes.subarray(valueOffset, valueOffset + valueLength)));
    const name = `U+${control.toString(16).toUpperCase().padStart(4, '0')}`;
    return invalid('.id', `id ${id} has the control character ${name} at byte ${at - valueOffset}: none are allowed`);
  }
  return null;
}

function embeddingFault({ bytes, valueOffset, valueLength }: ProtobufCursor, dimensionsMax: number): EpisodeFault | null {
  const dimensions = valueLength / 4;
  if (dimensions > dimensionsMax)
    return invalid('.embedding', `the embedding has ${dimensions} dimensions: at most ${dimensionsMax} are allowed`);
  // Looks at the bits alone: floats stand unaligned, and reading them would cost ten times as much.
  let anyBits = 0;
  for (let at = valueOffset; at < valueOffset + valueLength; at += 4) {
    const upper = bytes[at + 3] & 0x7f;
    if (upper === 0x7f && bytes[at + 2] >= 0x80) return notFinite(bytes, at, (at - valueOffset) / 4);
    if (anyBits === 0) anyBits = upper | bytes[at + 2] | bytes[at + 1] | bytes[at];
  }
  if (anyBits !== 0 || dimensions === 0) return null;
  return invalid(
    '.embedding',
    `all ${dimensions} floats of the embedding are 0: such a vector has no direction, so its cosine similarity is undefined; send another or none`,
  );
}

function notFinite(bytes: Uint8Array, at: number, index: number): EpisodeFault {
  const isInfinite = (bytes[at + 2] & 0x7f) === 0 && bytes[at + 1] === 0 && bytes[at] === 0;
  const found = isInfinite ? (bytes[at + 3] >= 0x80 ? '-Infinity' : 'Infinity') : 'NaN';
  return invalid(`.embedding[${index}]`, `the embedding has ${found} at index ${index}: finite numbers are required`);
}

function tooLong({ valueLength }: ProtobufCursor, name: string, bytesMax: number): EpisodeFault | null {
  return valueLength <= bytesMax ? null : invalid(`.${name}`, `${name} has ${valueLength} bytes: at most ${bytesMax} are allowed`);
}

function invalid(part: string, message: string): EpisodeFault {
  return { code: 'INVALID_ARGUMENT', field: `episode${part}`, message };
}
