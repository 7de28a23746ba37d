/**
 * Up to where a node must have applied the control log before a voter grants it a lease: the last entry in the voter's own log, committed or not, that may take a
 * space from it or changes who votes. An entry that is replaced later asks for nothing more than that the log goes on.
 */
import type { NodeId } from '../../identifiers.js';
import type { PureFunctions } from '../../pure-functions.js';
import type { ControlEntry } from '../entries.js';
import { decodeEntry } from '../entry-codec.js';
import type { Entry } from '../raft/vocabulary.js';

export class Demotions {
  readonly #pure: PureFunctions;
  /** For everybody. */
  #all = 0;
  readonly #of = new Map<NodeId, number>();

  constructor(pure: PureFunctions) {
    this.#pure = pure;
  }

  of(node: NodeId): number {
    return Math.max(this.#all, this.#of.get(node) ?? 0);
  }

  /** What a snapshot covers is not known one by one. */
  snapshotTaken(index: number): void {
    this.#all = Math.max(this.#all, index);
    for (const [node, at] of this.#of) if (at <= index) this.#of.delete(node);
  }

  appended(entries: readonly Entry[]): void {
    for (const entry of entries) {
      // Whose majority counts must be known to whoever counts it.
      if (entry.kind === 'configuration') this.#all = Math.max(this.#all, entry.index);
      if (entry.kind !== 'command') continue;
      const reading = decodeEntry(entry.bytes, this.#pure);
      if (reading.kind !== 'entry') continue;
      const said = reading.entry;
      if (said.kind === 'primaries-reassigned') this.#of.set(said.dead, Math.max(entry.index, this.#of.get(said.dead) ?? 0));
      else if (said.kind === 'node-removed') this.#of.set(said.node, Math.max(entry.index, this.#of.get(said.node) ?? 0));
      else if (said.kind === 'rows-assigned' || said.kind === 'recovered') this.#all = Math.max(this.#all, entry.index);
      // A move takes a space only from a primary that has given it up, by an entry that it had applied itself.
      // A space that is made again has another generation, and so another key: the old one's primary leads nothing that anybody else does.
    }
  }
}

/** Whether an entry may end the term of a primary that knows nothing of it. */
export function takesSpaces({ kind }: ControlEntry): boolean {
  return kind === 'primaries-reassigned' || kind === 'rows-assigned' || kind === 'node-removed' || kind === 'recovered';
}
