/**
 * Catch-up: finds out what this copy lacks and fetches it, from the retained log of a peer or, below that peer's horizon, as a snapshot that is merged.
 * The one way in which gaps close, whatever made them: lost messages, a partition, a crash, a hole in the log.
 *
 * One fetch per space at a time, under credit; a fetch without progress is given up and begun again, possibly elsewhere. Works the same in both
 * directions after a heal: each side fetches what the other has.
 */
import { decodeVersionVector, VersionVector } from '../clock/version-vector.js';
import type { Now } from '../events.js';
import type { Author, NodeId, SpaceKey } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import type { PeerMessage } from '../wire/peer-message.js';
import type { Peer, Peers } from './peers.js';
import type { RecordShipper } from './record-shipper.js';

/** How far a snapshot has come. */
interface SnapshotProgress {
  /** Where it goes on. */
  cursor: number;
  complete: boolean;
  /** The horizon as it was when the snapshot began: what may be adopted once everything has come. */
  readonly horizon: ReadonlyMap<Author, number>;
  readonly holes: VersionVector;
}

interface Fetching {
  readonly number: number;
  readonly from: NodeId;
  /** Node and boot that answer: after a restart its cursors mean something else. */
  readonly author: Author | null;
  /** Null while it is answered from the log. */
  snapshot: SnapshotProgress | null;
  lastProgressMs: number;
  /** Records that were appended and are not yet synced. */
  unsynced: number;
  /** Run messages that came, and how many there are to be; null before the end was told. */
  runs: number;
  runsExpected: number | null;
  /** New records by author. */
  readonly merged: Map<Author, number>;
}

export class CatchUp {
  readonly #services: NodeServices;
  readonly #peers: Peers;
  readonly #shipper: RecordShipper;
  readonly #fetching = new Map<SpaceKey, Fetching>();
  #lastNumber = 0;

  constructor(services: NodeServices, peers: Peers, shipper: RecordShipper) {
    this.#services = services;
    this.#peers = peers;
    this.#shipper = shipper;
  }

  /** Looks at what the peer has said of every space, and fetches what has been missing since its report before. */
  consider(peer: Peer, now: Now): void {
    for (const [space, report] of peer.spaces) {
      if (report.before !== null && this.#services.isCopy(space)) this.fetchMissing(peer.id, space, report.before, now);
    }
  }

  /** Fetches what `known` has and this copy lacks, unless a fetch is under way or nothing is missing. */
  fetchMissing(from: NodeId, space: SpaceKey, known: VersionVector, now: Now): void {
    const active = this.#fetching.get(space);
    if (active !== undefined) {
      if (now.monotonicMs - active.lastProgressMs < this.#services.configuration.replication.fetchTimeoutMs) return;
      this.#fetching.delete(space);
    }
    if (!this.#services.store.log.writable || !this.#lacks(space, known)) return;
    this.#lastNumber += 1;
    const fetching: Fetching = {
      number: this.#lastNumber,
      from,
      author: this.#peers.get(from)?.author ?? null,
      snapshot: null,
      lastProgressMs: now.monotonicMs,
      unsynced: 0,
      runs: 0,
      runsExpected: null,
      merged: new Map(),
    };
    this.#fetching.set(space, fetching);
    this.#ask(space, fetching, 0);
    this.#services.effects.journal.note({ kind: 'catch-up.started', space, from, how: 'log' });
  }

  #lacks(space: SpaceKey, known: VersionVector): boolean {
    const inFlight = this.#shipper.inFlight(space);
    const missing = this.#services.store.space(space).coverage.missingFrom(known);
    if (missing.length === 0 || inFlight === undefined) return missing.length > 0;
    return missing.some(({ author, from, to }) => !(inFlight.of(author)?.includesRange(from, to) ?? false));
  }

  #ask(space: SpaceKey, fetching: Fetching, cursor: number): void {
    const credit = this.#services.configuration.replication.fetchCreditBytes;
    const coverage = this.#peers.encodedCoverage(space);
    this.#peers.send(fetching.from, { kind: 'fetch', number: fetching.number, space, credit, cursor, coverage });
  }

  #activeFor(peer: Peer, space: SpaceKey, number: number): Fetching | null {
    const fetching = this.#fetching.get(space);
    return fetching !== undefined && fetching.number === number && fetching.author === peer.author ? fetching : null;
  }

