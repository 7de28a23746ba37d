/**
 * The order in which members are candidates for a space's copies: rendezvous hashing (Thaler and Ravishankar, 1998). Each member draws a weight from
 * (space, member) and the heaviest come first, so that a member that comes or goes changes the order of no two others.
 */
import { compareText, type NodeId, type SpaceKey } from '../identifiers.js';
import type { KernelFunctions } from '../pure-functions.js';

/** All members, first choice first. The same on every node, whatever order they are given in. */
export function candidateOrder(space: SpaceKey, members: readonly NodeId[], pure: KernelFunctions): NodeId[] {
  const halves = new Uint32Array(2);
  const weighed = members.map((member) => {
    // Space keys have no line break: no two pairs are the same text.
    pure.hash64(pure.utf8Encode(`${space}\n${member}`), halves);
    return { member, high: halves[0], low: halves[1] };
  });
  weighed.sort((left, right) => right.high - left.high || right.low - left.low || compareText(left.member, right.member));
  return weighed.map(({ member }) => member);
}
