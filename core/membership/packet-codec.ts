/**
 * The envelope of everything that membership says, in packets and over the reliable channel (little endian):
 *
 *   offset  bytes  field
 *        0      4  magic
 *        4      1  format version
 *        5      1  channel (packet, question, answer); + 16: authenticated
 *        6      2  zero
 *        8      8  xxHash64 of the cluster's name
 *       16     28  who sends: node and boot
 *       44      6  number: counts what this boot has sent, from 1 on; packets and questions apart
 *       50         body
 *      end         CRC-32 (4); or when authenticated: key id (4), first half of the HMAC-SHA-256 (16). Both over everything before.
 */
import { type Author, authorBytes } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { readAuthor, writeAuthor } from '../wire/author-bytes.js';
import { ByteReader, ByteWriter, readU32, readU48, sameBytes, writeU32 } from '../wire/bytes.js';
import { rangeCrc32 } from '../wire/short-crc32.js';
import type { PacketFault } from './packet-faults.js';

export type Channel = 'packet' | 'question' | 'answer';

export interface OpenedPacket {
  readonly from: Author;
  readonly number: number;
  readonly body: ByteReader;
}

const magic = 0x42_4d_47_45;
const formatVersion = 1;
const headerBytes = 50;
const checksumBytes = 4;
const macBytes = 16;
const authenticatedFlag = 16;
const channels: readonly Channel[] = ['packet', 'question', 'answer'];
/** Small packets share memory in pieces of this size. */
const packetsTogetherBytes = 16 * 1_024;

interface Key {
  readonly id: number;
  readonly secret: Uint8Array;
}

export class PacketCodec {
  readonly #pure: PureFunctions;
  readonly #self: Author;
  readonly #keys: readonly Key[];
  readonly #cluster = new Uint32Array(2);
  readonly #numbers: Record<Channel, number> = { packet: 0, question: 0, answer: 0 };
  readonly #writer = new ByteWriter(packetsTogetherBytes);
  /** Bytes that the envelope adds behind the body. */
  readonly trailerBytes: number;

  constructor(names: { readonly self: Author; readonly clusterId: string; readonly keys: readonly Uint8Array[] }, pure: PureFunctions) {
    this.#pure = pure;
    this.#self = names.self;
    pure.hash64(pure.utf8Encode(names.clusterId), this.#cluster);
    const purpose = pure.utf8Encode('engram membership key id');
    this.#keys = names.keys.map((secret) => ({ id: readU32(pure.hmacSha256(secret, purpose), 0), secret }));
    this.trailerBytes = this.#keys.length === 0 ? checksumBytes : 4 + macBytes;
  }

  /** Begins an envelope: the caller writes the body, then calls `finish`. One at a time. */
  begin(channel: Channel): ByteWriter {
    const writer = this.#writer;
    this.#numbers[channel] += 1;
    writer.u32(magic).u8(formatVersion);
    writer.u8(channels.indexOf(channel) + (this.#keys.length === 0 ? 0 : authenticatedFlag)).u16(0);
    writer.u32(this.#cluster[0]).u32(this.#cluster[1]);
    const at = writer.skip(authorBytes);
    writeAuthor(writer.bytes, at, this.#self);
    return writer.u48(this.#numbers[channel]);
  }

  /** Of the envelope that was begun and not finished yet. */
  get writer(): ByteWriter {
    return this.#writer;
  }

  /** The number of the envelope begun last. */
  lastNumber(channel: Channel): number {
    return this.#numbers[channel];
  }

  finish(): Uint8Array {
    const writer = this.#writer;
    const key = this.#keys[0];
    writer.skip(this.trailerBytes);
    const bytes = writer.finish();
    const end = bytes.length - this.trailerBytes;
    if (key === undefined) {
      writeU32(bytes, end, rangeCrc32(bytes, 0, end, this.#pure));
    } else {
      writeU32(bytes, end, key.id);
      bytes.set(this.#pure.hmacSha256(key.secret, bytes.subarray(0, end + 4)).subarray(0, macBytes), end + 4);
    }
    return bytes;
  }

  /** What is inside, or what is wrong with the bytes. Never throws. The body is a view, not a copy. */
  open(bytes: Uint8Array, channel: Channel, bytesMax: number): OpenedPacket | PacketFault {
    if (bytes.length > bytesMax) return 'too long';
    if (bytes.length < headerBytes + checksumBytes) return 'too short';
    if (readU32(bytes, 0) !== magic) return 'not a packet';
    if (bytes[4] !== formatVersion) return 'format version';
    const fault = this.#checkSeal(bytes);
    if (fault !== null) return fault;
    if (channels[bytes[5] & ~authenticatedFlag] !== channel || bytes[6] !== 0 || bytes[7] !== 0) return 'malformed';
    if (readU32(bytes, 8) !== this.#cluster[0] || readU32(bytes, 12) !== this.#cluster[1]) return 'another cluster';
    const from = readAuthor(bytes, 16);
    const body = new ByteReader(bytes.subarray(0, bytes.length - this.trailerBytes), headerBytes);
    return { from, number: readU48(bytes, 44), body };
  }

  #checkSeal(bytes: Uint8Array): PacketFault | null {
    const authenticated = (bytes[5] & authenticatedFlag) !== 0;
    const end = bytes.length - (authenticated ? 4 + macBytes : checksumBytes);
    if (end < headerBytes) return 'too short';
    if (this.#keys.length === 0) {
      if (authenticated) return 'unknown key';
      return readU32(bytes, end) === rangeCrc32(bytes, 0, end, this.#pure) ? null : 'checksum';
    }
    if (!authenticated) return 'not authenticated';
    const id = readU32(bytes, end);
    const key = this.#keys.find((each) => each.id === id);
    if (key === undefined) return 'unknown key';
    const mac = this.#pure.hmacSha256(key.secret, bytes.subarray(0, end + 4));
    return sameBytes(mac, 0, bytes, end + 4, macBytes) ? null : 'not authenticated';
  }
}
