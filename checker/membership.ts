/**
 * Membership: what each process says of the others, judged against who was there. The observer from outside knows which processes ran when and which links
 * were broken; each process's word on the others is taken as what it would tell a user.
 *
 * - order: of one member a process only ever says something newer: a higher (boot, refutation), or of the same a worse state, alive < suspect < dead < left.
 *   So nobody who was declared dead comes back without having said so himself.
 * - own word: nobody says of a member an incarnation that the member has not had; boots of a node rise.
 * - completeness: a process that has ended is not taken for alive for long by anybody who goes on.
 * - haste: nobody declares dead who lives and with whom nothing has stood in its way for a while, whoever else accuses it.
 * - refutation: where nothing stands between two machines, neither is taken for dead by the other for long while both live.
 * - agreement: some time after the heal every live process sees exactly the live ones as alive, each as it says of itself, and it stays so.
 *
 * After SWIM (Das, Gupta, Motivala, 2002), whose properties are strong completeness and a bound on false positives; the bounds here are generous multiples of
 * what the protocol's parameters promise, since a run on bad links is slower than one on good ones.
 */
import type { NodeId } from '../core/identifiers.js';
import type { Checker, MemberChange, MemberLife, MembershipRecord } from './history.js';
import { brokenSpans, type Claim, claimsByProcess, contactMs, freeSpans } from './membership-claims.js';

/** From the heal on. */
export const agreementMsMax = 10_000;
/** After the end of a process, of the time in which there was anybody to speak to. */
export const detectionMsMax = 30_000;
/** A false death where nothing stood between the two. */
export const falseDeathMsMax = 10_000;
/** Who could have been asked for so long does not declare dead. */
export const undisturbedMsMin = 10_000;

interface Finding {
  readonly atMs: number;
  readonly text: string;
  /** Nothing but late. */
  readonly slow: boolean;
}

export const membership: Checker = ({ membership: record, healedMs, endedMs }) => {
  if (record === undefined) return { verdict: 'not-applicable', reason: 'nobody took part in a membership' };
  const { lives, changes } = record;
  if (lives.length === 0 || changes.length === 0) return { verdict: 'unknown', reason: 'no process said anything of a member' };
  const claims = claimsByProcess(record, endedMs);
  const agreement = judgeAgreement({ record, claims, healedMs, endedMs });
  const findings = [
    ...outOfOrder(record),
    ...foreignWords(record),
    ...unseenEnds(record, claims, endedMs),
    ...standingDeaths(record, claims, endedMs),
    ...hastyDeaths(record),
    ...falseViews(record),
    ...agreement.findings,
  ].toSorted((left, right) => Number(left.slow) - Number(right.slow) || left.atMs - right.atMs);
  const figures = {
    processes: lives.length,
    changes: changes.length,
    deaths: changes.filter(({ state }) => state === 'dead').length,
    falseDeaths: changes.filter((change) => isFalse(change, lives)).length,
    agreedMs: agreement.agreedMs,
  };
  const [first] = findings;
  if (first !== undefined) {
    const more = findings.length === 1 ? '' : ` (and ${findings.length - 1} more)`;
    const late = first.slow ? { notConverged: true } : {};
    return { verdict: 'violation', reason: `${first.text}${more}`, ...late, ...figures };
  }
  if (endedMs < healedMs + agreementMsMax) {
    return { verdict: 'unknown', reason: `watching ended ${endedMs - healedMs} ms after the heal`, ...figures };
  }
  return { verdict: 'ok', ...figures };
};

const ranks: Readonly<Record<MemberChange['state'], number>> = { alive: 0, suspect: 1, dead: 2, left: 3, forgotten: 4 };

/** Of one member a process only ever says something newer, also of one that it had forgotten meanwhile. */
function outOfOrder({ lives, changes }: MembershipRecord): Finding[] {
  const latest = new Map<string, MemberChange>();
  return changes.flatMap((change) => {
    const key = `${change.observer} ${change.member}`;
    const before = latest.get(key);
    // What it keeps to itself it takes back.
    if (change.state === 'forgotten' || change.isPrivate) return [];
    latest.set(key, change);
    if (before === undefined || isNewer(change, before) || isSame(change, before)) return [];
    const text = `${nameOf(lives, change.observer)} says ${claimText(change)} after ${claimText(before)} at ${change.atMs} ms`;
    return [{ atMs: change.atMs, text, slow: false }];
  });
}

/** Taking back what it kept to itself it says again what it had said. */
function isSame(change: MemberChange, before: MemberChange): boolean {
  return change.boot === before.boot && change.refutation === before.refutation && change.state === before.state;
}

function isNewer(change: MemberChange, before: MemberChange): boolean {
  if (change.boot !== before.boot) return change.boot > before.boot;
  if (change.refutation !== before.refutation) return change.refutation > before.refutation;
  return ranks[change.state] > ranks[before.state];
}

