/**
 * The bytes of frames between nodes, written into memory that is used again. A frame is hundreds of kilobytes that live for a moment: memory of its own
 * for each would be cleared by the system, page by page, before it is written, and collected afterwards, which costs more than the writing.
 */

/** Memory of larger frames is given back. */
const keptBytesMax = 2 ** 20;
/** The field `messages` of PeerFrame: number 2, length-delimited. */
const messagesTag = 0x12;

/** A frame as it goes over the wire; its memory is used again once the transport has let go of it. */
export class EncodedFrame {
  #memory: Buffer<ArrayBuffer>;
  #end = 0;

  constructor(bytes: number) {
    this.#memory = Buffer.allocUnsafeSlow(bytes);
  }

  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#end);
  }

  get isKept(): boolean {
    return this.#memory.length <= keptBytesMax;
  }

  /** Writes the frame that carries these messages, as PeerFrame of cluster.proto, over what was there before. */
  write(messages: readonly Uint8Array[]): void {
    const bytes = messages.reduce((sum, { length }) => sum + 1 + varintBytes(length) + length, 0);
    if (bytes > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(bytes);
    let at = 0;
    for (const message of messages) {
      this.#memory[at] = messagesTag;
      at = this.#varint(message.length, at + 1);
      this.#memory.set(message, at);
      at += message.length;
    }
    this.#end = at;
  }

  #varint(value: number, from: number): number {
    let at = from;
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) {
      this.#memory[at] = (rest & 0x7f) | 0x80;
      at += 1;
    }
    this.#memory[at] = rest;
    return at + 1;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes += 1;
  return bytes;
}
