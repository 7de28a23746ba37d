/**
 * What packets say: one message after another, each a kind byte and its fields (little endian). Numbers of pings belong to who asks.
 *
 *   ping             number u32, node asked (16): who gets it and is another node does not answer
 *   ack              number u32
 *   ping request     number u32, node to ping (16), its address (block8), number u48 of the packet with the direct ping
 *   relayed ping     number u32, node asked (16), on whose behalf: author (28), number u48 of its packet with the direct ping
 *   relayed ack      number u32, u8 whether the direct ping had arrived: 0 unknown, 1 no, 2 yes
 *   nack             number u32: the node did not answer within the helper's own timeout either
 *   digest           name (block8), up to 32 bytes (block8)
 *   links            author (28), version u32, count u8, then (node 16, u8 direction) each: what one end of a link finds broken
 *   announcement, refreshal, suspicion, death, departure: see claim-bytes.ts
 */
import type { Author, NodeId } from '../identifiers.js';
import type { ByteReader, ByteWriter } from '../wire/bytes.js';
import type { Address } from './address.js';
import type { Claim } from './claim.js';
import { type ClaimReader, claimKinds } from './claim-bytes.js';
import { readAuthorField, readBlock8, readNode, writeAuthorField, writeNode } from './fields.js';

export const messageKinds = {
  ping: 1,
  ack: 2,
  pingRequest: 3,
  relayedPing: 4,
  relayedAck: 5,
  nack: 6,
  digest: 7,
  links: 8,
} as const;

/** Numbers of pings that are sent on behalf of others begin here, those of a node's own end below. */
export const relayNumbersFrom = 2 ** 31;

/** Whether the ping that was sent directly had arrived, as far as the one who was pinged can tell. */
export const directPing = { unknown: 0, missing: 1, arrived: 2 } as const;

/** Which way a link does not work, seen from the end that says so. */
export const linkDirection = { inbound: 1, outbound: 2 } as const;

export interface LinkException {
  readonly peer: NodeId;
  readonly direction: number;
}

export const linkExceptionsMax = 8;
export const digestNameBytesMax = 16;
export const digestBytesMax = 32;

/** Takes the messages of one packet, in order. */
export interface MessageHandler {
  ping(number: number, target: NodeId): void;
  ack(number: number): void;
  pingRequest(number: number, target: NodeId, address: Address, packet: number): void;
  relayedPing(number: number, target: NodeId, origin: Author, packet: number): void;
  relayedAck(number: number, direct: number): void;
  nack(number: number): void;
  digest(name: Uint8Array, digest: Uint8Array): void;
  links(author: Author, version: number, exceptions: readonly LinkException[]): void;
  claim(claim: Claim): void;
}

export function writeLinks(writer: ByteWriter, author: Author, version: number, exceptions: readonly LinkException[]): ByteWriter {
  writeAuthorField(writer.u8(messageKinds.links), author).u32(version).u8(exceptions.length);
  for (const { peer, direction } of exceptions) writeNode(writer, peer).u8(direction);
  return writer;
}

/** Reads all messages. False when they are malformed; a `handler` then may have taken some: read without one first. Never throws by itself. */
export function readMessages(reader: ByteReader, claims: ClaimReader, handler: MessageHandler | null): boolean {
  while (reader.remaining > 0 && !reader.failed) if (!readMessage(reader, claims, handler)) return false;
  return !reader.failed;
}

function readMessage(reader: ByteReader, claims: ClaimReader, handler: MessageHandler | null): boolean {
  const kind = reader.u8();
  switch (kind) {
    case messageKinds.ping: {
      const [number, target] = [reader.u32(), readNode(reader)];
      if (!reader.failed) handler?.ping(number, target);
      return true;
    }
    case messageKinds.ack: {
      const number = reader.u32();
      if (!reader.failed) handler?.ack(number);
      return true;
    }
    case messageKinds.pingRequest: {
      const [number, target, address, packet] = [reader.u32(), readNode(reader), claims.address(reader), reader.u48()];
      if (address === null) return false;
      if (!reader.failed) handler?.pingRequest(number, target, address, packet);
      return true;
    }
    case messageKinds.relayedPing: {
      const [number, target, origin, packet] = [reader.u32(), readNode(reader), readAuthorField(reader), reader.u48()];
      if (!reader.failed) handler?.relayedPing(number, target, origin, packet);
      return true;
    }
    case messageKinds.relayedAck: {
      const [number, direct] = [reader.u32(), reader.u8()];
      if (!reader.failed) handler?.relayedAck(number, direct);
      return direct <= directPing.arrived;
    }
    case messageKinds.nack: {
      const number = reader.u32();
      if (!reader.failed) handler?.nack(number);
      return true;
    }
    case messageKinds.digest: {
      const [name, digest] = [readBlock8(reader), readBlock8(reader)];
      if (!reader.failed) handler?.digest(name, digest);
      return name.length <= digestNameBytesMax && digest.length <= digestBytesMax;
    }
    case messageKinds.links:
      return readLinks(reader, handler);
    default: {
      if (claimKinds[kind] === undefined) return false;
      const claim = claims.read(reader, kind);
      if (claim === null || reader.failed) return false;
      handler?.claim(claim);
      return true;
    }
  }
}

function readLinks(reader: ByteReader, handler: MessageHandler | null): boolean {
  const author = readAuthorField(reader);
  const version = reader.u32();
  const count = reader.u8();
  if (count > linkExceptionsMax) return false;
  const exceptions: LinkException[] = [];
  for (let index = 0; index < count; index += 1) {
    const [peer, direction] = [readNode(reader), reader.u8()];
    if (direction !== linkDirection.inbound && direction !== linkDirection.outbound) return false;
    exceptions.push({ peer, direction });
  }
  if (!reader.failed) handler?.links(author, version, exceptions);
  return true;
}
