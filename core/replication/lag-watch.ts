/**
 * How far each copy is behind the primary, as the primary sees it: in records, and in milliseconds since it held something that the copy has not said to have synced. A
 * copy that is silent falls behind with the first write that it misses.
 *
 * What is told has two levels and hysteresis: an alert beyond a second, degraded beyond five; and cleared only once the copy has everything, or keeps up within half
 * a second.
 */
import type { VersionVector } from '../clock/version-vector.js';
import type { Now } from '../events.js';
import { compareText, type NodeId, type SpaceKey } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import type { Peers } from './peers.js';

export const lagAlertMs = 1_000;
export const lagDegradedMs = 5_000;
const lagClearMs = lagAlertMs / 2;
/** Copies that are watched at once; of more, the first to fall behind. */
const watchedMax = 8_192;
/** Spaces that have not changed are looked at in one round of so many. */
const quietRounds = 4;

export type LagLevel = 'normal' | 'alert' | 'degraded';

/** One copy that is behind its primary, this node. */
export interface CopyLag {
  readonly space: SpaceKey;
  readonly copy: NodeId;
  readonly records: number;
  readonly ms: number;
  readonly level: LagLevel;
}

interface Watched {
  readonly space: SpaceKey;
  readonly copy: NodeId;
  /** What the primary held at that time: the copy lags since then while it has not all of it. */
  target: VersionVector;
  sinceMs: number;
  records: number;
  ms: number;
  level: LagLevel;
}

export class LagWatch {
  readonly #services: NodeServices;
  readonly #peers: Peers;
  readonly #isPrimary: (space: SpaceKey) => boolean;
  readonly #watched = new Map<string, Watched>();
  /** Changes of a space at which all its copies had everything. */
  readonly #even = new Map<SpaceKey, number>();
  #round = 0;

  constructor(services: NodeServices, peers: Peers, isPrimary: (space: SpaceKey) => boolean) {
    this.#services = services;
    this.#peers = peers;
    this.#isPrimary = isPrimary;
  }

  /** Looks at the copies of all spaces that this node is primary of. Called at each round of pings. */
  look(now: Now): void {
    this.#round += 1;
    for (const space of this.#services.ownSpaces()) if (this.#isPrimary(space)) this.#lookAt(space, now);
    for (const [key, { space, copy }] of this.#watched) {
      if (!this.#isPrimary(space) || !this.#services.otherCopies(space).includes(copy)) this.#watched.delete(key);
    }
  }

  #lookAt(space: SpaceKey, now: Now): void {
    const held = this.#services.store.spaceIfHeld(space);
    if (held === undefined) return;
    if (this.#even.get(space) === held.coverageChanges && this.#round % quietRounds !== 0) return;
    let isEven = true;
    for (const copy of this.#services.otherCopies(space)) {
      const hasAll = this.#peers.reports.holdsAll(copy, space, held.vouched());
      if (!hasAll) isEven = false;
      this.#judge({ space, copy, coverage: held.vouched(), hasAll }, now);
    }
    if (isEven) this.#even.set(space, held.coverageChanges);
    else this.#even.delete(space);
  }

  #judge({ space, copy, coverage, hasAll }: { space: SpaceKey; copy: NodeId; coverage: VersionVector; hasAll: boolean }, now: Now): void {
    const key = `${space} ${copy}`;
    const known = this.#watched.get(key);
    if (hasAll) {
      if (known !== undefined) this.#clear(known);
      this.#watched.delete(key);
      return;
    }
    if (known === undefined) {
      if (this.#watched.size >= watchedMax) return;
      this.#watched.set(key, { space, copy, target: coverage.clone(), sinceMs: now.monotonicMs, records: 0, ms: 0, level: 'normal' });
      return;
    }
    known.ms = now.monotonicMs - known.sinceMs;
    known.records = this.#recordsBehind(known, coverage);
    if (this.#peers.reports.holdsAll(copy, space, known.target)) {
      // It goes on being behind, but not by what was there then.
      if (known.ms <= lagClearMs) this.#clear(known);
      known.target = coverage.clone();
      known.sinceMs = now.monotonicMs;
    } else if (known.ms > lagDegradedMs && known.level !== 'degraded') this.#raise(known, 'degraded');
    else if (known.ms > lagAlertMs && known.level === 'normal') this.#raise(known, 'alert');
  }

  #recordsBehind({ space, copy }: Watched, coverage: VersionVector): number {
    const report = this.#peers.get(copy)?.spaces.get(space);
    if (report === undefined) return coverage.authors().reduce((sum, author) => sum + (coverage.of(author)?.count() ?? 0), 0);
    let records = 0;
    for (const { author, from, to } of report.reported.missingFrom(coverage)) {
      records += Math.max(0, to - Math.max(from - 1, report.acknowledged.get(author) ?? 0));
    }
    return records;
  }

  #raise(watched: Watched, level: 'alert' | 'degraded'): void {
    watched.level = level;
    const { space, copy, records, ms } = watched;
    const kind = level === 'alert' ? 'replication.lag-alert' : 'replication.degraded';
    this.#services.effects.journal.note({ kind, space, copy, records, ms });
  }

  #clear(watched: Watched): void {
    if (watched.level === 'normal') return;
    watched.level = 'normal';
    this.#services.effects.journal.note({ kind: 'replication.lag-cleared', space: watched.space, copy: watched.copy });
  }

  /** Copies behind this node, by space and copy. */
  lags(): readonly CopyLag[] {
    const lags = [...this.#watched.values()].map(({ space, copy, records, ms, level }) => ({ space, copy, records, ms, level }));
    return lags.sort((left, right) => compareText(left.space, right.space) || compareText(left.copy, right.copy));
  }
}
