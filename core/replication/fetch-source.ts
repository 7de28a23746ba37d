/**
 * The serving side of catch-up: answers one fetch at a time per peer and space, from the retained log, or from the index when the asker lacks
 * something below the horizon. Sends no more than the credit it was given.
 */
import { decodeVersionVector, encodeVersionVector, type VersionVector } from '../clock/version-vector.js';
import type { Author, NodeId } from '../identifiers.js';
import { doubtfulBelow } from '../memory/doubt.js';
import type { SpaceStore } from '../memory/space-store.js';
import type { NodeServices } from '../node-services.js';
import { versionFlags } from '../storage/record-index.js';
import { ByteWriter } from '../wire/bytes.js';
import type { FetchName, PeerMessage } from '../wire/peer-message.js';
import type { Peer } from './peer.js';
import type { Peers } from './peers.js';
import { type ReadRecord, readBack, type Wanted } from './read-back.js';

/** A fetch and who asked: the boot that did, not the one that may be there when the answer is ready. */
type Asked = Extract<PeerMessage, { kind: 'fetch' }> & { readonly answers: FetchName };

export class FetchSource {
  readonly #services: NodeServices;
  readonly #peers: Peers;
  /** The fetch last asked for by each peer in each space: an older one is given up. */
  readonly #active = new Map<string, number>();

  constructor(services: NodeServices, peers: Peers) {
    this.#services = services;
    this.#peers = peers;
  }

  serve(peer: Peer, from: Author, message: Extract<PeerMessage, { kind: 'fetch' }>): void {
    const asked: Asked = { answers: { asker: from, number: message.number }, ...message };
    const space = this.#services.store.spaceIfHeld(asked.space);
    const theirs = decodeVersionVector(asked.coverage);
    const mayGive = this.#services.takesPart(asked.space) || this.#services.isOutside(asked.space);
    if (space === undefined || theirs === null || !mayGive) return;
    this.#active.set(`${peer.id} ${asked.space}`, asked.number);
    // What it doubts itself it has not: what is asked for on account of that cannot be answered.
    const missing = theirs.missingFrom(space.vouched());
    const belowHorizon = missing.some(({ author, from }) => from <= (space.horizon.get(author) ?? 0));
    if (belowHorizon || asked.cursor > 0) return this.#snapshot(peer, space, asked, theirs);
    const wanted: Wanted[] = [];
    let bytes = 0;
    for (const { author, from, to } of missing) {
      const positions = space.positionsOf(author);
      for (let sequence = from; sequence <= to && bytes < asked.credit; sequence += 1) {
        const place = positions.get(sequence);
        if (place === null) {
          space.uncover(author, sequence);
          continue;
        }
        wanted.push({ author, sequence, place });
        bytes += place.length;
      }
    }
    this.#read(space, wanted, null, (records) => this.#sendRuns(peer.id, asked, records));
  }

  #isActive(peer: NodeId, asked: Asked): boolean {
    return this.#active.get(`${peer} ${asked.space}`) === asked.number;
  }

  /** Reads records back; a damaged one becomes a hole here and is left out of the answer, by name if that is asked for. */
  #read(space: SpaceStore, wanted: readonly Wanted[], leftOut: VersionVector | null, then: (records: readonly ReadRecord[]) => void): void {
    readBack(this.#services.store, this.#services.pure, space.key, wanted, (records) => {
      for (const [at, record] of records.entries()) {
        if (record !== null) continue;
        const { author, sequence } = wanted[at];
        leftOut?.add({ author, from: sequence, to: sequence });
        this.#damaged(space, author, sequence);
      }
      then(records.filter((record) => record !== null));
    });
  }

  #damaged(space: SpaceStore, author: Author, sequence: number): void {
    for (let version = 0; version < space.index.versionRows; version += 1) {
      if (space.index.columns.sequence[version] !== sequence || space.index.has(version, versionFlags.free)) continue;
      if (space.index.authorOf(version) === author) return space.markDamaged(version);
    }
    space.uncover(author, sequence);
  }

  #sendRuns(to: NodeId, asked: Asked, records: readonly ReadRecord[]): void {
    const { answers } = asked;
    if (!this.#isActive(to, asked)) return;
    const { messageBytesMax } = this.#services.configuration.replication;
    let runs = 0;
    let run: { author: Author; writer: ByteWriter } | null = null;
    const send = (): void => {
      if (run === null) return;
      this.#peers.send(to, { kind: 'run', space: asked.space, author: run.author, answers, records: run.writer.finish() });
      runs += 1;
      run = null;
    };
    for (const record of records) {
      if (run !== null && (run.author !== record.author || run.writer.length + record.bytes.length > messageBytesMax)) send();
      run ??= { author: record.author, writer: new ByteWriter(record.bytes.length) };
      run.writer.raw(record.bytes);
    }
    send();
    this.#peers.send(to, { kind: 'fetched', answers, space: asked.space, runs });
  }

  /**
   * One chunk of the retained versions, by memory row. Rows are never given back, so a walk from 1 to the end meets every memory that existed when it
   * began: its retained versions at that moment, or whatever has come to include them since.
   */
  #snapshot(peer: Peer, space: SpaceStore, asked: Asked, theirs: VersionVector): void {
    const { index } = space;
    const wanted: Wanted[] = [];
    let bytes = 0;
    // A hole of this moment is a hole of this chunk, though it may be refilled before the answer goes out.
    const leftOut = space.holesBelow(space.horizon);
    let memory = asked.cursor;
    for (; memory < index.memoryCount && bytes < asked.credit; memory += 1) {
      for (let version = index.headOf(memory); version >= 0; version = index.next[version]) {
        if (index.has(version, versionFlags.pending)) continue;
        const author = index.authorOf(version);
        const sequence = index.columns.sequence[version];
        if (index.has(version, versionFlags.damaged)) {
          leftOut.add({ author, from: sequence, to: sequence });
          continue;
        }
        if (theirs.has({ author, sequence })) continue;
        wanted.push({ author, sequence, place: index.place(version) });
        bytes += index.columns.length[version];
      }
    }
    const next = memory < index.memoryCount ? memory : 0;
    const horizon = new Map(space.horizon);
    this.#read(space, wanted, leftOut, (records) => {
      if (!this.#isActive(peer.id, asked)) return;
      const writer = new ByteWriter(bytes + 64);
      for (const record of records) writer.raw(record.bytes);
      // After the reads: what turned out to be damaged is a hole by now.
      leftOut.unionWith(space.holesBelow(horizon));
      if (space.damagedVersions > 0) leftOut.unionWith(doubtfulBelow(space, horizon));
      const holes = encodeVersionVector(leftOut);
      const { cursor, answers } = asked;
      this.#peers.send(peer.id, {
        kind: 'snapshot',
        answers,
        space: asked.space,
        cursor,
        next,
        horizon,
        holes,
        records: writer.finish(),
      });
    });
  }
}
