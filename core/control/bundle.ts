/**
 * What one node's control log says to another's within one event goes in one message: heartbeats, leases and what is heard of others share their way. A part is a
 * message as its own module encodes it; a single one goes as it is. The first byte tells a bundle from the other messages between control logs.
 */
import type { NodeId } from '../identifiers.js';
import { ByteReader, ByteWriter } from '../wire/bytes.js';

const bundleMark = 0x42;
export const bundleFormatVersion = 1;

/** Holds nothing between two messages but the rest of its memory, which small ones share. */
const writer = new ByteWriter(4_096);

/** The messages that these bytes carry, in the order in which they were said: one that is no bundle is the only one. Null for a malformed bundle. */
export function partsOf(bytes: Uint8Array): readonly Uint8Array[] | null {
  if (bytes[0] !== bundleMark) return [bytes];
  const reader = new ByteReader(bytes);
  reader.u8();
  if (reader.u8() !== bundleFormatVersion) return null;
  const parts: Uint8Array[] = [];
  while (reader.remaining > 0) {
    const length = reader.u32();
    if (reader.failed || length > reader.remaining) return null;
    const part = reader.raw(length);
    // There are none within others.
    if (part[0] === bundleMark) return null;
    parts.push(part);
  }
  return reader.failed || parts.length < 2 ? null : parts;
}

export function bundleOf(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  writer.u8(bundleMark).u8(bundleFormatVersion);
  for (const part of parts) writer.block(part);
  return writer.finish();
}

/** Holds what is said until the event has been handled. */
export class ControlOutbox {
  readonly #send: (to: NodeId, message: Uint8Array) => void;
  readonly #waiting = new Map<NodeId, Uint8Array[]>();

  constructor(send: (to: NodeId, message: Uint8Array) => void) {
    this.#send = send;
  }

  add(to: NodeId, message: Uint8Array): void {
    const parts = this.#waiting.get(to);
    if (parts === undefined) this.#waiting.set(to, [message]);
    else parts.push(message);
  }

  /** The event has been handled. */
  flush(): void {
    if (this.#waiting.size === 0) return;
    for (const [to, parts] of this.#waiting) this.#send(to, bundleOf(parts));
    this.#waiting.clear();
  }
}
