/**
 * Whether the cluster is cut, as seen from here: connected → partitioned → healing → connected.
 *
 *   unreachable  suspected and dead members: only alive ones count as in reach, the dead stay in the denominator, those that left do not
 *   partitioned  when unreachable ≥ max(2, partitionedShare · total), or ≥ half of the total, for partitionedAfterMs; or when nobody at all has answered for
 *                isolatedAfterMs; or, in a large cluster of which little has been tried, when most of the last pings failed
 *   healing      when unreachable is below half of that threshold, for a third of partitionedAfterMs
 *   connected    when it has been healing for connectedAfterMs
 *
 * Crashes of so many at once look the same from here, and an answer deserves the same reservation: what is out of reach may hold newer writes.
 */
import type { PartitionState } from './inspection.js';
import { type MembershipServices, membershipTimers } from './membership-services.js';

/** Outcomes of the last pings of the round. */
const outcomesMax = 8;
/** Fewer prove nothing. */
const outcomesMin = 3;
const failedShareMin = 0.6;

export class PartitionDetector {
  readonly #services: MembershipServices;
  #state: PartitionState = 'connected';
  /** Since when that state is in force, and since when the next is called for; null: it is not. */
  #sinceMs = 0;
  #turningMs: number | null = null;
  readonly #outcomes: { atMs: number; readonly answered: boolean }[] = [];

  constructor(services: MembershipServices) {
    this.#services = services;
  }

  get state(): PartitionState {
    return this.#state;
  }

  /** Alive members and those that did not leave, this node included in both. */
  get reach(): { readonly reachable: number; readonly total: number } {
    const { table } = this.#services;
    const reachable = table.count('alive');
    return { reachable, total: reachable + table.count('suspect') + table.count('dead') };
  }

  /** What came of a ping of the round, whatever the path. */
  probed(answered: boolean): void {
    if (this.#outcomes.length === outcomesMax) this.#outcomes.shift();
    this.#outcomes.push({ atMs: this.#services.nowMs, answered });
  }

  /** Somebody is in reach again after nobody was: what pings came to before says nothing any more. */
  forget(): void {
    this.#outcomes.length = 0;
  }

  /** This process stood still: that time is no silence of the others. */
  forgive(byMs: number): void {
    if (this.#turningMs !== null) this.#turningMs += byMs;
    for (const outcome of this.#outcomes) outcome.atMs += byMs;
  }

  /** Something may have changed, or the timer has fired. */
  review(): void {
    const { nowMs, options, effects } = this.#services;
    const next = this.#calledFor();
    if (next === this.#state) {
      this.#turningMs = null;
      return;
    }
    this.#turningMs ??= nowMs;
    const waitMs = this.#waitMs(next, options.partitionedAfterMs, options.connectedAfterMs);
    if (nowMs - this.#turningMs >= waitMs) this.#turn(next);
    else effects.timers.arm(membershipTimers.partition, this.#turningMs + waitMs);
  }

  #waitMs(next: PartitionState, partitionedAfterMs: number, connectedAfterMs: number): number {
    if (next === 'partitioned') return partitionedAfterMs;
    return next === 'healing' ? Math.ceil(partitionedAfterMs / 3) : connectedAfterMs;
  }

  #calledFor(): PartitionState {
    const { reachable, total } = this.reach;
    const { partitionedShare } = this.#services.options;
    const threshold = Math.min(Math.max(2, Math.ceil(partitionedShare * total)), Math.max(1, Math.ceil(total / 2)));
    const unreachable = total - reachable;
    const isIsolated = this.#isIsolated(total);
    if (isIsolated || (total > 1 && unreachable >= threshold) || this.#mostPingsFail(total)) return 'partitioned';
    if (this.#state === 'partitioned') return unreachable * 2 <= threshold ? 'healing' : 'partitioned';
    return this.#state === 'healing' ? 'connected' : this.#state;
  }

  #isIsolated(total: number): boolean {
    const { nowMs, options, lastRoundTripMs } = this.#services;
    return total > 1 && nowMs - lastRoundTripMs >= options.isolatedAfterMs && lastRoundTripMs !== Number.NEGATIVE_INFINITY;
  }

  /** In a large cluster it takes long to try everybody: a sample tells sooner. Only where a few pings are no more than a sample. */
  #mostPingsFail(total: number): boolean {
    const { nowMs, options, health } = this.#services;
    if (total <= 2 * outcomesMax) return false;
    const windowMs = 2 * outcomesMin * options.probeIntervalMs * health.multiplier;
    const recent = this.#outcomes.filter(({ atMs }) => nowMs - atMs <= windowMs);
    const failed = recent.filter(({ answered }) => !answered).length;
    return recent.length >= outcomesMin && failed >= failedShareMin * recent.length;
  }

  #turn(next: PartitionState): void {
    const { nowMs } = this.#services;
    const forMs = nowMs - this.#sinceMs;
    const { reachable, total } = this.reach;
    this.#state = next;
    this.#sinceMs = nowMs;
    this.#turningMs = null;
    if (next === 'partitioned') this.#services.note({ kind: 'partition.began', reachable, total, isolated: this.#isIsolated(total) });
    else if (next === 'healing') this.#services.note({ kind: 'partition.healing', reachable, total, partitionedForMs: forMs });
    else this.#services.note({ kind: 'partition.ended', reachable, total, healingForMs: forMs });
    // It may be on its way to the state after it already.
    this.review();
  }
}
