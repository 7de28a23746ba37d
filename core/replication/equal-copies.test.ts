/**
 * Whatever cuts, crashes and slow disks do on the way: once all is whole again, every copy comes to hold the same, and one of them takes writes.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cluster } from '../test-support/cluster.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { AckLevel } from '../wire/generated/engram/v1/service.js';

const equalCopies = suite('equal copies');
/** A few of any kind, and some in which power fails or disks are slow in the middle of a snapshot. */
const seeds = [1, 2, 3, 4, 16, 174, 235, 321, 323, 379, 380];
const steps = 160;

/** Small segments, chunks and messages: what is rare at full size happens in every run. */
const options = {
  storage: { segmentBytes: 4_096, retainGarbageBytesMax: 2_000, compactLiveShareMax: 0.7, groupBytesMax: 2_000 },
  replication: { fetchCreditBytes: 1_500, messageBytesMax: 4_000 },
};
const levels = [AckLevel.ACK_LOCAL, AckLevel.ACK_ONE, AckLevel.ACK_QUORUM, AckLevel.ACK_ALL];

class RandomRun {
  readonly cluster = new Cluster(3, options);
  readonly #below: (bound: number) => number;
  #written = 0;

  constructor(seed: number) {
    const stream = testPureFunctions(`equal copies ${seed}`).random('steps');
    this.#below = (bound) => Math.floor(stream.fraction() * bound);
    this.cluster.latencyMs = 1;
  }

  step(): void {
    const { hosts } = this.cluster;
    const below = this.#below;
    const host = hosts[below(hosts.length)];
    const what = below(100);
    if (what < 60) this.#write(host.index);
    else if (what < 66) this.cluster.cut(host, hosts[(host.index + 1 + below(2)) % 3]);
    else if (what < 71) this.cluster.heal();
    else if (what < 75 && host.up) host.crash();
    else if (what < 81 && !host.up) host.start();
    else if (what < 84 && host.up) host.holdSyncs = true;
    else if (host.up) host.release();
    this.cluster.pass(below(300));
  }

  #write(index: number): void {
    const host = this.cluster.hosts[index];
    if (!host.up) return;
    const below = this.#below;
    const id = `m${below(12)}`;
    if (below(8) === 0) return void host.forget(id, { ack: AckLevel.ACK_LOCAL });
    this.#written += 1;
    const text = `text ${this.#written} `.padEnd(20 + below(400), '.');
    host.remember({ id, text, confidence: below(10) / 10 }, { ack: levels[below(levels.length)], deadlineMs: 1_000 });
  }

  finish(): void {
    for (const host of this.cluster.hosts) {
      if (!host.up) host.start();
      host.release();
    }
    this.cluster.heal();
    this.cluster.pass(10_000);
  }
}

for (const seed of seeds) {
  equalCopies(`after ${steps} random steps, seed ${seed}`, () => {
    const run = new RandomRun(seed);
    for (let step = 0; step < steps; step += 1) run.step();
    const fetches = run.cluster.sent.get('fetch') ?? 0;
    run.finish();
    const [first, ...others] = run.cluster.hosts;
    assert.ok(first.versions().length > 0);
    for (const other of others) {
      assert.equal(other.versions(), first.versions());
      assert.is(other.coverage(), first.coverage());
      assert.is(other.digest(), first.digest());
    }
    assert.is(run.cluster.hosts.filter((host) => host.isPrimary).length, 1, 'one copy takes writes');
    assert.ok((run.cluster.sent.get('fetch') ?? 0) - fetches < 300, 'the copies come together in few rounds');
    assert.ok(run.cluster.hosts.every(({ halted }) => halted === null));
  });
}

equalCopies('a digest tells copies apart that do not hold the same', () => {
  const cluster = new Cluster(2);
  const [first, second] = cluster.hosts;
  first.remember({ id: 'a', text: 'everywhere' }, { ack: AckLevel.ACK_ALL });
  cluster.pass(1_000);
  const before = first.digest();
  assert.match(before ?? '', /^[0-9a-f]{16}$/);
  assert.is(second.digest(), before);
  cluster.cut(first, second);
  first.remember({ id: 'a', text: 'here alone' });
  assert.is.not(first.digest(), before);
  assert.is(second.digest(), before);
  cluster.heal();
  cluster.pass(3_000);
  assert.is(second.digest(), first.digest());
});

equalCopies.run();
