/**
 * The divergence ledger as it stands in a checkpoint: spaces by name once, then each receipt with the place of its space among them. Storage carries these bytes and does
 * not look into them; the checkpoint's checksum covers them.
 */
import { type Author, authorBytes, type SpaceKey, type Term } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { ByteReader, ByteWriter } from '../wire/bytes.js';
import { bytesToHex, hexToBytes } from '../wire/hex.js';
import type { Fate, Receipt } from './receipt.js';

const formatVersion = 1;
/** By number in the bytes: only ever added to at the end. */
const fates: readonly Fate[] = ['readable', 'alternate', 'superseded', 'deleted', 'delete'];

export interface Ledger {
  /** In order of their numbers. */
  readonly receipts: readonly Receipt[];
  /** Receipts that were given up, or never made, to keep the bound. */
  readonly dropped: number;
}

export function encodeLedger({ receipts, dropped }: Ledger, pure: PureFunctions): Uint8Array {
  const spaces = [...new Set(receipts.map(({ space }) => space))];
  const places = new Map(spaces.map((space, at) => [space, at]));
  const writer = new ByteWriter(256 + 128 * receipts.length).u16(formatVersion).u48(dropped).u16(spaces.length);
  for (const space of spaces) writer.block(pure.utf8Encode(space));
  writer.u32(receipts.length);
  for (const { number, space, dot, id, writtenMs, mergedMs, term, supersededBy, fate } of receipts) {
    writer.u48(number).u16(places.get(space) ?? 0);
    writer.raw(hexToBytes(dot.author)).u48(dot.sequence).block(pure.utf8Encode(id)).u48(writtenMs).u48(Math.max(0, mergedMs));
    for (const { generation, index, counter } of [term, supersededBy]) writer.u32(generation).u48(index).u32(counter);
    writer.u8(fates.indexOf(fate));
  }
  return writer.finish();
}

/** Null for bytes that are malformed, or of a later version: then the ledger begins anew. */
export function decodeLedger(bytes: Uint8Array, pure: PureFunctions): Ledger | null {
  const reader = new ByteReader(bytes);
  if (reader.u16() !== formatVersion) return null;
  const dropped = reader.u48();
  const spaces: SpaceKey[] = [];
  for (let left = reader.u16(); left > 0 && !reader.failed; left -= 1) spaces.push(pure.utf8Decode(reader.block()) as SpaceKey);
  const receipts: Receipt[] = [];
  for (let left = reader.u32(); left > 0 && !reader.failed; left -= 1) {
    const [number, space] = [reader.u48(), spaces[reader.u16()]];
    const dot = { author: bytesToHex(reader.raw(authorBytes)) as Author, sequence: reader.u48() };
    const [id, writtenMs, mergedMs] = [pure.utf8Decode(reader.block()), reader.u48(), reader.u48()];
    const [term, supersededBy] = [readTerm(reader), readTerm(reader)];
    const fate = fates[reader.u8()];
    if (space === undefined || fate === undefined) return null;
    receipts.push({ number, space, dot, id, writtenMs, mergedMs, term, supersededBy, fate });
  }
  return reader.failed ? null : { receipts, dropped };
}

function readTerm(reader: ByteReader): Term {
  return { generation: reader.u32(), index: reader.u48(), counter: reader.u32() };
}
