/**
 * Claims as bytes: a kind byte, then (little endian)
 *
 *   announcement (alive)   author 28, refutation u32, described u32, address block8, metadata block16
 *   refreshal (alive)      author 28, refutation u32: nothing else has changed
 *   suspicion              author 28, refutation u32, count u8, accusers 16 each
 *   death                  author 28, refutation u32, count u8, who declared it 16
 *   departure              author 28, refutation u32
 *   table entry (any)      state u8, author 28, refutation u32, u8 whether it is known who declared it dead, who did (16), described …: in tables only
 *
 * Refutations are frequent when many members return at once, so they carry no description: 33 bytes instead of some 130.
 */
import type { NodeId } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { ByteReader, ByteWriter, sameBytes } from '../wire/bytes.js';
import { bytesToHex } from '../wire/hex.js';
import { InternedText } from '../wire/interned-text.js';
import { type Address, addressLengthMax, parseAddress } from './address.js';
import type { Claim, Description } from './claim.js';
import { readAuthorField, readBlock8, readNode, writeAuthorField, writeBlock8, writeNode } from './fields.js';
import type { MemberState } from './inspection.js';
import type { MemberMetadata } from './options.js';

/** What a claim of each kind says; undefined: no claim. */
export const claimKinds: Readonly<
  Record<number, { readonly state: MemberState; readonly accusersMax: number; readonly described: boolean }>
> = {
  16: { state: 'alive', accusersMax: 0, described: true },
  17: { state: 'alive', accusersMax: 0, described: false },
  18: { state: 'suspect', accusersMax: 8, described: false },
  19: { state: 'dead', accusersMax: 1, described: false },
  20: { state: 'left', accusersMax: 0, described: false },
};

const shortKinds: Readonly<Record<MemberState, number>> = { alive: 17, suspect: 18, dead: 19, left: 20 };
const announcementKind = 16;
const states: readonly MemberState[] = ['alive', 'suspect', 'dead', 'left'];
export const accusersMax = 8;
export const metadataBytesMax = 512;
const rolesMax = 8;
const noAccusers: readonly NodeId[] = [];
/** Addresses that are remembered in either form. */
const rememberedMax = 8_192;

/** Addresses are ASCII; what is not, is no address. */
const addressTexts = new InternedText((bytes) => String.fromCharCode(...bytes), rememberedMax);
const knownAddresses = new Map<string, Address>();
const spelledAddresses = new Map<Address, Uint8Array>();

type KnownMetadata = Pick<Description, 'metadata' | 'metadataBytes'>;
const spelledMetadata = new InternedText((bytes) => bytesToHex(bytes), rememberedMax);
const knownMetadata = new Map<string, KnownMetadata>();

export class ClaimReader {
  readonly #pure: PureFunctions;

  constructor(pure: PureFunctions) {
    this.#pure = pure;
  }

  /** The claim behind its kind byte, null when it is malformed. */
  read(reader: ByteReader, kind: number): Claim | null {
    const { state, accusersMax: most, described } = claimKinds[kind];
    const author = readAuthorField(reader);
    const refutation = reader.u32();
    if (described) {
      const description = this.description(reader);
      return description === null ? null : { author, refutation, state, accusers: noAccusers, description };
    }
    return { author, refutation, state, accusers: most === 0 ? noAccusers : readAccusers(reader, most), description: null };
  }

  description(reader: ByteReader): Description | null {
    const described = reader.u32();
    const address = this.address(reader);
    const length = reader.u16();
    if (address === null || length > metadataBytesMax) return null;
    const bytes = reader.raw(length);
    if (reader.failed) return null;
    const known = this.#metadata(bytes);
    return known === null ? null : { described, address, ...known };
  }

  /** The same few metadata come with every announcement and table: they are decoded, and kept, once. */
  #metadata(bytes: Uint8Array): KnownMetadata | null {
    const text = spelledMetadata.at(bytes, 0, bytes.length);
    const known = knownMetadata.get(text);
    if (known !== undefined) return known;
    const metadata = decodeMetadata(bytes, this.#pure);
    if (metadata === null) return null;
    // The bytes are a view into a packet: what is kept is a copy.
    const kept = { metadata, metadataBytes: bytes.slice() };
    if (knownMetadata.size >= rememberedMax) knownMetadata.clear();
    knownMetadata.set(text, kept);
    return kept;
  }

  /** One member of a table; null when it is malformed. */
  entry(reader: ByteReader): Claim | null {
    const state = states[reader.u8()];
    const author = readAuthorField(reader);
    const refutation = reader.u32();
    const accusers = readAccusers(reader, 1);
    const description = this.description(reader);
    return state === undefined || description === null || reader.failed ? null : { author, refutation, state, accusers, description };
  }

