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

/** How much of a span a process had somebody to speak to, with nothing in the way in either direction; milliseconds. */
export function contactMs(record: MembershipRecord, observer: number, span: Span): number {
  const { lives } = record;
  const { place } = lives[observer];
  const free = lives
    .filter((life) => life.place !== place)
    .flatMap((life) => {
      const both = { fromMs: Math.max(span.fromMs, life.fromMs), untilMs: Math.min(span.untilMs, life.untilMs, life.leftMs) };
      return freeSpans(both, brokenSpans(record, place, life.place));
    });
  let [sumMs, atMs] = [0, span.fromMs];
  for (const { fromMs, untilMs } of free.toSorted((left, right) => left.fromMs - right.fromMs)) {
    sumMs += Math.max(0, untilMs - Math.max(fromMs, atMs));
    atMs = Math.max(atMs, untilMs);
  }
  return sumMs;
}

/** The parts of a span outside all the others, which are in order of their beginnings. */
export function freeSpans(span: Span, broken: readonly Span[]): readonly Span[] {
  const free: Span[] = [];
  let atMs = span.fromMs;
  for (const { fromMs, untilMs } of broken) {
    const endMs = Math.min(fromMs, span.untilMs);
    if (endMs > atMs) free.push({ fromMs: atMs, untilMs: endMs });
    atMs = Math.max(atMs, untilMs);
  }
  if (span.untilMs > atMs) free.push({ fromMs: atMs, untilMs: span.untilMs });
  return free;
}
