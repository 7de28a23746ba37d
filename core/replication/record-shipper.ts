/**
 * Ships what this node writes: each group goes to every copy together with the local append, as runs of records of one space. Shipping promises
 * nothing; what is lost on the way, or skipped because the window of unacknowledged bytes is used up, the copy fetches (catch-up.ts).
 *
 * Also the receiving side of any run: check every record, append the bytes unchanged, acknowledge cumulatively once they are synced.
 */
import type { Now } from '../events.js';
import type { Author, Dot, NodeId, SpaceKey } from '../identifiers.js';
import type { Appended } from '../memory/appended.js';
import type { SpaceStore } from '../memory/space-store.js';
import type { NodeServices } from '../node-services.js';
import { groupHeaderBytes } from '../storage/group.js';
import type { Group } from '../storage/write-ahead-log.js';
import type { PeerMessage } from '../wire/peer-message.js';
import { RecordView, recordLengthAt } from '../wire/record.js';
import type { Peer } from './peer.js';
import type { Peers } from './peers.js';
import type { Receipts } from './receipts.js';
import type { Terms } from './terms.js';

interface Window {
  /** Pushed and not yet acknowledged, oldest first. */
  readonly pushed: { readonly space: SpaceKey; readonly end: number; readonly bytes: number }[];
  bytes: number;
  lastProgressMs: number;
}

/** Own records of one space from one group, up to sequence `end`, as a message. */
interface OwnRun {
  readonly end: number;
  readonly recordBytes: number;
  readonly message: Uint8Array;
}

/** A run that is being put together: begin and end of each stretch of the group's bytes that belongs to it. */
interface OpenRun {
  readonly stretches: number[];
  bytes: number;
  end: number;
}

/** What a run brought. */
export interface Received {
  /** Records appended; 0 when all were known. */
  readonly appended: number;
  /** How many of these had been on this disk before, and were damaged. */
  readonly refilled: number;
  /** The log had no room for some: they are to be fetched later. */
  readonly refused: boolean;
  /** A record was not what it claimed to be, or of a kind unknown here: it and what follows were left out. */
  readonly broken: boolean;
}

export class RecordShipper {
  readonly #services: NodeServices;
  readonly #peers: Peers;
  readonly #view: RecordView;
  readonly #receipts: Receipts;
  readonly #besides: Terms['besides'];
  readonly #windows = new Map<NodeId, Window>();
  /** Records that did not stand together in their group, on their way into a message. At most one message long. */
  #gathered = new Uint8Array(0);
  /** Authors whose records were synced since the last acknowledgement, and who is to be told. */
  readonly #acknowledgementsDue = new Map<NodeId, Map<SpaceKey, Set<Author>>>();

  constructor(services: NodeServices, peers: Peers, ledger: { readonly receipts: Receipts; readonly besides: Terms['besides'] }) {
    this.#services = services;
    this.#peers = peers;
    this.#receipts = ledger.receipts;
    this.#besides = ledger.besides;
    this.#view = new RecordView(services.pure);
  }

  /** A group of records is on its way to the disk: its own records go to the copies at the same time. */
  groupSent(group: Group<Appended>, now: Now): void {
    const runs = this.#ownRuns(group);
    for (const [space, run] of runs) {
      for (const copy of this.#services.audience(space)) {
        if (this.#peers.isHeard(copy, now) || this.#peers.isReachable(copy, now)) this.#push(copy, space, run, now);
      }
    }
  }

  /** Own records of a group by space, in messages of bounded size. */
  #ownRuns(group: Group<Appended>): Map<SpaceKey, OwnRun[]> {
    const { messageBytesMax } = this.#services.configuration.replication;
    const open = new Map<SpaceKey, OpenRun>();
    const runs = new Map<SpaceKey, OwnRun[]>();
    let at = groupHeaderBytes;
    for (const { kind, space: written, dot } of group.attachments) {
      const length = recordLengthAt(group.bytes, at);
      if (kind === 'own' && written !== null && this.#services.audience(written.key).length > 0) {
        const space = written.key;
        let run = open.get(space);
        if (run !== undefined && run.bytes + length > messageBytesMax) {
          this.#close(runs, space, group.bytes, run);
          run = undefined;
        }
        if (run === undefined) {
          run = { stretches: [], bytes: 0, end: 0 };
          open.set(space, run);
        }
        extend(run, at, length);
        run.end = dot.sequence;
      }
      at += length;
    }
    for (const [space, run] of open) this.#close(runs, space, group.bytes, run);
    return runs;
  }

