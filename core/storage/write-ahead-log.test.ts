/** The log by itself, over a disk whose operations end when the test says so. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultStorageOptions, type StorageOptions } from '../configuration.js';
import type { Effects, Ticket } from '../effects.js';
import type { DiskResult, Now } from '../events.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { DiskCalls } from './disk-calls.js';
import { type Room, WriteAheadLog } from './write-ahead-log.js';

const log = suite('write-ahead log');
const now: Now = { monotonicMs: 1_000, wallMs: 1_700_000_000_000 };
const segmentBytes = 1_024;
const done: DiskResult = { kind: 'done' };

interface Asked {
  readonly kind: 'reserve' | 'write' | 'sync';
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly ticket: Ticket;
}

/** A log and what it has asked of its disk, which nobody has answered yet. */
class LogOverSlowDisk {
  readonly asked: Asked[] = [];
  /** Of all writes so far: what they cover. */
  readonly written: Pick<Asked, 'file' | 'offset' | 'bytes'>[] = [];
  readonly halted: string[] = [];
  readonly #calls: DiskCalls;
  readonly #log: WriteAheadLog<number>;
  #records = 0;

  constructor(chosen: Partial<StorageOptions> = {}) {
    const effects = this.#effects();
    this.#calls = new DiskCalls(effects.disk);
    const owner = { groupSent() {}, groupSynced() {}, segmentSealed() {}, roomChanged() {} };
    const options = { ...defaultStorageOptions, segmentBytes, gatherPauseMsMax: 0, ...chosen };
    this.#log = new WriteAheadLog<number>(options, effects, this.#calls, testPureFunctions(), owner);
    this.#log.open([], 1);
  }

  room(bytes: number): Room {
    return this.#log.room(bytes);
  }

  append(bytes: number): void {
    assert.is(this.room(bytes), 'yes', `there is room for ${bytes} bytes`);
    this.#records += 1;
    this.#log.appendRecord(new Uint8Array(bytes).fill(this.#records), this.#records);
    this.#log.flush(now);
  }

  /** Ends what was asked for, the oldest first, as far as it is one of these. */
  end(which: (asked: Asked) => boolean = () => true): void {
    for (let at = this.asked.findIndex(which); at >= 0; at = this.asked.findIndex(which)) {
      const [ended] = this.asked.splice(at, 1);
      this.#calls.settle(ended.ticket, done, now);
      this.#log.flush(now);
    }
  }

  #effects(): Effects {
    const ask = (asked: Asked): void => {
      this.asked.push(asked);
      if (asked.kind === 'write') this.written.push(asked);
    };
    const disk: Partial<Effects['disk']> = {
      reserve: (file, bytes, ticket) => ask({ kind: 'reserve', file, offset: 0, bytes, ticket }),
      write: (file, offset, parts, ticket) =>
        ask({ kind: 'write', file, offset, bytes: parts.reduce((sum, part) => sum + part.length, 0), ticket }),
      sync: (file, ticket) => ask({ kind: 'sync', file, offset: 0, bytes: 0, ticket }),
    };
    return {
      disk,
      timers: { arm() {}, disarm() {} },
      journal: { note() {} },
      lifecycle: { halt: (reason: string) => this.halted.push(reason) },
    } as Partial<Effects> as Effects;
  }
}

log('a spare segment that was to grow, and came into use meanwhile, is used once', () => {
  const slow = new LogOverSlowDisk();
  slow.end();
  slow.append(700);
  slow.end();
  // More than the spare has: it is to grow, and its disk takes its time.
  assert.is(slow.room(2_000), 'wait');
  assert.equal(
    slow.asked.map(({ kind, file }) => [kind, file]),
    [['reserve', 'wal-00000002']],
  );
  // What fits into the spare as it is brings it into use.
  slow.append(600);
  slow.end(({ kind }) => kind !== 'reserve');
  assert.is(slow.written.at(-1)?.file, 'wal-00000002');
  slow.end();
  for (let record = 0; record < 8; record += 1) {
    slow.append(700);
    slow.end();
  }
  const places = slow.written.map(({ file, offset }) => `${file} ${offset}`);
  assert.equal([...new Set(places)], places, 'no place is written twice');
  for (const one of slow.written) {
    const over = slow.written.find(
      (other) =>
        other !== one && other.file === one.file && other.offset < one.offset + one.bytes && one.offset < other.offset + other.bytes,
    );
    assert.is(over, undefined, `the write at ${one.offset} of ${one.file} stays whole`);
  }
  assert.equal(slow.halted, []);
});

log('what has grown for a large record takes it', () => {
  const slow = new LogOverSlowDisk();
  slow.end();
  assert.is(slow.room(2_000), 'wait');
  slow.end();
  slow.append(2_000);
  slow.end();
  assert.is(slow.written.at(-1)?.file, 'wal-00000002');
  slow.append(700);
  slow.end();
  assert.equal(slow.asked, []);
});

log('the next segment is reserved in steps, ahead of need, and comes into use when it is whole', () => {
  const slow = new LogOverSlowDisk({ reserveStepBytes: 256 });
  const reservations = (): number[] => slow.asked.filter(({ kind }) => kind === 'reserve').map(({ bytes }) => bytes);
  assert.equal(reservations(), [segmentBytes], 'the first at once: nothing is written before it is there');
  slow.end();
  const steps: number[] = [];
  for (let record = 0; record < 4; record += 1) {
    slow.append(100);
    while (slow.asked.length > 0) {
      steps.push(...reservations());
      slow.end((asked) => asked === slow.asked[0]);
    }
  }
  assert.equal([...new Set(steps)], [512, 768, 1_024]);
  slow.append(600);
  assert.is(slow.written.at(-1)?.file, 'wal-00000002', 'whole when the first was not yet full');
});

log('what comes while the next segment is still short waits for the rest of it at once', () => {
  const slow = new LogOverSlowDisk({ reserveStepBytes: 256 });
  slow.end(({ bytes }) => bytes === segmentBytes);
  slow.append(900);
  assert.is(slow.room(500), 'wait');
  slow.end(({ bytes }) => bytes === 256);
  assert.is(slow.room(500), 'wait');
  slow.end();
  slow.append(500);
  assert.is(slow.written.at(-1)?.file, 'wal-00000002');
});

log.run();
