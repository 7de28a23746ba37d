/** The fields of protobuf message Episode (proto/engram/v1/service.proto) and how their values are laid out. */
import { type ProtobufCursor, wireTypes } from './protobuf-cursor.js';

export const episodeFields = {
  id: 1,
  text: 2,
  embedding: 3,
  confidence: 4,
  occurredAtMs: 5,
  who: 6,
  where: 7,
  tags: 8,
  embedder: 9,
} as const;

/** By field number. Strings and packed floats are spans of bytes. */
export const episodeFieldNames: readonly string[] = ['', ...Object.keys(episodeFields)];

const { bytes, fixed64, varint } = wireTypes;
const layouts: readonly number[] = [-1, bytes, bytes, bytes, fixed64, varint, bytes, bytes, bytes, bytes];

/** Whether the current field is one of Episode's, laid out as the canonical encoding does. Anything else is unknown, and skipped. */
export function isOfField(cursor: ProtobufCursor): boolean {
  return cursor.field < layouts.length && layouts[cursor.field] === cursor.wireType;
}

/** Whether the current field is floats of the embedding: packed together, or one alone, which older encoders write. */
export function isEmbedding(cursor: ProtobufCursor): boolean {
  return cursor.field === episodeFields.embedding && (cursor.wireType === wireTypes.bytes || cursor.wireType === wireTypes.fixed32);
}