  address(reader: ByteReader): Address | null {
    const length = reader.u16();
    if (length > addressLengthMax) return null;
    const at = reader.skip(length);
    if (at < 0) return null;
    const text = addressTexts.at(reader.bytes, at, length);
    const known = knownAddresses.get(text);
    if (known !== undefined) return known;
    const address = parseAddress(text);
    if (address === null) return null;
    if (knownAddresses.size >= rememberedMax) knownAddresses.clear();
    knownAddresses.set(address, address);
    return address;
  }
}

function readAccusers(reader: ByteReader, most: number): readonly NodeId[] {
  const count = reader.u8();
  if (count > most) {
    reader.failed = true;
    return noAccusers;
  }
  const accusers: NodeId[] = [];
  for (let index = 0; index < count; index += 1) accusers.push(readNode(reader));
  return accusers;
}

export class ClaimWriter {
  readonly #pure: PureFunctions;
  readonly #writer = new ByteWriter(4_096);

  constructor(pure: PureFunctions) {
    this.#pure = pure;
  }

  address(writer: ByteWriter, address: Address): ByteWriter {
    let bytes = spelledAddresses.get(address);
    if (bytes === undefined) {
      bytes = this.#pure.utf8Encode(address);
      if (spelledAddresses.size >= rememberedMax) spelledAddresses.clear();
      spelledAddresses.set(address, bytes);
    }
    return writer.u16(bytes.length).raw(bytes);
  }

  description(writer: ByteWriter, { described, address, metadataBytes }: Description): ByteWriter {
    return this.address(writer.u32(described), address).u16(metadataBytes.length).raw(metadataBytes);
  }

  /** The claim with its kind byte: an announcement when it has a description, else short. */
  encode(claim: Claim): Uint8Array {
    const writer = this.#writer;
    const { state, author, refutation, description } = claim;
    writeAuthorField(writer.u8(description === null ? shortKinds[state] : announcementKind), author).u32(refutation);
    if (description !== null) this.description(writer, description);
    else if (state === 'suspect' || state === 'dead') {
      const accusers = claim.accusers.slice(0, state === 'dead' ? 1 : accusersMax);
      writer.u8(accusers.length);
      for (const accuser of accusers) writeNode(writer, accuser);
    }
    return writer.finish();
  }
}

/** One member of a table, as `ClaimReader.entry` reads it. The claim is described, whatever its state. */
export function writeEntry(writer: ByteWriter, claims: ClaimWriter, claim: Omit<Claim, 'description'>, description: Description): void {
  writeAuthorField(writer.u8(states.indexOf(claim.state)), claim.author).u32(claim.refutation);
  const declaredBy = claim.state === 'dead' ? claim.accusers[0] : undefined;
  writer.u8(declaredBy === undefined ? 0 : 1);
  if (declaredBy !== undefined) writeNode(writer, declaredBy);
  claims.description(writer, description);
}

/** Metadata as they travel: name, zone, rack, version, gRPC address (block8 each), load u8, number of roles u8, roles (block8 each). */
export function encodeMetadata(metadata: MemberMetadata, pure: PureFunctions): Uint8Array {
  const writer = new ByteWriter(128);
  const { name, zone, rack, version, grpcAddress, loadPercent, roles } = metadata;
  for (const text of [name, zone, rack, version, grpcAddress]) writeBlock8(writer, pure.utf8Encode(text).subarray(0, 255));
  writer.u8(Math.max(0, Math.min(255, Math.round(loadPercent))));
  writer.u8(Math.min(roles.length, rolesMax));
  for (const role of roles.slice(0, rolesMax)) writeBlock8(writer, pure.utf8Encode(role).subarray(0, 255));
  return writer.finish();
}

/** Null when the bytes are no metadata. */
export function decodeMetadata(bytes: Uint8Array, pure: PureFunctions): MemberMetadata | null {
  const reader = new ByteReader(bytes);
  const text = (): string => pure.utf8Decode(readBlock8(reader));
  const [name, zone, rack, version, grpcAddress] = [text(), text(), text(), text(), text()];
  const loadPercent = reader.u8();
  const count = reader.u8();
  if (count > rolesMax) return null;
  const roles: string[] = [];
  for (let index = 0; index < count && !reader.failed; index += 1) roles.push(text());
  return reader.failed || reader.remaining > 0 ? null : { name, zone, rack, roles, version, grpcAddress, loadPercent };
}

/** Whether two descriptions of one incarnation are the same: if not, two processes speak under one identity. */
export function sameDescription(left: Description, right: Description): boolean {
  const { length } = left.metadataBytes;
  return (
    left.address === right.address &&
    length === right.metadataBytes.length &&
    sameBytes(left.metadataBytes, 0, right.metadataBytes, 0, length)
  );
}