  #close(runs: Map<SpaceKey, OwnRun[]>, space: SpaceKey, group: Uint8Array, run: OpenRun): void {
    const records = this.#together(group, run);
    // Encoded once, whoever it goes to.
    const message = this.#peers.encode({ kind: 'run', space, author: this.#services.store.author, answers: null, records });
    const closed: OwnRun = { end: run.end, recordBytes: run.bytes, message };
    const list = runs.get(space);
    if (list === undefined) runs.set(space, [closed]);
    else list.push(closed);
  }

  /** The records of a run one behind another: where they stand when nothing lies between them, else in memory that the next call uses again. */
  #together(group: Uint8Array, { stretches, bytes }: OpenRun): Uint8Array {
    if (stretches.length === 2) return group.subarray(stretches[0], stretches[1]);
    if (this.#gathered.length < bytes) this.#gathered = new Uint8Array(bytes);
    let end = 0;
    for (let at = 0; at < stretches.length; at += 2) {
      this.#gathered.set(group.subarray(stretches[at], stretches[at + 1]), end);
      end += stretches[at + 1] - stretches[at];
    }
    return this.#gathered.subarray(0, bytes);
  }

  #push(to: NodeId, space: SpaceKey, runs: readonly OwnRun[], now: Now): void {
    const window = this.#window(to, now);
    const { pushWindowBytes, fetchTimeoutMs } = this.#services.configuration.replication;
    if (window.bytes >= pushWindowBytes && now.monotonicMs - window.lastProgressMs > fetchTimeoutMs) {
      // What was pushed is lost; the copy will ask for it.
      window.pushed.length = 0;
      window.bytes = 0;
    }
    for (const { end, recordBytes, message } of runs) {
      if (window.bytes >= pushWindowBytes) return;
      if (window.bytes === 0) window.lastProgressMs = now.monotonicMs;
      window.pushed.push({ space, end, bytes: recordBytes });
      window.bytes += recordBytes;
      this.#peers.sendEncoded(to, message);
    }
  }

  #window(to: NodeId, now: Now): Window {
    let window = this.#windows.get(to);
    if (window === undefined) {
      window = { pushed: [], bytes: 0, lastProgressMs: now.monotonicMs };
      this.#windows.set(to, window);
    }
    return window;
  }

  acknowledged(peer: Peer, message: Extract<PeerMessage, { kind: 'acknowledge' }>, now: Now): void {
    const window = this.#windows.get(peer.id);
    if (window === undefined || message.author !== this.#services.store.author) return;
    if (window.pushed.length === 0) return;
    const left = window.pushed.filter((run) => run.space !== message.space || run.end > message.end);
    if (left.length === window.pushed.length) return;
    window.pushed.splice(0, window.pushed.length, ...left);
    window.bytes = left.reduce((sum, run) => sum + run.bytes, 0);
    window.lastProgressMs = now.monotonicMs;
  }

  /**
   * Takes in records from a peer. Each is checked on its own; the first that is not what it claims to be ends the run. `durable` is called for each
   * one appended, once it is synced.
   */
  receive(
    run: { readonly from: NodeId; readonly space: SpaceKey; readonly author: Author | null; readonly records: Uint8Array },
    durable: ((now: Now) => void) | null,
    now: Now,
  ): Received {
    const { records, space } = run;
    const { store, effects } = this.#services;
    const held = store.space(space);
    const view = this.#view;
    const synced = this.#onceSynced(run.from, space, durable);
    const besides = this.#besides(space);
    let [appended, refilled] = [0, 0];
    let at = 0;
    while (at < records.length) {
      const whole = view.moveTo(records, at, records.length) && view.intact();
      if (!whole || view.space !== space || (run.author !== null && view.author !== run.author) || view.sequence < 1) {
        effects.journal.note({
          kind: 'frame.rejected',
          reason: whole ? 'a record of another run' : 'a damaged record',
          bytes: records.length - at,
        });
        return { appended, refilled, refused: false, broken: true };
      }
      const { author, sequence, length } = view;
      const dot: Dot = { author, sequence };
      at += length;
      if (run.author !== null && author.startsWith(run.from)) this.#noteGap(held, dot);
      if (held.settled.has(dot)) held.unsettle({ author, from: sequence, to: sequence });
      if (held.coverage.has(dot) || held.inFlight.has(dot)) {
        this.#due(run.from, space, author);
        continue;
      }
      if (store.room(length) !== 'yes') return { appended, refilled, refused: true, broken: false };
      if (held.holes.has(dot)) refilled += 1;
      const beside = besides === null || held.holes.has(dot) ? null : besides(dot);
      if (beside !== null) this.#receipts.arrived(held, view, beside);
      store.appendArrival(records.subarray(at - length, at), held, dot, synced);
      this.#observe(now);
      appended += 1;
    }
    return { appended, refilled, refused: false, broken: false };
  }

  #onceSynced(from: NodeId, space: SpaceKey, durable: ((now: Now) => void) | null): (dot: Dot, now: Now) => void {
    return ({ author }, now) => {
      this.#due(from, space, author);
      durable?.(now);
    };
  }

  #noteGap({ key, coverage, inFlight }: SpaceStore, { author, sequence }: Dot): void {
    const expected = Math.max(coverage.max(author), inFlight.max(author)) + 1;
    if (sequence <= expected) return;
    this.#services.effects.journal.note({ kind: 'replication.gap-seen', space: key, author, expected, got: sequence });
  }

  #observe(now: Now): void {
    const { clock, effects } = this.#services;
    const aheadMs = clock.observe({ ms: this.#view.timeMs, logical: this.#view.timeLogical }, now.wallMs);
    if (aheadMs > 0) effects.journal.note({ kind: 'clock.foreign-bounded', aheadMs });
  }

  #due(to: NodeId, space: SpaceKey, author: Author): void {
    let spaces = this.#acknowledgementsDue.get(to);
    if (spaces === undefined) {
      spaces = new Map();
      this.#acknowledgementsDue.set(to, spaces);
    }
    const authors = spaces.get(space);
    if (authors === undefined) spaces.set(space, new Set([author]));
    else authors.add(author);
  }

  /** Tells every sender how far its records are synced here: one message for all of a group. */
  sendAcknowledgements(): void {
    if (this.#acknowledgementsDue.size === 0) return;
    for (const [to, spaces] of this.#acknowledgementsDue) {
      for (const [space, authors] of spaces) {
        const { coverage } = this.#services.store.space(space);
        for (const author of authors) {
          // Only the author's own node counts acknowledgements.
          if (!author.startsWith(to)) continue;
          const end = coverage.prefix(author);
          if (end > 0) this.#peers.send(to, { kind: 'acknowledge', space, author, end });
        }
      }
    }
    this.#acknowledgementsDue.clear();
  }
}

function extend(run: OpenRun, at: number, length: number): void {
  const { stretches } = run;
  if (stretches.length > 0 && stretches[stretches.length - 1] === at) stretches[stretches.length - 1] = at + length;
  else stretches.push(at, at + length);
  run.bytes += length;
}