/** A boot or a refutation that the member had not reached by then; and boots of a node that do not rise. */
function foreignWords({ lives, changes }: MembershipRecord): Finding[] {
  const findings: Finding[] = [];
  const bootOf = new Map<NodeId, number>();
  for (const { node, boot, fromMs } of lives.toSorted((left, right) => left.fromMs - right.fromMs)) {
    const before = bootOf.get(node) ?? 0;
    if (boot <= before) findings.push({ atMs: fromMs, text: `${node} starts as boot ${boot} after boot ${before}`, slow: false });
    bootOf.set(node, Math.max(before, boot));
  }
  const said = new Map<string, number>();
  for (const { observer, member, boot, refutation, atMs } of changes) {
    const key = `${member} ${boot}`;
    const own = lives[observer].node === member;
    if (own) said.set(key, Math.max(said.get(key) ?? 0, refutation));
    else if (refutation > (said.get(key) ?? 0)) {
      const text = `${nameOf(lives, observer)} knows a refutation ${refutation} of ${member} boot ${boot} that it never made, at ${atMs} ms`;
      findings.push({ atMs, text, slow: false });
    }
  }
  return findings;
}

/** Who goes on takes nobody who has ended for alive or suspect for long; but who reaches nobody accuses nobody. */
function unseenEnds(record: MembershipRecord, claims: readonly Claim[], endedMs: number): Finding[] {
  const { lives } = record;
  return claims.flatMap((claim) => {
    if (claim.state !== 'alive' && claim.state !== 'suspect') return [];
    const life = lives.find(({ node, boot }) => node === claim.member && boot === claim.boot);
    if (life === undefined || life.untilMs > endedMs) return [];
    const sinceMs = Math.max(life.untilMs, claim.fromMs);
    const lastedMs = claim.untilMs - sinceMs;
    if (lastedMs <= detectionMsMax || contactMs(record, claim.observer, { fromMs: sinceMs, untilMs: claim.untilMs }) <= detectionMsMax)
      return [];
    const text = `${nameOf(lives, claim.observer)} takes ${claim.member} boot ${claim.boot} for ${claim.state} ${lastedMs} ms after it ended at ${life.untilMs} ms`;
    return [{ atMs: sinceMs, text, slow: true }];
  });
}

/** Two that live, with nothing between them: neither takes the other for dead for long. */
function standingDeaths(record: MembershipRecord, claims: readonly Claim[], endedMs: number): Finding[] {
  const { lives } = record;
  return claims.flatMap((claim) => {
    if (claim.state !== 'dead') return [];
    const life = lives.find(({ node, boot }) => node === claim.member && boot === claim.boot);
    if (life === undefined) return [];
    const observer = lives[claim.observer];
    const span = { fromMs: Math.max(claim.fromMs, life.fromMs), untilMs: Math.min(claim.untilMs, life.untilMs, life.leftMs, endedMs) };
    const free = freeSpans(span, brokenSpans(record, observer.place, life.place));
    const lastedMs = Math.max(0, ...free.map(({ fromMs, untilMs }) => untilMs - fromMs));
    if (lastedMs <= falseDeathMsMax) return [];
    const text = `${nameOf(lives, claim.observer)} takes ${claim.member} for dead for ${lastedMs} ms while it lives and nothing stands between them, from ${span.fromMs} ms on`;
    return [{ atMs: span.fromMs, text, slow: false }];
  });
}

/** The observer's own time for a suspect has run out, though the suspect lives and nothing has stood between them for long. */
function hastyDeaths(record: MembershipRecord): Finding[] {
  const { lives, changes } = record;
  return changes.flatMap((change) => {
    const { atMs, observer, isPrivate, isDeclared = false } = change;
    if (!isDeclared || isPrivate || !isFalse(change, lives)) return [];
    const fromMs = atMs - undisturbedMsMin;
    const life = lives.find(({ node, boot }) => node === change.member && boot === change.boot) as MemberLife;
    if (life.fromMs > fromMs || lives[observer].fromMs > fromMs) return [];
    if (brokenSpans(record, lives[observer].place, life.place).some((span) => span.untilMs > fromMs && span.fromMs < atMs)) return [];
    const text = `${nameOf(lives, observer)} declares ${change.member} dead at ${atMs} ms, which lives and had nothing in its way for ${undisturbedMsMin} ms`;
    return [{ atMs, text, slow: false }];
  });
}

/** What processes show in the end is what they had said by then. */
function falseViews({ lives, changes, views }: MembershipRecord): Finding[] {
  const said = new Map<string, MemberChange>();
  for (const change of changes) said.set(`${change.observer} ${change.member}`, change);
  return views.flatMap(({ observer, members }) => {
    // Who has left tells nobody anything any more.
    if (lives[observer].leftMs < Number.POSITIVE_INFINITY) return [];
    const wrong = members.find((shown) => !isWhatWasSaid(shown, said.get(`${observer} ${shown.member}`)));
    if (wrong === undefined) return [];
    const change = said.get(`${observer} ${wrong.member}`);
    const before = change === undefined ? 'nothing' : claimText(change);
    const text = `${nameOf(lives, observer)} shows ${claimText(wrong)} and had said ${before}`;
    return [{ atMs: Number.POSITIVE_INFINITY, text, slow: false }];
  });
}

