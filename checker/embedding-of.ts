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
  return Array.from({ length: embeddingDimensions }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >> 8) | 1) / 2 ** 23;
  });
}

/** Cosine similarity of the embeddings of two texts. */
export function similarity(left: string, right: string): number {
  const [one, other] = [embeddingOf(left), embeddingOf(right)];
  const product = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, at) => sum + value * (b[at] as number), 0);
  return product(one, other) / Math.sqrt(product(one, one) * product(other, other));
}
