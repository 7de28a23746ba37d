/** What a client has seen of a space, over all nodes that answered it: the join of their tokens, so that it reads its own writes after a failover too. */
import { decodePrefixes, encodePrefixes } from '../../core/clock/version-vector.js';

/** As many authors (boots of nodes) as a token names at most; beyond it the newest answer's token stands alone, rather than one that nobody takes. */
const authorsMax = 4_096;

export class SessionToken {
  #bytes: Uint8Array = new Uint8Array(0);
  /** The token of the answer before: most answers bring the same again. */
  #given: Uint8Array = this.#bytes;

  /** Present it with the next request. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  see(given: Uint8Array): void {
    if (given.length === 0 || sameBytes(given, this.#given)) return;
    // A copy: what came is a view of a whole message.
    this.#given = new Uint8Array(given);
    this.#bytes = joinTokens(this.#bytes, this.#given);
  }
}

/** The least token that asks for all that either asks for. One that cannot be read gives way to the other. */
export function joinTokens(held: Uint8Array, given: Uint8Array): Uint8Array {
  if (held.length === 0) return given;
  const joined = decodePrefixes(held);
  const other = decodePrefixes(given);
  if (other === null) return held;
  if (joined === null) return given;
  for (const [author, sequence] of other) {
    const known = joined.get(author);
    if (known === undefined || known < sequence) joined.set(author, sequence);
  }
  return joined.size > authorsMax ? given : encodePrefixes(joined);
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && Buffer.compare(left, right) === 0;
}
