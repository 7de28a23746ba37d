/** How much is copied before a plan is carried out, and about how long that takes: by the bounds that the leader keeps to, which are what takes time. */
import type { NodeId } from '../../identifiers.js';
import type { RebalancingOptions } from './rebalancing-options.js';

/** Of one move. */
export interface Copying {
  readonly bytes: number;
  /** Who is busy with it. */
  readonly nodes: readonly NodeId[];
}

export interface Outlook {
  readonly bytes: number;
  readonly aboutMs: number;
}

/** The busiest node is waited for: what it gives and gets at its rate, and a copy is only known to be complete by what it held `lagMsMax` ago. */
export function outlookOf(
  copyings: readonly Copying[],
  { bytesPerSecondMax, movesPerNodeMax, movesMax, lagMsMax }: RebalancingOptions,
): Outlook {
  const busy = new Map<NodeId, { bytes: number; moves: number }>();
  for (const { bytes, nodes } of copyings) {
    for (const node of nodes) {
      const before = busy.get(node) ?? { bytes: 0, moves: 0 };
      busy.set(node, { bytes: before.bytes + bytes, moves: before.moves + 1 });
    }
  }
  let aboutMs = Math.ceil(copyings.length / movesMax) * lagMsMax;
  for (const { bytes, moves } of busy.values()) {
    aboutMs = Math.max(aboutMs, (bytes / bytesPerSecondMax) * 1_000 + Math.ceil(moves / movesPerNodeMax) * lagMsMax);
  }
  return { bytes: copyings.reduce((sum, { bytes }) => sum + bytes, 0), aboutMs: Math.round(aboutMs) };
}
