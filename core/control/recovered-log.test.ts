/** What a disk's records of the control log add up to, whatever of the superfluous ones is still there and wherever compaction has moved the rest. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { VersionVector } from '../clock/version-vector.js';
import { type Author, authorOf, type NodeId, nodeId } from '../identifiers.js';
import { lostControlDot, snapshotParts } from './control-records.js';
import type { Entry, Snapshot } from './raft/vocabulary.js';
import { losesWhatCounts, recoverLog, type WrittenRecord } from './recovered-log.js';

const recovering = suite('what is recovered of a control log');
const self: NodeId = nodeId('ab'.repeat(16));

/** A voter's disk: it writes as a voter does, and knows what its log is. */
class Disk {
  readonly written: WrittenRecord[] = [];
  entries: Entry[] = [];
  snapshot: Snapshot | null = null;
  ballot = { term: 0, vote: null as NodeId | null };
  committed = 0;
  votesFrom = 0;
  #boot = 1;
  #sequence = 0;

  get #start(): number {
    return this.snapshot?.index ?? 0;
  }

  restart(): void {
    this.#boot += 1;
    this.#sequence = 0;
  }

  #write(record: WrittenRecord['record']): void {
    this.#sequence += 1;
    const author = authorOf(self, { counter: this.#boot, random: '00'.repeat(8) });
    this.written.push({ author, sequence: this.#sequence, record });
  }

  beginAnew(term: number): void {
    this.#write({ kind: 'begun-anew', term, votesFrom: term + 1, parts: 0 });
    this.ballot = { term, vote: self };
    this.votesFrom = term + 1;
    this.snapshot = null;
    this.entries = [];
    this.committed = 0;
  }

  /** With a snapshot of so many parts, and the record that makes it count; or without that, as a crash leaves it. */
  beginWith(term: number, sizeKib: number, isWhole: boolean): void {
    const index = 1_000 * term;
    const state = new Uint8Array(sizeKib * 1_024).fill(term);
    const snapshot: Snapshot = { index, term, configuration: { voters: [self], learners: [] }, state };
    const parts = snapshotParts(snapshot, { isBeginning: true });
    for (const part of parts) this.#write(part);
    if (!isWhole) return this.restart();
    this.#write({ kind: 'begun-anew', term, votesFrom: index, parts: parts.length });
    this.ballot = { term, vote: self };
    this.votesFrom = index;
    this.snapshot = snapshot;
    this.entries = [];
    this.committed = index;
  }

  vote(term: number): void {
    this.ballot = { term, vote: self };
    this.#write({ kind: 'ballot', ballot: this.ballot });
  }

  /** Entries of that term take the place of all from `back` before the end on. */
  append(back: number, count: number, term: number): void {
    const kept = this.entries.slice(0, Math.max(0, this.committed - this.#start, this.entries.length - back));
    for (let at = 0; at < count; at += 1) {
      const before = kept.at(-1)?.term ?? this.snapshot?.term ?? 0;
      const entry: Entry = { index: this.#start + kept.length + 1, term, kind: 'begin' };
      this.#write({ kind: 'entry', previousTerm: before, entry });
      kept.push(entry);
    }
    if (count > 0) this.entries = kept;
  }

  /** It is noted that a share of the entries is committed. */
  commit(share: number): void {
    const last = this.entries[Math.floor(share * this.entries.length) - 1];
    if (last === undefined || last.index <= this.committed) return;
    this.committed = last.index;
    this.#write({ kind: 'committed', upTo: { index: last.index, term: last.term } });
  }

  /** `sizeKib` of state up to `share` of the log. */
  compact(share: number, sizeKib: number): void {
    const covered = Math.floor(share * this.entries.length);
    const last = this.entries[covered - 1];
    if (last === undefined) return;
    const state = new Uint8Array(sizeKib * 1_024).fill(last.index);
    this.snapshot = { index: last.index, term: last.term, configuration: { voters: [self], learners: [] }, state };
    for (const part of snapshotParts(this.snapshot)) this.#write(part);
    this.entries = this.entries.slice(covered);
    this.committed = Math.max(this.committed, last.index);
  }
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('restart' as const) }),
  fc.record({ kind: fc.constant('vote' as const) }),
  fc.record({ kind: fc.constant('anew' as const) }),
  fc.record({ kind: fc.constant('begin' as const), sizeKib: fc.constantFrom(0, 1, 130), isWhole: fc.boolean() }),
  fc.record({ kind: fc.constant('append' as const), back: fc.nat(4), count: fc.nat(4), newTerm: fc.boolean() }),
  fc.record({ kind: fc.constant('commit' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({
    kind: fc.constant('compact' as const),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    sizeKib: fc.constantFrom(0, 1, 130),
  }),
);

function carryOut(steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]): Disk {
  const disk = new Disk();
  let term = 1;
  for (const each of steps) {
    if (each.kind === 'restart') disk.restart();
    else if (each.kind === 'vote') disk.vote(term);
    else if (each.kind === 'commit') disk.commit(each.share);
    else if (each.kind === 'anew') disk.beginAnew(term);
    else if (each.kind === 'begin') {
      term += 1;
      disk.beginWith(term, each.sizeKib, each.isWhole);
    } else if (each.kind === 'compact') disk.compact(each.share, each.sizeKib);
    else {
      // Entries are replaced by a leader of a later term alone.
      if (each.newTerm || each.back > 0) term += 1;
      disk.append(each.back, each.count, term);
    }
  }
  return disk;
}

recovering('law: what was written is what is recovered, with any of the superfluous records gone and all in another order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.infiniteStream(fc.boolean()), fc.infiniteStream(fc.nat()), (steps, keeps, order) => {
      const disk = carryOut(steps);
      const { recovered, needed } = recoverLog(disk.written);
      const { ballot, snapshot, entries, committed, votesFrom } = disk;
      assert.equal(recovered, { ballot, snapshot, entries, committed, votesFrom });
      const left = disk.written.filter((record) => needed.includes(record) || keeps.next().value);
      const moved = left.map((record) => ({ record, at: order.next().value as number })).sort((one, other) => one.at - other.at);
      assert.equal(recoverLog(moved.map(({ record }) => record)).recovered, recovered);
    }),
    { numRuns: 300 },
  );
});

recovering('law: a first part of what was written is what the log was then', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(), (steps, drawn) => {
      const whole = carryOut(steps);
      const { recovered } = recoverLog(whole.written.slice(0, drawn % (whole.written.length + 1)));
      const at = recovered.entries.map(({ index }) => index);
      const start = recovered.snapshot?.index ?? 0;
      assert.equal(
        at,
        at.map((_, behind) => start + 1 + behind),
      );
    }),
  );
});