/** A later refutation of one that was taken for alive anyway, or for dead, is no news. */
function isWhatWasSaid(shown: MembershipRecord['views'][number]['members'][number], change: MemberChange | undefined): boolean {
  if (change === undefined || change.state !== shown.state || change.boot !== shown.boot) return false;
  if (change.refutation === shown.refutation) return true;
  return (shown.state === 'alive' || shown.state === 'dead') && shown.refutation > change.refutation;
}

interface Living {
  readonly life: MemberLife;
  /** Position in `lives`. */
  readonly index: number;
}

interface Agreement {
  /** From the heal to the moment from which all agreed; null when they did not in the end. */
  readonly agreedMs: number | null;
  readonly findings: readonly Finding[];
}

/** All that live see exactly all that live as alive, each in the end as it says of itself. */
function judgeAgreement(told: {
  readonly record: MembershipRecord;
  readonly claims: readonly Claim[];
  readonly healedMs: number;
  readonly endedMs: number;
}): Agreement {
  const { record, claims, healedMs, endedMs } = told;
  const living = record.lives.flatMap((life, index) => (life.untilMs > endedMs && life.leftMs > endedMs ? [{ life, index }] : []));
  let agreedAtMs = healedMs;
  let disagreement = otherIncarnation(record, living);
  for (const { index: observer } of living) {
    const mine = claims.filter((claim) => claim.observer === observer);
    for (const { life } of living) {
      const last = mine.filter(({ member }) => member === life.node).at(-1);
      if (last !== undefined && last.state === 'alive' && last.boot === life.boot) agreedAtMs = Math.max(agreedAtMs, since(mine, last));
      else {
        const said = last === undefined ? `nothing of ${life.node}` : claimText(last);
        disagreement ??= `${nameOf(record.lives, observer)} says ${said}, which lives as boot ${life.boot}`;
      }
    }
    for (const claim of mine) {
      if ((claim.state !== 'alive' && claim.state !== 'suspect') || isOneOf(living, claim)) continue;
      if (claim.untilMs < endedMs) agreedAtMs = Math.max(agreedAtMs, claim.untilMs);
      else disagreement ??= `${nameOf(record.lives, observer)} says ${claimText(claim)}, which has ended`;
    }
  }
  const watchedMs = endedMs - healedMs;
  if (disagreement !== null) {
    const findings =
      watchedMs < agreementMsMax ? [] : [{ atMs: healedMs, text: `${watchedMs} ms after the heal ${disagreement}`, slow: true }];
    return { agreedMs: null, findings };
  }
  const agreedMs = agreedAtMs - healedMs;
  if (agreedMs <= agreementMsMax) return { agreedMs, findings: [] };
  const text = `members agreed ${agreedMs} ms after the heal, allowed are ${agreementMsMax} ms`;
  return { agreedMs, findings: [{ atMs: agreedAtMs, text, slow: true }] };
}

/** Since when the process has taken the member for alive in that boot, whatever it heard of refutations meanwhile. */
function since(mine: readonly Claim[], last: Claim): number {
  let { fromMs } = last;
  for (const claim of mine.filter(({ member }) => member === last.member).toReversed()) {
    if (claim.state !== 'alive' || claim.boot !== last.boot) break;
    fromMs = claim.fromMs;
  }
  return fromMs;
}

/** Of one that lives the others show another refutation than it shows itself. */
function otherIncarnation({ lives, views }: MembershipRecord, living: readonly Living[]): string | null {
  const own = new Map(
    views.map(({ observer, members }) => [lives[observer].node, members.find(({ member }) => member === lives[observer].node)]),
  );
  for (const { observer, members } of views) {
    if (!living.some(({ index }) => index === observer)) continue;
    const other = members.find((shown) => {
      const self = own.get(shown.member);
      return self !== undefined && self.boot === shown.boot && self.refutation !== shown.refutation;
    });
    if (other === undefined) continue;
    const { boot, refutation } = own.get(other.member) as { boot: number; refutation: number };
    return `${nameOf(lives, observer)} shows ${claimText(other)}, which says of itself (${boot}, ${refutation})`;
  }
  return null;
}

function isOneOf(living: readonly Living[], { member, boot }: Claim): boolean {
  return living.some(({ life }) => life.node === member && life.boot === boot);
}

/** Declared dead while it was there. */
function isFalse({ state, member, boot, atMs }: MemberChange, lives: readonly MemberLife[]): boolean {
  return (
    state === 'dead' &&
    lives.some((life) => life.node === member && life.boot === boot && life.fromMs <= atMs && atMs < Math.min(life.untilMs, life.leftMs))
  );
}

function nameOf(lives: readonly MemberLife[], observer: number): string {
  return `${lives[observer].node} boot ${lives[observer].boot}`;
}

function claimText({ member, state, boot, refutation }: Pick<MemberChange, 'member' | 'state' | 'boot' | 'refutation'>): string {
  return `${member} ${state} (${boot}, ${refutation})`;
}
