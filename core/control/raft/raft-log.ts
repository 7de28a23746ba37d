/**
 * The log of one voter or learner: entries behind a snapshot, what of them is durable here, what is committed, and which configuration is in force.
 *
 * Invariants: indexes are gapless; terms never descend; what is committed is never replaced; delivered ≤ durable, delivered ≤ committed.
 */
import type { NodeId } from '../../identifiers.js';
import { invariant } from '../../invariant.js';
import { type Configuration, type Entry, type EntryAt, type EntryContent, isVoter, type Recovered, type Snapshot } from './vocabulary.js';

const beginning: EntryAt = { index: 0, term: 0 };

export class RaftLog {
  /** Everything up to here is in the snapshot. */
  #snapshot: Snapshot | null;
  #entries: Entry[];
  /** Indexes of the entries that carry a configuration, ascending. */
  #configurations: number[] = [];
  /** In force before the first of those. */
  #base: Configuration;
  #durable: number;
  #committed: number;
  #delivered: number;
  /** A snapshot was installed that is not durable yet: nothing behind it is delivered before it. */
  #awaitsSnapshot = false;

  /** `first` is the configuration that a cluster begins with: in force as long as neither snapshot nor entry says otherwise. */
  constructor({ snapshot, entries, committed }: Recovered, first: Configuration) {
    this.#snapshot = snapshot;
    this.#entries = [];
    this.#base = snapshot?.configuration ?? first;
    this.#committed = this.start.index;
    this.#delivered = this.start.index;
    this.#durable = this.start.index;
    for (const entry of entries) this.#push(entry);
    this.#durable = this.last.index;
    this.commitTo(committed);
  }

  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  /** The last entry that is no longer here by itself. */
  get start(): EntryAt {
    return this.#snapshot ?? beginning;
  }

  get last(): EntryAt {
    return this.#entries.at(-1) ?? this.start;
  }

  get durable(): number {
    return this.#durable;
  }

  get delivered(): number {
    return this.#delivered;
  }

  get committed(): number {
    return this.#committed;
  }

  get configuration(): Configuration {
    const index = this.#configurations.at(-1);
    return index === undefined ? this.#base : configurationAt(this.#at(index));
  }

