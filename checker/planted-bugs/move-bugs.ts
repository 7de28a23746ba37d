/** Bugs planted in the moving of copies: who takes over too early, who lets go too early, who goes on writing though its successor may have begun. */
import type { PlantedBug } from './planted-bug.js';

export const moveBugs: readonly PlantedBug[] = [
  {
    name: 'cut-over-early',
    scenario: 'rebalance',
    seedsNeeded: 200,
    whatItBreaks:
      'A primary is replaced as soon as the entry that pauses it is committed, before it has applied that and said so: two are confirmed at once.',
    pending: false,
    module: 'core/control/moves/rebalancing.ts',
    find: 'if (copied === null || copied.heldMs === null) return;',
    replace: `if (move.stage === 'paused') return this.#change(row, { kind: 'committed' }, now);
    if (copied === null || copied.heldMs === null) return;`,
  },
  {
    name: 'delete-source-early',
    scenario: 'rebalance',
    seedsNeeded: 200,
    whatItBreaks:
      'A node lets go of what it holds as soon as a row is committed that does not name it, whatever the copies of that row hold: what it alone had is lost.',
    pending: false,
    module: 'core/replication/hand-over.ts',
    find: 'if (this.isHandedOver(space, now)) this.#letGo(space);',
    replace: 'this.#letGo(space);',
  },
  {
    name: 'resume-without-a-committed-row',
    scenario: 'rebalance',
    seedsNeeded: 200,
    whatItBreaks:
      'A primary that has paused for a move goes on by itself after a moment, with no entry that gives the move up: its successor may have begun, two are confirmed at once.',
    pending: false,
    module: 'core/control/leases/authority.ts',
    find: `row === undefined || isPausedAt(row, self)) return null;
    const isOfThisBoot = this.#bootIndex <= 1 || known.epoch.index > this.#bootIndex;
    return isOfThisBoot && now.monotonicMs >= known.fromMs && this.isLeased(now) ? known.epoch : null;
  }

  /** Whether this node has to give the space up, and keeps to that: without a lease it may go on provisionally, as in any cut. */
  isHandingOver(space: SpaceKey, now: Now): boolean {
    const { self, state } = this.#ports.agreement();
    const row = state.rows[space];
    return row !== undefined && isPausedAt(row, self) && this.isLeased(now);
  }
`,
    replace: `row === undefined || this.#isStillPaused(row, self, now)) return null;
    const isOfThisBoot = this.#bootIndex <= 1 || known.epoch.index > this.#bootIndex;
    return isOfThisBoot && now.monotonicMs >= known.fromMs && this.isLeased(now) ? known.epoch : null;
  }

  readonly #pausedSinceMs = new Map<number, number>();

  #isStillPaused(row: ControlRow, self: NodeId, now: Now): boolean {
    if (!isPausedAt(row, self)) return false;
    const sinceMs = this.#pausedSinceMs.get(row.revision) ?? now.monotonicMs;
    this.#pausedSinceMs.set(row.revision, sinceMs);
    return now.monotonicMs - sinceMs < 20;
  }

  isHandingOver(space: SpaceKey, now: Now): boolean {
    const { self, state } = this.#ports.agreement();
    const row = state.rows[space];
    return row !== undefined && this.#isStillPaused(row, self, now) && this.isLeased(now);
  }
`,
  },
  {
    name: 'hold-for-a-moment',
    scenario: 'rebalance',
    seedsNeeded: 200,
    whatItBreaks:
      'An order to hold gives up what is under way, and does not stand: the leader goes on by its configuration, and copies move that were to stay.',
    pending: false,
    module: 'core/control/moves/rebalancing.ts',
    find: "return order === null ? this.#ports.options.isAutomatic : order.order === 'apply';",
    replace: "return this.#ports.options.isAutomatic || order?.order === 'apply';",
  },
];