recovering('a snapshot of which a part is missing is none', () => {
  const disk = new Disk();
  disk.append(0, 3, 1);
  disk.compact(1, 130);
  assert.is(recoverLog(disk.written).recovered.snapshot?.state.length, 130 * 1_024);
  const torn = recoverLog(disk.written.slice(0, -1));
  assert.is(torn.recovered.snapshot, null);
  assert.is(torn.recovered.entries.length, 3);
});

recovering('an entry that had been replaced does not come back when its successor is gone', () => {
  const disk = new Disk();
  disk.append(0, 3, 1);
  disk.append(2, 1, 2);
  disk.compact(1, 0);
  const { recovered } = recoverLog(disk.written.filter(({ record }) => record.kind !== 'entry' || record.entry.term === 1));
  assert.equal([recovered.snapshot?.index, recovered.entries], [2, []]);
});

recovering('what was noted as committed counts as long as that entry stands there', () => {
  const disk = new Disk();
  disk.append(0, 3, 1);
  disk.commit(0.7);
  assert.is(recoverLog(disk.written).recovered.committed, 2);
  const without = recoverLog(disk.written.filter(({ record }) => record.kind !== 'entry' || record.entry.index < 2));
  assert.is(without.recovered.committed, 0);
  disk.compact(1, 0);
  const { recovered, needed } = recoverLog(disk.written);
  assert.is(recovered.committed, 3);
  assert.not.ok(needed.some(({ record }) => record.kind === 'committed'));
});

recovering('what was lost before a voter began anew is no loss, and what is lost since is', () => {
  const authorIn = (counter: number): Author => authorOf(self, { counter, random: '00'.repeat(8) });
  const lostIn = (counter: number, to: number): VersionVector => {
    const lost = new VersionVector();
    lost.add({ author: authorIn(counter), from: 1, to });
    return lost;
  };
  const countsFrom = { author: authorIn(3), sequence: 6 };
  assert.ok(losesWhatCounts(lostIn(1, 1), null));
  assert.equal(
    [lostIn(2, 99), lostIn(3, 4), lostIn(3, 6), lostIn(4, 1)].map((lost) => losesWhatCounts(lost, countsFrom)),
    [false, false, true, true],
  );
  const unknown = new VersionVector();
  unknown.add(lostControlDot);
  assert.ok(losesWhatCounts(unknown, countsFrom), 'nobody knows what it was');
});

recovering.run();
