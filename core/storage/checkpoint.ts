/**
 * The checkpoint: what the log alone cannot say. For each segment how far it was synced and the dots in it, for each space its horizon. Two files take
 * turns, so that one intact checkpoint remains whatever happens to the other; recovery takes the newest that is whole.
 *
 * Recovery reads the whole retained log anyway (vectors live in memory), so a checkpoint holds no index: losing it costs knowledge about damage,
 * never data. See docs/decisions.
 */
import { decodeVersionVector, encodeVersionVector, type VersionVector } from '../clock/version-vector.js';
import { type Author, authorBytes, type SpaceKey } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { ByteReader, ByteWriter } from '../wire/bytes.js';
import { bytesToHex, hexToBytes } from '../wire/hex.js';
import type { LogPosition } from './group.js';
import { unsealed } from './node-files.js';

export const checkpointFiles = ['checkpoint-a', 'checkpoint-b'] as const;
export const checkpointFormatVersion = 1;
const magic = 0x4b_43_47_45;

export interface CheckpointSegment {
  readonly number: number;
  /** False for the segment that was being written: more may follow behind `endBytes`. */
  readonly sealed: boolean;
  /** Everything before was synced. */
  readonly endBytes: number;
  readonly dots: ReadonlyMap<SpaceKey, VersionVector>;
}

export interface Checkpoint {
  /** Counts up; the greater of two is the newer. */
  readonly number: number;
  readonly segments: readonly CheckpointSegment[];
  /** Per space and author the sequence up to which dominated records may be gone. */
  readonly horizons: ReadonlyMap<SpaceKey, ReadonlyMap<Author, number>>;
  /** Per space what is absent below its horizon and not known to be dominated. */
  readonly holes: ReadonlyMap<SpaceKey, VersionVector>;
  /** Spaces that this node has handed over: what stands before the position is of no use any more. */
  readonly dropped: ReadonlyMap<SpaceKey, LogPosition>;
  /** Per space the holes among these, and others, that no copy can fill and that are waited for no more. */
  readonly settled: ReadonlyMap<SpaceKey, VersionVector>;
  /** What replication keeps of its own (`replication/receipt-codec.ts`); empty for nothing. */
  readonly ledger: Uint8Array;
}

export function encodeCheckpoint(checkpoint: Checkpoint, pure: PureFunctions): Uint8Array {
  const writer = new ByteWriter(1_024).u32(magic).u16(checkpointFormatVersion).u48(checkpoint.number);
  writer.u32(checkpoint.segments.length);
  for (const segment of checkpoint.segments) {
    writer
      .u32(segment.number)
      .u8(segment.sealed ? 1 : 0)
      .u32(segment.endBytes)
      .u32(segment.dots.size);
    for (const [space, dots] of segment.dots) writer.block(pure.utf8Encode(space)).block(encodeVersionVector(dots));
  }
  writer.u32(checkpoint.horizons.size);
  for (const [space, horizon] of checkpoint.horizons) {
    writer.block(pure.utf8Encode(space)).u32(horizon.size);
    for (const [author, sequence] of horizon) writer.raw(hexToBytes(author)).u48(sequence);
  }
  writeVectors(writer, checkpoint.holes, pure);
  // Left out when there are none, from the end on: what was written before there could be any reads the same.
  const hasSettled = checkpoint.settled.size > 0;
  const hasLedger = checkpoint.ledger.length > 0 || hasSettled;
  if (checkpoint.dropped.size > 0 || hasLedger) writer.u32(checkpoint.dropped.size);
  for (const [space, { segment, offset }] of checkpoint.dropped) writer.block(pure.utf8Encode(space)).u32(segment).u32(offset);
  if (hasLedger) writer.block(checkpoint.ledger);
  if (hasSettled) writeVectors(writer, checkpoint.settled, pure);
  const body = writer.finish();
  return new ByteWriter(body.length + 4).raw(body).u32(pure.crc32(body)).finish();
}

