/** Other state rides on the same packets: each source gives a few bytes, and is given those of others. */
import type { Now } from '../events.js';
import type { NodeId } from '../identifiers.js';
import { invariant } from '../invariant.js';
import type { PureFunctions } from '../pure-functions.js';
import type { ByteWriter } from '../wire/bytes.js';
import { writeBlock8 } from './fields.js';
import { digestBytesMax, digestNameBytesMax, messageKinds } from './messages.js';

/** Something that nodes compare now and then, such as the version of a table or the root of a tree. */
export interface DigestSource {
  /** At most 16 bytes in UTF-8; the same on all nodes. */
  readonly name: string;
  /** At most 32 bytes. Asked for each ping and each answer to one, so it should be at hand. */
  digest(now: Now): Uint8Array;
  /** Another node's, with a ping or an answer of its: checked and authenticated as packets are, and as late. The bytes are a view: copy what is kept. */
  received(from: NodeId, digest: Uint8Array, now: Now): void;
}

/** All digests together leave most of a packet to news. */
export const digestSourcesMax = 4;

export class Digests {
  readonly #pure: PureFunctions;
  readonly #sources: { readonly source: DigestSource; readonly name: Uint8Array }[] = [];
  now: Now = { monotonicMs: 0, wallMs: 0 };

  constructor(pure: PureFunctions) {
    this.#pure = pure;
  }

  add(source: DigestSource): void {
    const name = this.#pure.utf8Encode(source.name);
    invariant(name.length > 0 && name.length <= digestNameBytesMax, 'a digest has a short name');
    invariant(this.#sources.length < digestSourcesMax, `at most ${digestSourcesMax} digests ride on packets`);
    invariant(!this.#sources.some((each) => each.source.name === source.name), 'digests have different names');
    this.#sources.push({ source, name });
  }

  /** Writes all digests that fit below `most` bytes of the writer. */
  write(writer: ByteWriter, most: number): void {
    for (const { source, name } of this.#sources) {
      const digest = source.digest(this.now);
      invariant(digest.length <= digestBytesMax, `a digest has at most ${digestBytesMax} bytes`);
      if (writer.length + 3 + name.length + digest.length > most) return;
      writeBlock8(writeBlock8(writer.u8(messageKinds.digest), name), digest);
    }
  }

  received(from: NodeId, name: Uint8Array, digest: Uint8Array): void {
    if (this.#sources.length === 0) return;
    const text = this.#pure.utf8Decode(name);
    for (const { source } of this.#sources) if (source.name === text) source.received(from, digest, this.now);
  }
}
