/**
 * Recovery: what a start learns from the disk, which is all that it knows. Reads identity, boot, checkpoints and every segment; cuts the torn tail;
 * reports damage below the watermark as damage, never truncating it; then writes down the new boot and where each old segment ends, and only
 * after both are durable is the node allowed to give dots.
 *
 * Two passes over segments that no checkpoint describes: the first learns from the groups' own watermarks what had been synced, the second reads.
 */
import { VersionVector } from '../clock/version-vector.js';
import { controlSpace, lostControlDot } from '../control/control-records.js';
import type { Effects } from '../effects.js';
import type { DiskFile, Now } from '../events.js';
import { authorBoot, authorNode, type Boot, type NodeId, type SpaceKey } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { RecordView } from '../wire/record.js';
import { type Checkpoint, type CheckpointSegment, checkpointFiles, checkpointFormatVersion, decodeCheckpoint } from './checkpoint.js';
import type { DiskCalls } from './disk-calls.js';
import { noteDot, noteRange, unite } from './dots-by-space.js';
import { bootFile, decodeBoot, decodeIdentity, encodeBoot, encodeIdentity, identityFile } from './node-files.js';
import type { Recovered, RecoveryOwner } from './recovered.js';
import { newSegment, type Segment, segmentNumber } from './segment.js';
import { type SegmentScan, scanSegment } from './segment-scan.js';
import { UnsyncedTail } from './unsynced-tails.js';
import { readWhole } from './whole-file.js';

export const recoveryRetryTimer = 'recovery.retry';

/** Of a node that could not begin one. */
const noBoot: Boot = { counter: 0, random: '0'.repeat(16) };

type Judged = Pick<Recovered, 'holes' | 'absentDoubtful'>;

interface Unread {
  readonly number: number;
  readonly file: DiskFile;
}

export class Recovery {
  readonly #effects: Effects;
  readonly #disk: DiskCalls;
  readonly #pure: PureFunctions;
  readonly #owner: RecoveryOwner;
  readonly #candidate: NodeId;
  readonly #retryMs: number;
  readonly #keepsControlLog: boolean;
  readonly #view: RecordView;

  #nodeId: NodeId | null = null;
  #lastBootCounter = 0;
  readonly #checkpoints: Checkpoint[] = [];
  readonly #unread: Unread[] = [];
  /** Per segment the greatest offset that some watermark or checkpoint calls durable. */
  readonly #trustedEnds = new Map<number, number>();
  readonly #segments: Segment[] = [];
  /** Records of whole groups that nobody knows to have been synced: they were read, perhaps from a cache that power loss would take. */
  readonly #unsynced = new UnsyncedTail();
  readonly #found = new Map<SpaceKey, VersionVector>();
  #damagedRanges = 0;
  /** Something may be lost of which no checkpoint says what it was. */
  #isLossUnknown = false;
  #records = 0;
  #retry: ((now: Now) => void) | null = null;

  constructor(
    options: { readonly candidate: NodeId; readonly retryMs: number; readonly keepsControlLog: boolean },
    effects: Effects,
    disk: DiskCalls,
    pure: PureFunctions,
    owner: RecoveryOwner,
  ) {
    this.#candidate = options.candidate;
    this.#retryMs = options.retryMs;
    this.#keepsControlLog = options.keepsControlLog;
    this.#effects = effects;
    this.#disk = disk;
    this.#pure = pure;
    this.#owner = owner;
    this.#view = new RecordView(pure);
  }

