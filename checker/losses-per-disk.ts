/**
 * What destroyed disks have cost: acknowledged writes that went with each, per acknowledgement level, and for how long before its end they had been promised.
 * `loss` judges whether they were allowed to go; this counts.
 */
import type { DestroyedDisk, History, Operation } from './history.js';
import { isWrite } from './memory-traces.js';

export const levels = ['local', 'one', 'quorum', 'all'] as const;
export type Level = (typeof levels)[number];

export interface DiskLoss extends Pick<DestroyedDisk, 'isolated'> {
  /** Acknowledged writes of which this disk had the only copy that ever was durable. */
  readonly lost: Readonly<Record<Level, number>>;
  /** From the acknowledgement of the oldest of them to the end of the node, in ms; 0 where none is lost. */
  readonly windowMs: number;
}

/** One for each destroyed disk, in the order of their ends. */
export function lossesPerDisk({ operations, destroyedDisks = [] }: Pick<History, 'operations' | 'destroyedDisks'>): readonly DiskLoss[] {
  const byDot = new Map<string, Operation[]>();
  for (const operation of operations) {
    const { outcome, space, version } = operation;
    if (outcome !== 'ok' || version === null || !isWrite(operation)) continue;
    const dot = `${space} ${version}`;
    byDot.set(dot, [...(byDot.get(dot) ?? []), operation]);
  }
  return destroyedDisks.map(({ isolated, diedMs, lost }) => {
    const dots = new Set(lost.map(({ space, version }) => `${space} ${version}`));
    // What was answered by others after that is not this disk's promise.
    const gone = [...dots].flatMap((dot) => byDot.get(dot) ?? []).filter(({ completedMs }) => completedMs <= diedMs);
    const counts = { local: 0, one: 0, quorum: 0, all: 0 };
    for (const { ack } of gone) counts[ack] += 1;
    return { isolated, lost: counts, windowMs: gone.reduce((longest, { completedMs }) => Math.max(longest, diedMs - completedMs), 0) };
  });
}

/** Acknowledged writes of a history, per level. */
export function acknowledgedPerLevel({ operations }: Pick<History, 'operations'>): Readonly<Record<Level, number>> {
  const counts = { local: 0, one: 0, quorum: 0, all: 0 };
  for (const operation of operations) if (operation.outcome === 'ok' && isWrite(operation)) counts[operation.ack] += 1;
  return counts;
}