  /**
   * Whether the node may have to lead: as a voter of the configuration in force, or of the one before as long as it does not know that its removal is
   * committed. It may be the only one whose log can win, and nobody could lead without it (Ongaro's thesis, section 4.2.2).
   */
  mayBeNeeded(node: NodeId): boolean {
    if (isVoter(this.configuration, node)) return true;
    if (this.configurationIndex <= this.#committed) return false;
    const before = this.#configurations.at(-2);
    return isVoter(before === undefined ? this.#base : configurationAt(this.#at(before)), node);
  }

  /** The entry that brought the configuration in force; the snapshot's end when that did. */
  get configurationIndex(): number {
    return this.#configurations.at(-1) ?? this.start.index;
  }

  /** The term of each entry behind the start. */
  get terms(): readonly number[] {
    return this.#entries.map(({ term }) => term);
  }

  /** Null for an index that is not here, or no longer. */
  termAt(index: number): number | null {
    if (index === this.start.index) return this.start.term;
    return index < this.start.index || index > this.last.index ? null : this.#at(index).term;
  }

  #at(index: number): Entry {
    return this.#entries[index - this.start.index - 1];
  }

  /** Entries from `from` on with up to so many bytes of commands, one at least if there is any. */
  slice(from: number, bytesMax: number): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= this.last.index; index += 1) {
      const entry = this.#at(index);
      bytes += bytesOf(entry);
      if (found.length > 0 && bytes > bytesMax) break;
      found.push(entry);
    }
    return found;
  }

  /** A leader's own. Returns it, with its place. */
  append(term: number, content: EntryContent): Entry {
    const entry = { index: this.last.index + 1, term, ...content };
    this.#push(entry);
    return entry;
  }

  #push(entry: Entry): void {
    invariant(entry.index === this.last.index + 1 && entry.term >= this.last.term, 'entries of the control log follow each other');
    this.#entries.push(entry);
    if (entry.kind === 'configuration') this.#configurations.push(entry.index);
  }

  /**
   * Takes in a leader's entries, which follow on something that is here. Equal ones stay; from the first other one on all that stood here goes.
   * Returns what is new, and how many gave way to it.
   */
  adopt(entries: readonly Entry[]): { readonly added: readonly Entry[]; readonly replaced: number } {
    const at = entries.findIndex(({ index, term }) => index > this.start.index && this.termAt(index) !== term);
    if (at < 0) return { added: [], replaced: 0 };
    const added = entries.slice(at);
    const replaced = this.#cutFrom(added[0].index);
    for (const entry of added) this.#push(entry);
    return { added, replaced };
  }

  #cutFrom(index: number): number {
    invariant(index > this.#committed, 'what is committed is never replaced');
    const kept = index - this.start.index - 1;
    const replaced = Math.max(0, this.#entries.length - kept);
    this.#entries.length = Math.min(this.#entries.length, kept);
    while ((this.#configurations.at(-1) ?? 0) >= index) this.#configurations.pop();
    this.#durable = Math.min(this.#durable, index - 1);
    return replaced;
  }

  /** Where a leader should look for agreement when `previous` is not here: the first entry of the term that stands in its place, or the end of the log. */
  conflictAt({ index }: EntryAt): EntryAt {
    if (index > this.last.index) return { index: this.last.index + 1, term: 0 };
    const term = this.termAt(index) ?? 0;
    let first = index;
    while (first - 1 > this.start.index && this.termAt(first - 1) === term) first -= 1;
    return { index: first, term };
  }

  /** The last entry of that term, or of the nearest one below it. */
  lastOfTerm(term: number): EntryAt {
    for (let index = this.last.index; index > this.start.index; index -= 1) {
      const entry = this.#at(index);
      if (entry.term <= term) return entry;
    }
    return this.start;
  }

  /** A save has ended: everything up to this entry is durable, if it still stands here. */
  markDurable({ index, term }: EntryAt): void {
    if (index > this.#durable && this.termAt(index) === term) this.#durable = index;
  }

  /** Raises what is known to be committed. */
  commitTo(index: number): void {
    this.#committed = Math.max(this.#committed, Math.min(index, this.last.index));
  }

  /** The next entry that is committed and durable here, once. */
  nextToDeliver(): Entry | null {
    if (this.#awaitsSnapshot || this.#delivered >= Math.min(this.#committed, this.#durable)) return null;
    this.#delivered += 1;
    return this.#at(this.#delivered);
  }

  /** Everything delivered up to `index` is in `state` from now on. Null when a snapshot reaches at least as far already. */
  compact(index: number, state: Uint8Array): Snapshot | null {
    if (index <= this.start.index) return null;
    invariant(index <= this.#delivered, 'only what was delivered is compacted');
    const configurations = this.#configurations.filter((each) => each <= index);
    const last = configurations.at(-1);
    const snapshot = {
      index,
      term: this.termAt(index) as number,
      configuration: last === undefined ? this.#base : configurationAt(this.#at(last)),
      state,
    };
    this.#entries = this.#entries.slice(index - this.start.index);
    this.#configurations = this.#configurations.slice(configurations.length);
    this.#base = snapshot.configuration;
    this.#snapshot = snapshot;
    return snapshot;
  }

  /** A leader's snapshot takes the place of what it covers; what stands behind it stays if it is the same log. Returns whether it does. */
  install(snapshot: Snapshot): boolean {
    const keepsEntries = this.termAt(snapshot.index) === snapshot.term;
    this.#entries = keepsEntries ? this.#entries.slice(snapshot.index - this.start.index) : [];
    this.#configurations = keepsEntries ? this.#configurations.filter((index) => index > snapshot.index) : [];
    this.#base = snapshot.configuration;
    this.#snapshot = snapshot;
    this.#durable = keepsEntries ? Math.max(this.#durable, snapshot.index) : snapshot.index;
    this.#committed = Math.max(this.#committed, snapshot.index);
    this.#delivered = snapshot.index;
    this.#awaitsSnapshot = true;
    return keepsEntries;
  }

  /** Whether `snapshot`, which was installed, is still the one that stands here: then what is behind it may be delivered. */
  snapshotSaved(snapshot: Snapshot): boolean {
    if (this.#snapshot !== snapshot) return false;
    this.#awaitsSnapshot = false;
    return true;
  }
}

function configurationAt(entry: Entry): Configuration {
  invariant(entry.kind === 'configuration', 'the entry carries a configuration');
  return entry.configuration;
}

export function bytesOf(entry: EntryContent): number {
  return entry.kind === 'command' ? entry.bytes.length : 0;
}
