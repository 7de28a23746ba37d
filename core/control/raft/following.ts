/** A follower's side: a leader's entries and snapshots become this node's log, and are answered once they are durable here. */
import type { NodeId } from '../../identifiers.js';
import type { RaftState } from './raft-state.js';
import type { Entry, EntryAt, RaftMessage, Snapshot } from './vocabulary.js';

/** The parts of a snapshot that have come so far. */
interface Incoming {
  readonly index: number;
  readonly term: number;
  readonly parts: Uint8Array[];
  received: number;
}

const snapshotBytesMax = 256 * 2 ** 20;

export class Following {
  readonly #state: RaftState;
  #incoming: Incoming | null = null;

  constructor(state: RaftState) {
    this.#state = state;
  }

  append(from: NodeId, { round, previous, entries, committed }: Extract<RaftMessage, { kind: 'append' }>, nowMs: number): void {
    const { log, term } = this.#state;
    if (!followsOn(previous, entries, term)) return;
    const end = previous.index + entries.length;
    if (previous.index >= log.start.index && log.termAt(previous.index) !== previous.term) {
      const conflict = log.conflictAt(previous);
      this.#state.send(from, { kind: 'refused', term, round, previousIndex: previous.index, conflict });
      return;
    }
    const { added, replaced } = log.adopt(entries);
    if (replaced > 0) this.#state.effects.note({ kind: 'control.entries-replaced', from: added[0].index, count: replaced });
    if (replaced > 0 || added.some(({ kind }) => kind === 'configuration')) this.#state.noteConfiguration();
    // Beyond these entries this log need not be the leader's.
    log.commitTo(Math.min(committed, end));
    this.#makeDurable(added);
    this.#state.whenDurable(nowMs, () => {
      this.#state.deliver();
      // What the log of a later term has in their place is that leader's to say.
      if (this.#state.term === term) this.#state.send(from, { kind: 'appended', term, round, match: Math.max(end, log.start.index) });
    });
  }

  #makeDurable(added: readonly Entry[]): void {
    const last = added.at(-1);
    if (last !== undefined) this.#state.save({ entries: added }, () => this.#state.entriesSaved(last));
  }

  snapshot(from: NodeId, message: Extract<RaftMessage, { kind: 'snapshot' }>, nowMs: number): void {
    const { log, term } = this.#state;
    const { round, last, configuration } = message;
    if (last.index <= log.committed) {
      // All of that is here: committed entries are the same everywhere.
      this.#incoming = null;
      return this.#state.whenDurable(nowMs, () => {
        if (this.#state.term === term) this.#state.send(from, { kind: 'appended', term, round, match: last.index });
      });
    }
    const incoming = this.#received(message);
    if (incoming === null || !message.isEnd || incoming.received < message.offset + message.bytes.length) {
      this.#state.send(from, { kind: 'snapshot-part', term, round, index: last.index, received: incoming?.received ?? 0 });
      return;
    }
    this.#incoming = null;
    const snapshot: Snapshot = { ...last, configuration, state: joined(incoming) };
    const keepsEntries = log.install(snapshot);
    this.#state.noteConfiguration();
    this.#state.save({ snapshot: { snapshot, keepsEntries } }, () => {
      if (!log.snapshotSaved(snapshot)) return;
      this.#state.effects.restored(snapshot);
      this.#state.effects.note({ kind: 'control.snapshot-installed', index: snapshot.index });
      this.#state.deliver();
      if (this.#state.term === term) this.#state.send(from, { kind: 'appended', term, round, match: snapshot.index });
    });
  }

  /** Adds a part in its place; null when it can be of no use. */
  #received({ last, offset, bytes }: Extract<RaftMessage, { kind: 'snapshot' }>): Incoming | null {
    let incoming = this.#incoming;
    if (incoming === null || incoming.index !== last.index || incoming.term !== last.term) {
      incoming = { ...last, parts: [], received: 0 };
      this.#incoming = incoming;
    }
    if (offset !== incoming.received || incoming.received + bytes.length > snapshotBytesMax) return incoming;
    incoming.parts.push(bytes.slice());
    incoming.received += bytes.length;
    return incoming;
  }
}

/** Whether these can be entries of one log: a sender that says otherwise is broken, and is not answered. */
function followsOn(previous: EntryAt, entries: readonly Entry[], term: number): boolean {
  let before = previous;
  for (const entry of entries) {
    if (entry.index !== before.index + 1 || entry.term < before.term || entry.term > term) return false;
    before = entry;
  }
  return true;
}

function joined({ parts, received }: Incoming): Uint8Array {
  const bytes = new Uint8Array(received);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
