/**
 * How large the spaces are that this node is primary of, told to the leader of the control log: it shares out bytes, and says how many a move will copy. Told are changes
 * by an eighth of what was told last; a new leader is told everything, and so is each one once a minute, since what is told may be lost. Small spaces are never told:
 * `wanted-moves.ts` counts them all alike.
 */
import { smallCopyBytes } from '../control/moves/wanted-moves.js';
import type { Now } from '../events.js';
import type { NodeId, SpaceKey } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';

const lookEveryMs = 5_000;
const tellAllEveryMs = 60_000;
/** In one turn; the next round of pings goes on. */
const toldAtOnceMax = 256;

export class SizeReports {
  readonly #services: NodeServices;
  /** To this leader, since `#sinceMs`. */
  readonly #told = new Map<SpaceKey, number>();
  #leader: NodeId | null = null;
  #sinceMs = 0;
  #dueMs = 0;

  constructor(services: NodeServices) {
    this.#services = services;
  }

  /** At each round of pings. */
  tellAll(now: Now): void {
    const { authority } = this.#services;
    if (authority === null || authority.leader === null || now.monotonicMs < this.#dueMs) return;
    if (authority.leader !== this.#leader || now.monotonicMs - this.#sinceMs >= tellAllEveryMs) {
      this.#told.clear();
      this.#leader = authority.leader;
      this.#sinceMs = now.monotonicMs;
    }
    let count = 0;
    for (const space of this.#services.ownSpaces()) {
      if (!this.#tell(space, now)) continue;
      count += 1;
      if (count === toldAtOnceMax) return;
    }
    this.#dueMs = now.monotonicMs + lookEveryMs;
  }

  #tell(space: SpaceKey, now: Now): boolean {
    const { authority, self, store } = this.#services;
    const row = this.#services.row(space);
    const bytes = store.spaceIfHeld(space)?.retainedBytes ?? 0;
    const told = this.#told.get(space) ?? 0;
    if (row?.revision === undefined || row.copies[0] !== self) return false;
    if (Math.abs(bytes - told) < Math.max(smallCopyBytes, told / 8)) return false;
    this.#told.set(space, bytes);
    authority?.tellOfMove({ kind: 'sized', space, revision: row.revision, bytes }, now);
    return true;
  }
}
