/** What processes say of members, as spans of time; and when something stood between two machines. */
import type { NodeId } from '../core/identifiers.js';
import type { MemberChange, MembershipRecord } from './history.js';

export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A process says one thing of a member from one moment to another; to the end of the run at most, and of the process. */
export interface Claim extends Span {
  readonly observer: number;
  readonly member: NodeId;
  readonly state: MemberChange['state'];
  readonly boot: number;
  readonly refutation: number;
}

/** In the order in which they began. */
export function claimsByProcess({ lives, changes }: MembershipRecord, endedMs: number): readonly Claim[] {
  const claims: { -readonly [Field in keyof Claim]: Claim[Field] }[] = [];
  const open = new Map<string, (typeof claims)[number]>();
  for (const { atMs, observer, member, state, boot, refutation } of changes) {
    const key = `${observer} ${member}`;
    const before = open.get(key);
    if (before !== undefined) before.untilMs = atMs;
    // Who has left says nothing any more.
    const untilMs = Math.min(lives[observer].untilMs, lives[observer].leftMs, endedMs);
    const claim = { observer, member, state, boot, refutation, fromMs: atMs, untilMs };
    open.set(key, claim);
    claims.push(claim);
  }
  return claims;
}

/** When something stood between two machines, in either direction, in order of time. */
export function brokenSpans({ broken }: MembershipRecord, one: string, other: string): readonly Span[] {
  return broken
    .filter(({ from, to }) => (from === one && to === other) || (from === other && to === one))
    .toSorted((left, right) => left.fromMs - right.fromMs);
}
