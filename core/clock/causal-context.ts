/**
 * What a write of one memory knew: for each author the greatest sequence of that id which the write takes the place of. A version is superseded
 * exactly when the context of another one includes its dot; nothing else (no clock, no confidence) decides that.
 *
 * Writes of one id by one author follow each other, so including the greatest includes those before it. Contexts are values: never changed.
 * Follows dotted version vectors (Preguiça, Baquero, Almeida et al. 2010): the dot is apart from the context.
 */
import { type Author, compareText, type Dot } from '../identifiers.js';
import { invariant } from '../invariant.js';
import { type AuthorSequences, decodeAuthorSequences, encodeAuthorSequence, encodeAuthorSequences } from './author-sequences.js';

/** Invariant: as many sequences as authors; authors ascend by code unit, none twice; sequences are above 0. */
export type CausalContext = AuthorSequences;

/** A write that names more authors is refused: nobody has that many boots write one id between two stable marks. */
export const contextEntriesMax = 1_024;

export const emptyContext: CausalContext = Object.freeze({ authors: Object.freeze([]), sequences: Object.freeze([]) });

/** True when a write with this context takes the place of the version that the dot names. */
export function contextIncludes(context: CausalContext, dot: Dot): boolean {
  const at = positionOf(context.authors, dot.author);
  return context.authors[at] === dot.author && context.sequences[at] >= dot.sequence;
}

/** The context that includes the dot too. The same object when it already does. */
export function contextWith(context: CausalContext, dot: Dot): CausalContext {
  invariant(dot.sequence >= 1, 'sequences start at 1');
  const at = positionOf(context.authors, dot.author);
  const known = context.authors[at] === dot.author;
  if (known && context.sequences[at] >= dot.sequence) return context;
  const authors = context.authors.slice();
  const sequences = context.sequences.slice();
  authors.splice(at, known ? 1 : 0, dot.author);
  sequences.splice(at, known ? 1 : 0, dot.sequence);
  return { authors, sequences };
}

/** The least context that includes what either does. Commutative, associative, idempotent. */
export function joinContexts(left: CausalContext, right: CausalContext): CausalContext {
  if (left.authors.length === 0) return right;
  if (right.authors.length === 0) return left;
  const authors: Author[] = [];
  const sequences: number[] = [];
  let [atLeft, atRight] = [0, 0];
  while (atLeft < left.authors.length || atRight < right.authors.length) {
    const order =
      atLeft === left.authors.length
        ? 1
        : atRight === right.authors.length
          ? -1
          : compareText(left.authors[atLeft], right.authors[atRight]);
    authors.push(order <= 0 ? left.authors[atLeft] : right.authors[atRight]);
    const fromLeft = order <= 0 ? left.sequences[atLeft] : 0;
    const fromRight = order >= 0 ? right.sequences[atRight] : 0;
    sequences.push(Math.max(fromLeft, fromRight));
    if (order <= 0) atLeft += 1;
    if (order >= 0) atRight += 1;
  }
  return { authors, sequences };
}

/** How many authors it names. */
export function contextSize(context: CausalContext): number {
  return context.authors.length;
}

/**
 * The form that clients carry: see author-sequences.ts. The empty context is no bytes. One beyond the bound, which only a join of many versions can be, is
 * given as the empty one: the next write then takes the place of what its primary holds, as any write without a context does.
 */
export function encodeContext(context: CausalContext): Uint8Array {
  return encodeAuthorSequences(context.authors.length <= contextEntriesMax ? context : emptyContext);
}

/** `encodeContext` of the context with the dot; most contexts are empty, and most writes are answered with one. */
export function encodeContextWith(context: CausalContext, dot: Dot): Uint8Array {
  return context.authors.length === 0 ? encodeAuthorSequence(dot.author, dot.sequence) : encodeContext(contextWith(context, dot));
}

/** The context that `encodeContext` wrote; null for any other bytes, whoever sent them. Never throws. No bytes are the empty context. */
export function decodeContext(bytes: Uint8Array): CausalContext | null {
  return bytes.length === 0 ? emptyContext : decodeAuthorSequences(bytes, contextEntriesMax);
}

/** Where the author stands, or would stand. */
function positionOf(authors: readonly Author[], author: Author): number {
  let low = 0;
  let high = authors.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (authors[middle] < author) low = middle + 1;
    else high = middle;
  }
  return low;
}