  /** Records that answer a fetch. Those of one given up are taken in all the same: records are records. */
  received(peer: Peer, run: Extract<PeerMessage, { kind: 'run' }>, now: Now): void {
    const fetching = this.#activeFor(peer, run.space, run.number);
    if (fetching !== null) {
      fetching.runs += 1;
      fetching.lastProgressMs = now.monotonicMs;
    }
    this.#take(peer, { space: run.space, author: run.author, records: run.records }, fetching, now);
    if (fetching !== null) this.#maybeFinished(run.space, fetching, now);
  }

  #take(
    peer: Peer,
    run: { readonly space: SpaceKey; readonly author: Author | null; readonly records: Uint8Array },
    fetching: Fetching | null,
    now: Now,
  ): boolean {
    const durable =
      fetching === null
        ? null
        : (then: Now): void => {
            fetching.unsynced -= 1;
            fetching.lastProgressMs = then.monotonicMs;
            this.#maybeFinished(run.space, fetching, then);
          };
    const { appended, refused } = this.#shipper.receive({ from: peer.id, ...run }, durable, now);
    if (fetching !== null) {
      fetching.unsynced += appended;
      if (run.author !== null && appended > 0) fetching.merged.set(run.author, (fetching.merged.get(run.author) ?? 0) + appended);
    }
    return !refused;
  }

  fetched(peer: Peer, message: Extract<PeerMessage, { kind: 'fetched' }>, now: Now): void {
    const fetching = this.#activeFor(peer, message.space, message.number);
    if (fetching === null) return;
    fetching.runsExpected = message.runs;
    fetching.lastProgressMs = now.monotonicMs;
    this.#maybeFinished(message.space, fetching, now);
  }

  #maybeFinished(space: SpaceKey, fetching: Fetching, now: Now): void {
    if (this.#fetching.get(space) !== fetching || fetching.unsynced > 0) return;
    if (fetching.snapshot !== null) return this.#continueSnapshot(space, fetching, fetching.snapshot, now);
    if (fetching.runsExpected === null || fetching.runs < fetching.runsExpected) return;
    this.#finish(space, fetching, now);
  }

  #finish(space: SpaceKey, fetching: Fetching, now: Now): void {
    this.#fetching.delete(space);
    const { journal } = this.#services.effects;
    journal.note({ kind: 'catch-up.finished', space, from: fetching.from, how: fetching.snapshot === null ? 'log' : 'snapshot' });
    for (const [author, records] of fetching.merged) {
      // Not what the peer writes now: written elsewhere, or in a term that has ended.
      if (author !== fetching.author) journal.note({ kind: 'tail.merged', space, author, records });
    }
    // More than the credit may be missing: go on at once.
    const report = this.#peers.get(fetching.from)?.spaces.get(space);
    const progressed = fetching.merged.size > 0 || fetching.snapshot !== null;
    if (progressed && report !== undefined) this.fetchMissing(fetching.from, space, report.before ?? report.known, now);
  }

  snapshot(peer: Peer, message: Extract<PeerMessage, { kind: 'snapshot' }>, now: Now): void {
    const { space } = message;
    const fetching = this.#activeFor(peer, space, message.number);
    if (fetching === null || (fetching.snapshot?.cursor ?? 0) !== message.cursor || fetching.snapshot?.complete === true) return;
    const holes = decodeVersionVector(message.holes);
    if (holes === null) return;
    if (fetching.snapshot === null) {
      fetching.snapshot = { cursor: 0, complete: false, horizon: message.horizon, holes: new VersionVector() };
      this.#services.effects.journal.note({ kind: 'catch-up.started', space, from: peer.id, how: 'snapshot' });
    }
    fetching.lastProgressMs = now.monotonicMs;
    // Without room for all of it the chunk is asked for again.
    if (this.#take(peer, { space, author: null, records: message.records }, fetching, now)) {
      fetching.snapshot.holes.unionWith(holes);
      fetching.snapshot.cursor = message.next;
      fetching.snapshot.complete = message.next === 0;
    }
    this.#maybeFinished(space, fetching, now);
  }

  /** All that came is synced: the next chunk, or the end. */
  #continueSnapshot(space: SpaceKey, fetching: Fetching, snapshot: SnapshotProgress, now: Now): void {
    if (!snapshot.complete) return this.#ask(space, fetching, snapshot.cursor);
    // Only now: every record that the horizon stands for is on this disk.
    this.#services.store.space(space).adoptHorizon(snapshot.horizon, snapshot.holes);
    this.#services.store.writeCheckpoint();
    this.#finish(space, fetching, now);
  }
}
