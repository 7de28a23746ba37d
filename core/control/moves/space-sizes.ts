/** What the leader knows of the size of copies: what the primaries of larger spaces tell (`size-reports.ts`), and those of all that move. */
import type { Now } from '../../events.js';
import type { SpaceKey } from '../../identifiers.js';
import type { ControlState } from '../control-state.js';

/** Spaces grow all the time; so often it is judged whether a node has come to hold more bytes than its share. */
const judgedEveryMs = 60_000;

export class SpaceSizes {
  /** Of spaces that there are, or were when it was planned last. */
  readonly #bytes = new Map<SpaceKey, number>();
  /** Something was told since all was judged last. */
  #isNews = false;
  #judgedAtMs = 0;

  note(space: SpaceKey, bytes: number): void {
    this.#bytes.set(space, bytes);
    this.#isNews = true;
  }

  /** Where a copy is on its way all is judged again once it is there. */
  noteMoving(space: SpaceKey, bytes: number): void {
    this.#bytes.set(space, bytes);
  }

  isJudgementDue(now: Now): boolean {
    return this.#isNews && now.monotonicMs - this.#judgedAtMs >= judgedEveryMs;
  }

  judged(now: Now): void {
    this.#isNews = false;
    this.#judgedAtMs = now.monotonicMs;
  }

  /** As of now: what is planned with is made beside the node's turns. Spaces that are no more are forgotten. */
  snapshot(rows: ControlState['rows']): ReadonlyMap<SpaceKey, number> {
    for (const space of this.#bytes.keys()) if (rows[space] === undefined) this.#bytes.delete(space);
    return new Map(this.#bytes);
  }
}