  start(): void {
    this.#disk.list((result, now) => {
      if (result.kind !== 'listed')
        return this.#stop('DATA_DIRECTORY_UNUSABLE', `the data directory cannot be listed: ${messageOf(result)}`);
      const files = new Map(result.files.map((file) => [file.name, file]));
      for (const file of result.files) {
        const number = segmentNumber(file.name);
        if (number !== null) this.#unread.push({ number, file });
      }
      this.#unread.sort((left, right) => left.number - right.number);
      this.#readIdentity(files, now);
    });
  }

  timer(now: Now): void {
    const retry = this.#retry;
    this.#retry = null;
    retry?.(now);
  }

  #stop(code: string, message: string): void {
    const reason = `${code}: ${message}`;
    this.#effects.journal.note({ kind: 'node.halted', reason });
    this.#effects.lifecycle.halt(reason);
  }

  #readSmall(files: ReadonlyMap<string, DiskFile>, name: string, then: (bytes: Uint8Array | null) => void): void {
    const file = files.get(name);
    if (file === undefined) return then(null);
    this.#disk.read(name, { offset: 0, length: file.bytes }, (result) => then(result.kind === 'read' ? result.bytes : new Uint8Array(0)));
  }

  #readIdentity(files: ReadonlyMap<string, DiskFile>, _now: Now): void {
    this.#readSmall(files, identityFile, (bytes) => {
      // An unreadable identity makes a new node: its old dots stay valid, it only never gives another under the old name.
      if (bytes !== null) this.#nodeId = decodeIdentity(bytes, this.#pure);
      this.#readSmall(files, bootFile, (boot) => {
        if (boot !== null) this.#lastBootCounter = decodeBoot(boot, this.#pure)?.counter ?? 0;
        this.#readCheckpoint(files, 0);
      });
    });
  }

  #readCheckpoint(files: ReadonlyMap<string, DiskFile>, index: number): void {
    if (index === checkpointFiles.length) {
      this.#checkpoints.sort((left, right) => right.number - left.number);
      for (const segment of this.#checkpoints[0]?.segments ?? []) this.#trustedEnds.set(segment.number, segment.endBytes);
      this.#owner.horizonsRead(this.#checkpoints[0]?.horizons ?? new Map());
      return this.#learnWatermarks(0);
    }
    const name = checkpointFiles[index];
    this.#readSmall(files, name, (bytes) => {
      if (bytes !== null) {
        const reading = decodeCheckpoint(bytes, this.#pure);
        if (reading.kind === 'newer') {
          const message = `${name} has format ${reading.version}, this program reads up to ${checkpointFormatVersion}`;
          return this.#stop('UNSUPPORTED_FORMAT', message);
        }
        if (reading.kind === 'whole') this.#checkpoints.push(reading.checkpoint);
        else {
          this.#effects.journal.note({ kind: 'checkpoint.unreadable', file: name, reason: reading.reason });
        }
      }
      this.#readCheckpoint(files, index + 1);
    });
  }

  #listed(number: number): CheckpointSegment | undefined {
    return this.#checkpoints[0]?.segments.find((segment) => segment.number === number);
  }

  /** First pass. */
  #learnWatermarks(index: number): void {
    if (index === this.#unread.length) return this.#readSegment(0);
    const { number, file } = this.#unread[index];
    if (this.#listed(number)?.sealed === true) return this.#learnWatermarks(index + 1);
    readWhole(this.#disk, file, (bytes) => {
      let newer: number | null = null;
      // Everything is trusted here, so that the walk goes past damage and meets every watermark behind it.
      const scan = scanSegment({ number, bytes, trustedEnd: bytes.length }, this.#view, this.#pure, {
        group: ({ watermark }) => {
          const known = this.#trustedEnds.get(watermark.segment) ?? 0;
          if (watermark.offset > known) this.#trustedEnds.set(watermark.segment, watermark.offset);
        },
      });
      newer = scan.newerVersion;
      if (newer !== null) return this.#stop('UNSUPPORTED_FORMAT', `${file.name} has groups of format ${newer}, written by a later version`);
      this.#learnWatermarks(index + 1);
    });
  }

  /** Second pass. */
  #readSegment(index: number): void {
    if (index === this.#unread.length) return this.#judge();
    const { number, file } = this.#unread[index];
    readWhole(this.#disk, file, (bytes) => {
      const listed = this.#listed(number);
      // A sealed segment ends where its checkpoint says: what stands behind was cut by an earlier recovery.
      const known = listed?.sealed === true ? bytes.subarray(0, listed.endBytes) : bytes;
      const segment = newSegment(number, file.bytes);
      segment.sealed = true;
      const trustedEnd = Math.min(this.#trustedEnds.get(number) ?? 0, known.length);
      const scan = scanSegment({ number, bytes: known, trustedEnd }, this.#view, this.#pure, {
        record: (view, offset) => {
          segment.recordBytes += view.length;
          this.#met(view);
          if (this.#isDropped(view.space, number, offset)) return;
          if (offset < trustedEnd) return this.#record(view, segment, offset);
          this.#unsynced.add(view, segment, offset);
          noteDot(this.#found, view.space, { author: view.author, sequence: view.sequence });
        },
      });
      if (listed !== undefined) for (const [space, dots] of listed.dots) unite(segment.dots, space, dots);
      if (listed !== undefined && bytes.length < listed.endBytes) {
        segment.damaged = true;
        this.#damagedRanges += 1;
      }
      segment.endBytes = Math.max(Math.min(scan.endBytes, trustedEnd), listed?.endBytes ?? 0);
      if (scan.endBytes > trustedEnd) this.#unsynced.ends.set(segment, scan.endBytes);
      this.#noteScan(segment, scan);
      if (scan.damage.some(({ offset, bytes: lost }) => offset + lost > (listed?.endBytes ?? 0))) this.#isLossUnknown = true;
      this.#segments.push(segment);
      this.#readSegment(index + 1);
    });
  }

  /** Any intact record, also of a space handed over: no boot that gave a dot comes again. */
  #met(view: RecordView): void {
    this.#records += 1;
    if (this.#nodeId === null || authorNode(view.author) !== this.#nodeId) return;
    this.#lastBootCounter = Math.max(this.#lastBootCounter, authorBoot(view.author).counter);
  }

  #record(view: RecordView, segment: Segment, offset: number): void {
    const dot = { author: view.author, sequence: view.sequence };
    noteDot(segment.dots, view.space, dot);
    noteDot(this.#found, view.space, dot);
    this.#owner.recovered(view, segment, offset);
  }

  /** Handed over before: other nodes keep it. */
  #isDropped(space: SpaceKey, segment: number, offset: number): boolean {
    const before = this.#checkpoints[0]?.dropped.get(space);
    return before !== undefined && (segment < before.segment || (segment === before.segment && offset < before.offset));
  }

  #noteScan(segment: Segment, scan: SegmentScan): void {
    for (const range of scan.damage) {
      segment.damaged = true;
      this.#damagedRanges += 1;
      this.#effects.journal.note({ kind: 'log.damage-found', segment: segment.number, offset: range.offset, bytes: range.bytes });
    }
    if (scan.tornBytes > 0) {
      this.#effects.journal.note({ kind: 'log.tail-cut', segment: segment.number, offset: scan.endBytes, bytes: scan.tornBytes });
    }
  }

  /** What the damage took with it. */
  #judge(): void {
    const checkpoint = this.#checkpoints[0];
    const holes = new Map<SpaceKey, VersionVector>();
    const missingFiles = (checkpoint?.segments ?? []).filter(
      (listed) => !this.#segments.some((segment) => segment.number === listed.number),
    );
    for (const lost of missingFiles) this.#damagedRanges += lost.endBytes > 0 ? 1 : 0;
    const lostDots = [
      ...this.#segments.filter((segment) => segment.damaged).map((segment) => segment.dots),
      ...missingFiles.map((file) => file.dots),
    ];
    for (const dots of lostDots) this.#noteMissing(dots, holes);
    if (this.#keepsControlLog && this.#isLossUnknown) noteRange(holes, controlSpace, lostControlDot);
    for (const [space, vector] of holes) {
      for (const author of vector.authors()) {
        for (const [from, to] of vector.of(author)?.ranges() ?? [])
          this.#effects.journal.note({ kind: 'hole.found', space, author, from, to });
      }
    }
    if (checkpoint !== undefined) this.#noteMissing(checkpoint.holes, holes);
    // Also a dominated record counts as lost when what took its place may be: only a peer can say.
    this.#makeTailDurable({ holes, absentDoubtful: this.#damagedRanges > 0 });
  }

  /** Enters into `holes` what of these dots was not found. */
  #noteMissing(dots: Iterable<readonly [SpaceKey, VersionVector]>, holes: Map<SpaceKey, VersionVector>): void {
    for (const [space, vector] of dots) {
      const found = this.#found.get(space) ?? new VersionVector();
      for (const hole of found.missingFrom(vector)) noteRange(holes, space, hole);
    }
  }

  /**
   * The records that may not be durable are recovered from the segment that they are written into now: nothing serves them before, and nothing is served
   * without them, which may have been acknowledged.
   */
  #makeTailDurable(judged: Judged): void {
    const { records } = this.#unsynced;
    if (records.length === 0) return this.#writeIdentity(judged);
    const number = this.#nextSegment;
    const { bytes, offsets } = this.#unsynced.asSegment(number, this.#pure);
    const segment = newSegment(number, bytes.length);
    const attempt = (): void => {
      this.#disk.replace(segment.file, bytes, (result) => {
        if (result.kind === 'failed') {
          if (result.code !== 'ENOSPC')
            return this.#stop('DATA_DIRECTORY_UNUSABLE', `${segment.file} cannot be written: ${result.message}`);
          // A full disk still has what was reserved and never used.
          const unused = this.#segments.findIndex(isUnused);
          if (unused < 0) return this.#syncTails([...this.#unsynced.ends], judged);
          const [{ file }] = this.#segments.splice(unused, 1);
          return this.#disk.remove(file, attempt);
        }
        segment.endBytes = bytes.length;
        segment.sealed = true;
        this.#segments.push(segment);
        for (const offset of offsets) {
          this.#view.moveTo(bytes, offset, bytes.length);
          segment.recordBytes += this.#view.length;
          this.#record(this.#view, segment, offset);
        }
        this.#writeIdentity(judged);
      });
    };
    attempt();
  }

  /** Where there is no room for them elsewhere: one segment after the other, and then their records are recovered from where they stand. */
  #syncTails(tails: [Segment, number][], judged: Judged): void {
    const tail = tails.pop();
    if (tail !== undefined) {
      const [segment, endBytes] = tail;
      this.#disk.sync(segment.file, (result) => {
        if (result.kind === 'failed')
          return this.#stop('DATA_DIRECTORY_UNUSABLE', `${segment.file} cannot be made durable: ${result.message}`);
        segment.endBytes = endBytes;
        this.#syncTails(tails, judged);
      });
      return;
    }
    const { records, places } = this.#unsynced;
    for (const [at, { segment, offset }] of places.entries()) {
      this.#view.moveTo(records[at], 0, records[at].length);
      this.#record(this.#view, segment, offset);
    }
    this.#writeIdentity(judged);
  }

  /** Behind every segment that there is. */
  get #nextSegment(): number {
    return Math.max(this.#unread.at(-1)?.number ?? 0, this.#segments.at(-1)?.number ?? 0) + 1;
  }

  #writeIdentity(judged: Judged): void {
    if (this.#nodeId !== null) return this.#writeBoot(this.#nodeId, judged);
    const nodeId = this.#candidate;
    const attempt = (): void => {
      this.#disk.replace(identityFile, encodeIdentity(nodeId, this.#pure), (result, now) => {
        if (result.kind === 'failed')
          return this.#again(identityFile, result, { attempt, readable: this.#outcome(nodeId, noBoot, judged) }, now);
        this.#nodeId = nodeId;
        this.#effects.journal.note({ kind: 'node.identity-made', node: nodeId });
        this.#writeBoot(nodeId, judged);
      });
    };
    attempt();
  }

  #writeBoot(nodeId: NodeId, judged: Judged): void {
    const stream = this.#pure.random('boot');
    const random = (stream.uint32().toString(16).padStart(8, '0') + stream.uint32().toString(16).padStart(8, '0')) as string;
    const boot: Boot = { counter: this.#lastBootCounter + 1, random };
    const attempt = (): void => {
      this.#disk.replace(bootFile, encodeBoot(boot, this.#pure), (result, now) => {
        if (result.kind === 'failed')
          return this.#again(bootFile, result, { attempt, readable: this.#outcome(nodeId, noBoot, judged) }, now);
        this.#owner.finished(this.#outcome(nodeId, boot, judged), now);
      });
    };
    attempt();
  }

  #outcome(nodeId: NodeId, boot: Boot, judged: Judged): Recovered {
    return {
      nodeId,
      boot,
      segments: this.#segments,
      nextSegment: this.#nextSegment,
      checkpointNumber: this.#checkpoints[0]?.number ?? 0,
      horizons: this.#checkpoints[0]?.horizons ?? new Map(),
      dropped: this.#checkpoints[0]?.dropped ?? new Map(),
      settled: this.#checkpoints[0]?.settled ?? new Map(),
      ledger: this.#checkpoints[0]?.ledger ?? new Uint8Array(0),
      ...judged,
      damagedRanges: this.#damagedRanges,
      records: this.#records,
    };
  }

  #again(
    file: string,
    failed: { readonly code: string; readonly message: string },
    next: { readonly attempt: () => void; readonly readable: Recovered },
    now: Now,
  ): void {
    if (failed.code !== 'ENOSPC') return this.#stop('DATA_DIRECTORY_UNUSABLE', `${file} cannot be written: ${failed.message}`);
    this.#effects.journal.note({ kind: 'storage.full', file });
    this.#owner.blocked(file, next.readable, now);
    this.#retry = next.attempt;
    this.#effects.timers.arm(recoveryRetryTimer, now.monotonicMs + this.#retryMs);
  }
}

function messageOf(result: { readonly kind: string; readonly message?: string }): string {
  return result.message ?? result.kind;
}

function isUnused(segment: Segment): boolean {
  return segment.endBytes === 0 && segment.recordBytes === 0 && !segment.damaged;
}
