/**
 * Catch-up: finds out what this copy lacks and fetches it, from the retained log of a peer or, below that peer's horizon, as a snapshot that is merged.
 * The one way in which gaps close, whatever made them: lost messages, a partition, a crash, a hole in the log.
 *
 * One fetch per space at a time, under credit; a fetch without progress is given up and begun again, possibly elsewhere. Works the same in both
 * directions after a heal: each side fetches what the other has.
 */
import { decodeVersionVector, VersionVector } from '../clock/version-vector.js';
import type { Now } from '../events.js';
import { type Author, authorNode, type NodeId, type SpaceKey } from '../identifiers.js';
import type { NodeServices } from '../node-services.js';
import type { FetchName, PeerMessage } from '../wire/peer-message.js';
import type { Peer } from './peer.js';
import type { Peers } from './peers.js';
import type { Received, RecordShipper } from './record-shipper.js';

/** How far a snapshot has come. */
interface SnapshotProgress {
  /** Where it goes on. */
  cursor: number;
  /** The cursor last asked for. */
  asked: number;
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
  /** The log had no room for all of a chunk: it is asked for again at the next round. */
  refused: boolean;
  /** Run messages that came, and how many there are to be; null before the end was told. */
  runs: number;
  runsExpected: number | null;
  /** It has brought something new. */
  progressed: boolean;
  /** New records by author. */
  readonly merged: Map<Author, number>;
}

interface Wanted {
  /** What the source is known to hold. */
  readonly known: VersionVector;
  /** Also what its author pushes to this copy and may only be late with. */
  readonly evenPushed: boolean;
}

export class CatchUp {
  readonly #services: NodeServices;
  readonly #peers: Peers;
  readonly #shipper: RecordShipper;
  readonly #fetching = new Map<SpaceKey, Fetching>();
  /** The last source that let a fetch time out, or gave nothing of what it reports, and when. */
  readonly #gaveUp = new Map<SpaceKey, { readonly from: NodeId; readonly atMs: number; readonly gaveNothing: boolean }>();
  #lastNumber = 0;

  constructor(services: NodeServices, peers: Peers, shipper: RecordShipper) {
    this.#services = services;
    this.#peers = peers;
    this.#shipper = shipper;
  }