function writeVectors(writer: ByteWriter, vectors: ReadonlyMap<SpaceKey, VersionVector>, pure: PureFunctions): void {
  writer.u32(vectors.size);
  for (const [space, vector] of vectors) writer.block(pure.utf8Encode(space)).block(encodeVersionVector(vector));
}

/** The space whose vector cannot be read, or all of them. */
function readVectors(reader: ByteReader, pure: PureFunctions): Map<SpaceKey, VersionVector> | SpaceKey {
  const vectors = new Map<SpaceKey, VersionVector>();
  const count = reader.u32();
  for (let index = 0; index < count && !reader.failed; index += 1) {
    const space = pure.utf8Decode(reader.block()) as SpaceKey;
    const vector = decodeVersionVector(reader.block());
    if (vector === null) return space;
    vectors.set(space, vector);
  }
  return vectors;
}

export type CheckpointReading =
  | { readonly kind: 'whole'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'damaged'; readonly reason: string }
  /** Written by a later version of Engram: nothing may be changed in this directory. */
  | { readonly kind: 'newer'; readonly version: number };

export function decodeCheckpoint(bytes: Uint8Array, pure: PureFunctions): CheckpointReading {
  const body = unsealed(bytes, pure);
  if (body === null) return { kind: 'damaged', reason: 'its checksum does not match' };
  const reader = new ByteReader(body);
  if (reader.u32() !== magic) return { kind: 'damaged', reason: 'it does not begin as a checkpoint does' };
  const version = reader.u16();
  if (version > checkpointFormatVersion) return { kind: 'newer', version };
  const number = reader.u48();
  const segments: CheckpointSegment[] = [];
  const segmentCount = reader.u32();
  for (let index = 0; index < segmentCount && !reader.failed; index += 1) {
    const segment = { number: reader.u32(), sealed: reader.u8() === 1, endBytes: reader.u32(), dots: new Map<SpaceKey, VersionVector>() };
    const spaces = reader.u32();
    for (let each = 0; each < spaces && !reader.failed; each += 1) {
      const space = pure.utf8Decode(reader.block()) as SpaceKey;
      const dots = decodeVersionVector(reader.block());
      if (dots === null) return { kind: 'damaged', reason: `the dots of segment ${segment.number} cannot be read` };
      segment.dots.set(space, dots);
    }
    segments.push(segment);
  }
  const horizons = new Map<SpaceKey, Map<Author, number>>();
  const spaceCount = reader.u32();
  for (let index = 0; index < spaceCount && !reader.failed; index += 1) {
    const space = pure.utf8Decode(reader.block()) as SpaceKey;
    const horizon = new Map<Author, number>();
    const authors = reader.u32();
    for (let each = 0; each < authors && !reader.failed; each += 1) {
      horizon.set(bytesToHex(reader.raw(authorBytes), 0, authorBytes) as Author, reader.u48());
    }
    horizons.set(space, horizon);
  }
  const holes = readVectors(reader, pure);
  if (typeof holes === 'string') return { kind: 'damaged', reason: `the holes of space ${holes} cannot be read` };
  const dropped = new Map<SpaceKey, LogPosition>();
  const droppedSpaces = reader.remaining > 0 ? reader.u32() : 0;
  for (let index = 0; index < droppedSpaces && !reader.failed; index += 1) {
    dropped.set(pure.utf8Decode(reader.block()) as SpaceKey, { segment: reader.u32(), offset: reader.u32() });
  }
  const ledger = reader.remaining > 0 ? reader.block().slice() : new Uint8Array(0);
  const settled = reader.remaining > 0 ? readVectors(reader, pure) : new Map<SpaceKey, VersionVector>();
  if (typeof settled === 'string') return { kind: 'damaged', reason: `the settled holes of space ${settled} cannot be read` };
  if (reader.failed) return { kind: 'damaged', reason: 'it ends in the middle' };
  return { kind: 'whole', checkpoint: { number, segments, horizons, holes, dropped, ledger, settled } };
}
