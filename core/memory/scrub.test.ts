/**
 * Rot that nobody reads is found, made a hole, and refilled from a peer; a walk is slow, takes its turn, and touches nothing that is whole.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DomainEvent } from '../domain-events.js';
import { Cluster } from '../test-support/cluster.js';
import type { Host } from '../test-support/host.js';

const scrubbing = suite('scrub');
const often = { scrubEveryMs: 1_000, scrubBytesPerSecond: 16 * 1_024 };

function all<Kind extends DomainEvent['kind']>(host: Host, kind: Kind): Extract<DomainEvent, { kind: Kind }>[] {
  return host.events.filter((event): event is Extract<DomainEvent, { kind: Kind }> => event.kind === kind);
}

scrubbing('rot that nobody reads is found and refilled from a peer', () => {
  const cluster = new Cluster(3, { storage: often });
  const [first, , third] = cluster.hosts;
  for (let n = 0; n < 50; n += 1) first.remember({ id: `m${n}`, text: `text ${n} `.padEnd(200, 'x') });
  cluster.pass(100);
  assert.ok(third.rot('text 17 '));
  cluster.passUntil(() => all(third, 'hole.refilled').length > 0);
  assert.is(all(third, 'scrub.rot-found').length, 1);
  assert.is(third.text('m17'), 'text 17 '.padEnd(200, 'x'));
  cluster.passUntil(() => all(third, 'scrub.pass-finished').some(({ damaged }) => damaged === 1));
  cluster.pass(5_000);
  assert.is(all(third, 'scrub.rot-found').length, 1);
  assert.is(all(third, 'scrub.pass-finished').at(-1)?.records, 50);
});

scrubbing('a walk keeps to its rate, and writes go on beside it', () => {
  const cluster = new Cluster(1, { storage: often });
  const [only] = cluster.hosts;
  for (let n = 0; n < 600; n += 1) only.remember({ id: `m${n}`, text: 'y'.repeat(200) });
  cluster.passUntil(() => all(only, 'scrub.pass-finished').length > 0);
  while (all(only, 'scrub.pass-finished').at(-1)?.records !== 600) cluster.pass(100);
  const { bytes, tookMs, damaged } = all(only, 'scrub.pass-finished').at(-1) as Extract<DomainEvent, { kind: 'scrub.pass-finished' }>;
  assert.ok(bytes / (tookMs / 1_000) <= often.scrubBytesPerSecond, `${bytes} bytes in ${tookMs} ms`);
  assert.is(damaged, 0);
  assert.is(only.outcome(only.remember({ id: 'more', text: 'x' })), 'written');
});

scrubbing('what moves, is superseded or forgotten while it is read is not taken for damaged', () => {
  const cluster = new Cluster(2, { storage: { ...often, segmentBytes: 4_096, retainGarbageBytesMax: 0, compactLiveShareMax: 0.6 } });
  const [first, second] = cluster.hosts;
  for (let round = 0; round < 40; round += 1) {
    cluster.rewrite(first, 10);
    first.remember({ id: `m${round}`, text: 'z'.repeat(100) });
    if (round > 3) first.forget(`m${round - 3}`);
    cluster.pass(200);
  }
  for (const host of [first, second]) {
    assert.ok(all(host, 'scrub.pass-finished').length > 0);
    assert.is(all(host, 'scrub.rot-found').length, 0);
  }
});

scrubbing.run();
