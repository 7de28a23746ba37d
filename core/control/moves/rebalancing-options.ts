/** What can be chosen about the moving of copies. */

export interface RebalancingOptions {
  /** Whether moves begin without anybody asking for them. */
  readonly isAutomatic: boolean;
  /** A node that a majority of voters has not heard for so long is not coming back soon: its copies get other places. */
  readonly graceMs: number;
  /** So long after the last change nothing is planned: what changes seldom changes alone. */
  readonly settleMs: number;
  /** Moves at once in the whole cluster, and to or from one node. */
  readonly movesMax: number;
  readonly movesPerNodeMax: number;
  /** What moves may bring to or take from one node in a second, over time: no more moves begin there until what has been begun is worked off. */
  readonly bytesPerSecondMax: number;
  /** A copy is ready when it holds all that its source had synced so long ago. Longer than a round of pings. */
  readonly lagMsMax: number;
  /** Writes pause for at most so long; then the move is given up, and they go on where they were. */
  readonly pauseMsMax: number;
  /** A copy that has brought nothing for so long is given up, and not tried again for as long. */
  readonly stallMs: number;
}

export const defaultRebalancingOptions: RebalancingOptions = {
  isAutomatic: true,
  graceMs: 60_000,
  settleMs: 2_000,
  movesMax: 8,
  movesPerNodeMax: 2,
  // A quarter of a gigabit link, and less than writes at full load bring to a disk: clients come first.
  bytesPerSecondMax: 32 * 2 ** 20,
  lagMsMax: 1_000,
  pauseMsMax: 1_000,
  stallMs: 30_000,
};
