/**
 * Where a new generation of the control log begins: beyond everything that this node has ever seen of any other, so that whatever was agreed on by those who were given up is before it, and gives way when
 * they come back.
 *
 * Each generation has a span of indexes and of terms to itself, so that of two generations the later one is ahead in both, though whoever began it had forgotten how far the one before had come. Within its span it
 * begins in a place that depends on the node: if two survivors each begin the same generation, because neither hears the other, they are far apart, in indexes and terms alike. Once they meet, the one that is
 * ahead is followed, and no index, term or epoch means two things.
 */
import type { NodeId } from '../identifiers.js';

/** How far a control log is known to have come, by whatever told it: each is the greatest ever seen, 0 where nothing was. */
export interface Reached {
  readonly generation: number;
  readonly index: number;
  readonly term: number;
}

export const nothingReached: Reached = { generation: 0, index: 0, term: 0 };

/** So far apart are two beginnings at least: more than anybody agrees on while it is given up. */
export const recoveryLeap = 1_000_000;
/** Places in which a generation may begin, by the first 16 bits of the node's id. */
const places = 65_536;
/** Twice what is needed for the places: what is agreed on behind the last one stays within the span. With indexes of 48 bits there are two thousand generations. */
const generationSpan = 2 * places * recoveryLeap;

export function farther(left: Reached, right: Reached): Reached {
  return {
    generation: Math.max(left.generation, right.generation),
    index: Math.max(left.index, right.index),
    term: Math.max(left.term, right.term),
  };
}

/** The generation, and the index and the term of the snapshot that it begins with. */
export function nextGeneration(reached: Reached, self: NodeId): Reached {
  // An index or a term in the span of a generation tells of that generation, though nothing else may be left of it.
  const spans = Math.max(Math.floor(reached.index / generationSpan), Math.floor(reached.term / generationSpan));
  const generation = Math.max(reached.generation, spans + 1) + 1;
  const start = (generation - 1) * generationSpan;
  const place = recoveryLeap * (1 + Number.parseInt(self.slice(0, 4), 16));
  return { generation, index: Math.max(start, reached.index) + place, term: Math.max(start, reached.term) + place };
}
