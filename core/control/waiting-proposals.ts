/** Proposals of this node that stand in its log, until it is known what became of them. */
import type { Outcome } from './apply-entry.js';
import type { ProposalAnswer } from './control-events.js';
import type { ControlEntry } from './entries.js';

type Settled = (answer: ProposalAnswer) => void;

export class WaitingProposals {
  readonly #waiting = new Map<number, { readonly term: number; readonly kind: ControlEntry['kind']; readonly settled: Settled }>();

  get count(): number {
    return this.#waiting.size;
  }

  /** Whether of an entry of that kind it is not known yet what became of it. */
  has(kind: ControlEntry['kind']): boolean {
    return [...this.#waiting.values()].some((waiting) => waiting.kind === kind);
  }

  add(
    { index, term, kind }: { readonly index: number; readonly term: number; readonly kind: ControlEntry['kind'] },
    settled: Settled,
  ): void {
    // A proposal of an earlier term of this node's own leadership may have stood there.
    this.#waiting.get(index)?.settled({ kind: 'replaced' });
    this.#waiting.set(index, { term, kind, settled });
  }

  /** What stands at that index is committed: it is what was proposed, if it is of the same term. */
  committed({ index, term }: { readonly index: number; readonly term: number }, outcome: Outcome): void {
    const waiting = this.#waiting.get(index);
    if (waiting === undefined) return;
    this.#waiting.delete(index);
    waiting.settled(waiting.term === term ? { kind: 'committed', index, outcome } : { kind: 'replaced' });
  }

  /** Of entries up to that index nobody can tell any more. */
  unknownUpTo(last: number): void {
    for (const [index, { settled }] of this.#waiting) {
      if (index > last) continue;
      this.#waiting.delete(index);
      settled({ kind: 'unknown' });
    }
  }
}