  /** Looks at what the peer has said of every space, and fetches what has been missing since its report before. */
  consider(peer: Peer, now: Now): void {
    for (const [space, report] of peer.spaces) {
      const known = this.#peers.reports.before(peer, report);
      if (known !== null && this.#services.takesPart(space)) this.#fetchMissing(peer.id, space, { known, evenPushed: false }, now);
    }
  }

  /** Fetches all that `known` has and this copy lacks, for who claims a term: what a reachable author would push waits for that author's disk, a claim does not. */
  pull(from: NodeId, space: SpaceKey, known: VersionVector, now: Now): void {
    this.#fetchMissing(from, space, { known, evenPushed: true }, now);
  }

  /** Fetches what is wanted and this copy lacks, unless a fetch is under way or nothing is missing. */
  #fetchMissing(from: NodeId, space: SpaceKey, wanted: Wanted, now: Now): void {
    const active = this.#fetching.get(space);
    if (active !== undefined) {
      if (now.monotonicMs - active.lastProgressMs < this.#services.configuration.replication.fetchTimeoutMs) return;
      this.#gaveUp.set(space, { from: active.from, atMs: now.monotonicMs, gaveNothing: false });
      this.#end(space);
    }
    if (!this.#services.store.log.writable || !this.#mayAnswer(from, space, now) || !this.#lacks(space, from, wanted, now)) return;
    this.#lastNumber += 1;
    const fetching: Fetching = {
      number: this.#lastNumber,
      from,
      author: this.#peers.get(from)?.author ?? null,
      snapshot: null,
      lastProgressMs: now.monotonicMs,
      unsynced: 0,
      refused: false,
      runs: 0,
      runsExpected: null,
      progressed: false,
      merged: new Map(),
    };
    this.#fetching.set(space, fetching);
    // From the first question on: what is lost after it was asked is in no answer.
    this.#services.store.space(space).lossesWatched = new VersionVector();
    this.#ask(space, fetching, 0);
    this.#services.effects.journal.note({ kind: 'catch-up.started', space, from, how: 'log' });
  }

  /**
   * A peer that does not answer round trips cannot answer a fetch either: one that is deaf still sends, and would be asked for ever. One that has just
   * let a fetch time out, or gave nothing of what it reports, gives way to the others for a while, since all ask and report at fixed intervals. When there is
   * no other it is asked again; but who gave nothing would say the same at once.
   */
  #mayAnswer(from: NodeId, space: SpaceKey, now: Now): boolean {
    if (!this.#peers.isReachable(from, now)) return false;
    const failed = this.#gaveUp.get(space);
    const { fetchTimeoutMs } = this.#services.configuration.replication;
    if (failed === undefined || failed.from !== from || now.monotonicMs - failed.atMs > 2 * fetchTimeoutMs) return true;
    if (failed.gaveNothing && now.monotonicMs - failed.atMs < fetchTimeoutMs) return false;
    return !this.#services.audience(space).some((copy) => copy !== from && this.#peers.isReachable(copy, now));
  }

  /** What was asked for of spaces that this node is not a copy of any more is not waited for. */
  rowsChanged(): void {
    for (const space of [...this.#fetching.keys()]) if (!this.#services.takesPart(space)) this.#end(space);
  }

  #end(space: SpaceKey): void {
    this.#fetching.delete(space);
    const held = this.#services.store.spaceIfHeld(space);
    if (held !== undefined) held.lossesWatched = null;
  }

  /** Whether something is missing here that this source should be asked for. */
  #lacks(space: SpaceKey, from: NodeId, { known, evenPushed }: Wanted, now: Now): boolean {
    const { coverage, inFlight } = this.#services.store.space(space);
    if (coverage.includesAll(known)) return false;
    return coverage
      .missingFrom(known)
      .some(
        (range) =>
          (evenPushed || !this.#isPushing(range.author, from, space, now)) &&
          inFlight.of(range.author)?.includesRange(range.from, range.to) !== true,
      );
  }

  /**
   * Records of a boot that goes on and can be reached are pushed by it, in order, with its own pings behind them: whatever another copy has of them already
   * is on its way, and fetching it there too would double the traffic just when there is the most of it.
   */
  #isPushing(author: Author, from: NodeId, space: SpaceKey, now: Now): boolean {
    const node = authorNode(author);
    if (node === from || this.#peers.get(node)?.author !== author || !this.#peers.isReachable(node, now)) return false;
    return this.#services.audience(space).includes(node) && this.#mayAnswer(node, space, now);
  }

  #ask(space: SpaceKey, fetching: Fetching, cursor: number): void {
    const credit = this.#services.configuration.replication.fetchCreditBytes;
    const coverage = this.#peers.encodedCoverage(space);
    this.#peers.send(fetching.from, { kind: 'fetch', number: fetching.number, space, credit, cursor, coverage });
  }

  #activeFor(peer: Peer, space: SpaceKey, answers: FetchName | null): Fetching | null {
    const fetching = this.#fetching.get(space);
    if (fetching === undefined || answers === null || answers.asker !== this.#services.store.author) return null;
    return fetching.number === answers.number && fetching.author === peer.author ? fetching : null;
  }

  /** Records that answer a fetch, or were pushed. Those of a fetch given up are taken in all the same: records are records. */
  received(peer: Peer, run: Extract<PeerMessage, { kind: 'run' }>, now: Now): void {
    const fetching = this.#activeFor(peer, run.space, run.answers);
    if (fetching !== null) fetching.runs += 1;
    this.#take(peer, { space: run.space, author: run.author, records: run.records }, fetching, now);
    if (fetching !== null) this.#maybeFinished(run.space, fetching, now);
  }

  #take(
    peer: Peer,
    run: { readonly space: SpaceKey; readonly author: Author | null; readonly records: Uint8Array },
    fetching: Fetching | null,
    now: Now,
  ): Received {
    const received = this.#shipper.receive({ from: peer.id, ...run }, fetching === null ? null : countingDown(fetching), now);
    const { appended, refilled } = received;
    if (fetching !== null && appended > 0) {
      fetching.unsynced += appended;
      fetching.progressed = true;
      // Only what is new is progress: an answer that brings nothing must not keep a fetch alive.
      fetching.lastProgressMs = now.monotonicMs;
      // What this disk had held before is no tail of anybody's.
      const others = appended - refilled;
      if (run.author !== null && others > 0) fetching.merged.set(run.author, (fetching.merged.get(run.author) ?? 0) + others);
    }
    return received;
  }

  fetched(peer: Peer, message: Extract<PeerMessage, { kind: 'fetched' }>, now: Now): void {
    const { space } = message;
    const fetching = this.#activeFor(peer, space, message.answers);
    if (fetching === null) return;
    // Nothing below the horizon is missing any more: there is no snapshot to go on with.
    fetching.snapshot = null;
    fetching.refused = false;
    fetching.runsExpected = message.runs;
    this.#maybeFinished(space, fetching, now);
  }

  /** Records have been synced: a snapshot may be complete, or its next chunk be asked for. */
  recordsDurable(now: Now): void {
    for (const [space, fetching] of [...this.#fetching]) this.#maybeFinished(space, fetching, now);
  }

  /** Asks again for chunks that the log had no room for. Called at each round of pings. */
  retryRefused(): void {
    for (const [space, fetching] of this.#fetching) {
      if (!fetching.refused || fetching.unsynced > 0) continue;
      fetching.refused = false;
      this.#ask(space, fetching, fetching.snapshot?.cursor ?? 0);
    }
  }

  #maybeFinished(space: SpaceKey, fetching: Fetching, now: Now): void {
    if (this.#fetching.get(space) !== fetching || fetching.unsynced > 0 || fetching.refused) return;
    if (fetching.snapshot !== null) return this.#continueSnapshot(space, fetching, fetching.snapshot, now);
    if (fetching.runsExpected === null || fetching.runs < fetching.runsExpected) return;
    this.#finish(space, fetching, 'log', now);
  }

  #finish(space: SpaceKey, fetching: Fetching, how: 'log' | 'snapshot', now: Now): void {
    this.#end(space);
    const { journal } = this.#services.effects;
    journal.note({ kind: 'catch-up.finished', space, from: fetching.from, how });
    for (const [author, records] of fetching.merged) {
      // Not what the peer writes now: written elsewhere, or in a term that has ended.
      if (author !== fetching.author) journal.note({ kind: 'tail.merged', space, author, records });
    }
    const peer = this.#peers.get(fetching.from);
    const report = peer?.spaces.get(space);
    if (peer === undefined || report === undefined) return;
    const known = this.#peers.reports.before(peer, report) ?? report.reported;
    // More than the credit may be missing: go on at once.
    if (fetching.progressed) return this.#fetchMissing(fetching.from, space, { known, evenPushed: false }, now);
    // It does not give what it reports.
    if (this.#lacks(space, fetching.from, { known, evenPushed: true }, now))
      this.#gaveUp.set(space, { from: fetching.from, atMs: now.monotonicMs, gaveNothing: true });
  }

  snapshot(peer: Peer, message: Extract<PeerMessage, { kind: 'snapshot' }>, now: Now): void {
    const { space } = message;
    const fetching = this.#activeFor(peer, space, message.answers);
    if (fetching === null || fetching.refused) return;
    if ((fetching.snapshot?.cursor ?? 0) !== message.cursor || fetching.snapshot?.complete === true) return;
    const holes = decodeVersionVector(message.holes);
    if (holes === null) return;
    if (fetching.snapshot === null) {
      fetching.snapshot = { cursor: 0, asked: 0, complete: false, horizon: message.horizon, holes: new VersionVector() };
      this.#services.effects.journal.note({ kind: 'catch-up.started', space, from: peer.id, how: 'snapshot' });
    }
    const { refused, broken } = this.#take(peer, { space, author: null, records: message.records }, fetching, now);
    // What was left out of a broken chunk is not here: nothing may be adopted on the strength of it.
    if (broken) return this.#end(space);
    fetching.refused = refused;
    if (!refused) {
      fetching.lastProgressMs = now.monotonicMs;
      fetching.snapshot.holes.unionWith(holes);
      fetching.snapshot.cursor = message.next;
      fetching.snapshot.complete = message.next === 0;
    }
    this.#maybeFinished(space, fetching, now);
  }

  /** All that came is synced: the next chunk, or the end. */
  #continueSnapshot(space: SpaceKey, fetching: Fetching, snapshot: SnapshotProgress, now: Now): void {
    if (!snapshot.complete) {
      // One question at a time: the answer moves the cursor on.
      if (snapshot.asked === snapshot.cursor) return;
      snapshot.asked = snapshot.cursor;
      return this.#ask(space, fetching, snapshot.cursor);
    }
    const store = this.#services.store.space(space);
    // Whatever else is on its way to the disk below the horizon, by a push or a fetch given up, must be there first.
    for (const [author, end] of snapshot.horizon) if (store.inFlight.of(author)?.intersects(1, end)) return;
    // Only now: every record that the horizon stands for is on this disk, but for the sender's holes and what was lost here since it was asked.
    if (store.lossesWatched !== null) snapshot.holes.unionWith(store.lossesWatched);
    if (store.adoptHorizon(snapshot.horizon, snapshot.holes) > 0) fetching.progressed = true;
    this.#services.store.writeCheckpoint();
    this.#finish(space, fetching, 'snapshot', now);
  }
}

/** For a record that a fetch brought: told when it is synced. */
function countingDown(fetching: Fetching): (now: Now) => void {
  return (now) => {
    fetching.unsynced -= 1;
    fetching.lastProgressMs = now.monotonicMs;
  };
}
