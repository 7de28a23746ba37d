/**
 * What is said of a member, and which of two such claims holds: the later boot, then the higher refutation, then alive < suspect < dead < left. Nothing else
 * may override, so tables that have heard the same claims agree, in whatever order they came.
 *
 * A node that was restarted has a later boot and so comes back whatever was said of it before, without a number of its own on disk.
 */
import type { Author, NodeId } from '../identifiers.js';
import type { Address } from './address.js';
import type { MemberState } from './inspection.js';
import type { MemberMetadata } from './options.js';

/** Where a member is and what it says of itself, as of one of its refutations: the later one holds. */
export interface Description {
  readonly described: number;
  readonly address: Address;
  readonly metadata: MemberMetadata;
  /** The metadata as they travel. */
  readonly metadataBytes: Uint8Array;
}

export interface Claim {
  /** Of which node and boot. As text, authors of one node sort by boot counter, then by the boot's random bits. */
  readonly author: Author;
  readonly refutation: number;
  readonly state: MemberState;
  /** Who found it out of reach: accusers of a suspect, the declarer of a dead one. None: hearsay, which confirms nothing. */
  readonly accusers: readonly NodeId[];
  /** With an announcement only. */
  readonly description: Description | null;
}

export const stateRanks: Readonly<Record<MemberState, number>> = { alive: 0, suspect: 1, dead: 2, left: 3 };

export const refutationMax = 2 ** 32 - 1;

type Ordered = Pick<Claim, 'author' | 'refutation'>;

/** Of one node: negative when `left` is the earlier incarnation, 0 when both are the same. */
export function compareIncarnations(left: Ordered, right: Ordered): number {
  if (left.author !== right.author) return left.author < right.author ? -1 : 1;
  return left.refutation - right.refutation;
}

/** Of one node: positive when `left` overrides `right`. */
export function compareClaims(left: Ordered & Pick<Claim, 'state'>, right: Ordered & Pick<Claim, 'state'>): number {
  return compareIncarnations(left, right) || stateRanks[left.state] - stateRanks[right.state];
}
