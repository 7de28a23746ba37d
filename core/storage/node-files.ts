/**
 * The small files of a data directory beside log and checkpoints: who this node is, and how often it has started.
 */
import { type Boot, type NodeId, nodeIdBytes } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { ByteReader, ByteWriter, readU32 } from '../wire/bytes.js';
import { bytesToHex, hexToBytes } from '../wire/hex.js';

export const identityFile = 'identity';
export const bootFile = 'boot';
const identityMagic = 0x44_49_47_45;
const bootMagic = 0x54_42_47_45;
const formatVersion = 1;
const bootRandomBytes = 8;

function sealed(writer: ByteWriter, pure: PureFunctions): Uint8Array {
  const bytes = writer.finish();
  return new ByteWriter(bytes.length + 4).raw(bytes).u32(pure.crc32(bytes)).finish();
}

/** The bytes before the checksum, or null when it does not match. */
export function unsealed(bytes: Uint8Array, pure: PureFunctions): Uint8Array | null {
  if (bytes.length < 4) return null;
  const body = bytes.subarray(0, bytes.length - 4);
  return pure.crc32(body) === readU32(bytes, bytes.length - 4) ? body : null;
}

export function encodeIdentity(node: NodeId, pure: PureFunctions): Uint8Array {
  return sealed(new ByteWriter(32).u32(identityMagic).u16(formatVersion).raw(hexToBytes(node)), pure);
}

/** The node id, or null when the file is damaged. */
export function decodeIdentity(bytes: Uint8Array, pure: PureFunctions): NodeId | null {
  const body = unsealed(bytes, pure);
  if (body === null) return null;
  const reader = new ByteReader(body);
  if (reader.u32() !== identityMagic || reader.u16() > formatVersion) return null;
  const id = reader.raw(nodeIdBytes);
  return reader.failed ? null : (bytesToHex(id, 0, nodeIdBytes) as NodeId);
}

export function encodeBoot(boot: Boot, pure: PureFunctions): Uint8Array {
  return sealed(new ByteWriter(32).u32(bootMagic).u16(formatVersion).u32(boot.counter).raw(hexToBytes(boot.random)), pure);
}

/** The last boot, or null when the file is damaged: the next boot's random half keeps it distinct all the same. */
export function decodeBoot(bytes: Uint8Array, pure: PureFunctions): Boot | null {
  const body = unsealed(bytes, pure);
  if (body === null) return null;
  const reader = new ByteReader(body);
  if (reader.u32() !== bootMagic || reader.u16() > formatVersion) return null;
  const counter = reader.u32();
  const random = reader.raw(bootRandomBytes);
  return reader.failed ? null : { counter, random: bytesToHex(random, 0, bootRandomBytes) };
}
