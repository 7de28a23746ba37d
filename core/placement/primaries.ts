/**
 * Which copy of each space is preferred as primary. Nothing is copied for that, but a term ends: so only what is over the cap changes, along chains of spaces if
 * need be: the primary of one moves to a node that in turn gives up another.
 */
import type { SpreadSpace } from './spread.js';

export interface PrimaryLoads {
  readonly counts: Float64Array;
  readonly fair: number;
  readonly cap: number;
}

/** Moves primaries off nodes over the cap, along shortest chains, as long as there are any. */
export function levelPrimaries(spaces: readonly SpreadSpace[], nodes: number, capShare: number): PrimaryLoads {
  const fair = nodes === 0 ? 0 : spaces.length / nodes;
  const cap = Math.max(Math.ceil(fair), Math.floor(fair * capShare));
  const counts = new Float64Array(nodes);
  /** Of each pair (primary, other copy) the spaces between which that choice is. */
  const choices = Array.from({ length: nodes * nodes }, () => new Set<number>());
  const each = (space: number, act: 'add' | 'delete'): void => {
    const [primary, ...others] = spaces[space].copies;
    for (const other of others) choices[primary * nodes + other][act](space);
  };
  spaces.forEach(({ copies }, space) => {
    if (copies.length === 0) return;
    counts[copies[0]] += 1;
    each(space, 'add');
  });
  const hand = (from: number, to: number): void => {
    const [space] = choices[from * nodes + to];
    each(space, 'delete');
    const { copies } = spaces[space];
    spaces[space].copies = [to, ...copies.filter((node) => node !== to)];
    each(space, 'add');
    counts[from] -= 1;
    counts[to] += 1;
  };
  for (let node = 0; node < nodes; node += 1) {
    while (counts[node] > cap) {
      const chain = shortestChain(node, nodes, choices, (end) => counts[end] < cap && counts[end] + 1 < counts[node]);
      if (chain === null) break;
      for (let at = 1; at < chain.length; at += 1) hand(chain[at - 1], chain[at]);
    }
  }
  return { counts, fair, cap };
}

/** Breadth first over nodes: who could take a primary from whom. */
function shortestChain(
  from: number,
  nodes: number,
  choices: readonly ReadonlySet<number>[],
  isEnd: (node: number) => boolean,
): number[] | null {
  const before = new Int32Array(nodes).fill(-1);
  before[from] = from;
  const queue = [from];
  for (let at = 0; at < queue.length; at += 1) {
    const node = queue[at];
    if (node !== from && isEnd(node)) {
      const chain = [node];
      while (chain[0] !== from) chain.unshift(before[chain[0]]);
      return chain;
    }
    for (let next = 0; next < nodes; next += 1) {
      if (before[next] >= 0 || choices[node * nodes + next].size === 0) continue;
      before[next] = node;
      queue.push(next);
    }
  }
  return null;
}
