/**
 * The embedding that an episode with a value is given, or a recall asks with: a function of the text alone, so that a checker can say how alike two of them are
 * without asking the system.
 */

export const embeddingDimensions = 8;

/** Numbers in [−1, 1), not all zero, each exact as a 32-bit float: what is compared is what is stored. */
export function embeddingOf(text: string): number[] {
  // FNV-1a, then Marsaglia's xorshift.
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  state |= 1;
  const embedding: number[] = [];
  while (embedding.length < embeddingDimensions) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    embedding.push(((state >> 8) | 1) / 2 ** 23);
  }
  return embedding;
}

/** Cosine similarities of the embeddings of texts, each of which is embedded once: the same few cues and values are compared again and again. */
export class Similarities {
  readonly #embedded = new Map<string, Embedded>();

  of(left: string, right: string): number {
    const one = this.#embed(left);
    const other = this.#embed(right);
    return product(one.embedding, other.embedding) / Math.sqrt(one.square * other.square);
  }

  #embed(text: string): Embedded {
    let embedded = this.#embedded.get(text);
    if (embedded === undefined) {
      const embedding = embeddingOf(text);
      embedded = { embedding, square: product(embedding, embedding) };
      this.#embedded.set(text, embedded);
    }
    return embedded;
  }
}

interface Embedded {
  readonly embedding: readonly number[];
  /** Of its length. */
  readonly square: number;
}

function product(left: readonly number[], right: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < left.length; at += 1) sum += (left[at] as number) * (right[at] as number);
  return sum;
}
