/**
 * What became of writes that reach the primary from another term, and how far copies are behind.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cluster } from '../test-support/cluster.js';
import type { Host } from '../test-support/host.js';

const ledger = suite('receipts and lag');

function receiptsOf(host: Host): string[] {
  const { receipts } = host.node.receipts({ name: 'default', after: 0, limit: 1_000 });
  return receipts.map(({ id, fate }) => `${id}: ${fate}`).sort();
}

function noted(host: Host, kind: string): number {
  return host.events.filter((event) => event.kind === kind).length;
}

/** The first writes alone, the others get another primary, which writes as well; then they meet. */
function divergence(): { readonly cluster: Cluster; readonly first: Host; readonly second: Host } {
  const cluster = new Cluster(3);
  const [first, second] = cluster.hosts;
  for (const id of ['deleted', 'shared', 'updated']) first.remember({ id, text: 'as it was' });
  cluster.pass(1_000);
  cluster.isolate(first);
  first.remember({ id: 'alone', text: 'stranded' });
  first.remember({ id: 'shared', text: 'stranded, and sure', confidence: 1 });
  first.remember({ id: 'weak', text: 'stranded, and not sure', confidence: 0.1 });
  first.remember({ id: 'deleted', text: 'stranded, and beaten' });
  first.forget('updated');
  cluster.passUntil(() => second.isPrimary);
  second.remember({ id: 'shared', text: 'of the other side', confidence: 0.5 });
  second.remember({ id: 'weak', text: 'of the other side', confidence: 0.9 });
  second.forget('deleted');
  cluster.pass(500);
  return { cluster, first, second };
}

ledger('each write of a stranded tail gets a receipt from the primary that it is merged by', () => {
  const { cluster, first, second } = divergence();
  cluster.heal();
  cluster.passUntil(() => second.text('alone') === 'stranded');
  cluster.pass(1_000);
  assert.equal(receiptsOf(second), ['alone: readable', 'deleted: deleted', 'shared: readable', 'updated: delete', 'weak: alternate']);
  assert.ok(noted(second, 'replication.superseded') > 0);
  // The other side of the same divergence: what the old primary took in while it still held its term.
  for (const line of receiptsOf(first)) assert.ok(/^(shared|weak|deleted): /.test(line), line);
});

ledger('receipts come in pages', () => {
  const { cluster, second } = divergence();
  cluster.heal();
  cluster.passUntil(() => receiptsOf(second).length === 5);
  const page = second.node.receipts({ name: 'default', after: 0, limit: 3 });
  assert.is(page.receipts.length, 3);
  const rest = second.node.receipts({ name: 'default', after: page.next ?? 0, limit: 3 });
  assert.is(rest.receipts.length, 2);
  assert.is(rest.next, null);
  assert.is(second.node.receipts({ name: null, after: 0, limit: 10 }).receipts.length, 5);
});

ledger('receipts are there after a crash, and those that follow are numbered on', () => {
  const { cluster, first, second } = divergence();
  cluster.heal();
  cluster.passUntil(() => receiptsOf(second).length === 5);
  // The next round of pings has the checkpoint written.
  cluster.pass(1_000);
  const before = second.node.receipts({ name: null, after: 0, limit: 10 });
  second.crash();
  second.start();
  assert.equal(second.node.receipts({ name: null, after: 0, limit: 10 }), before);
  // The crash of the primary leaves another one, whose tail is stranded in turn.
  cluster.passUntil(() => first.isPrimary);
  cluster.pass(3_000);
  cluster.isolate(first);
  first.remember({ id: 'once more', text: 'stranded' });
  cluster.passUntil(() => second.isPrimary);
  second.remember({ id: 'beside', text: 'x' });
  cluster.heal();
  cluster.passUntil(() => receiptsOf(second).includes('once more: readable'));
  const last = second.node.receipts({ name: null, after: 5, limit: 10 }).receipts;
  assert.equal(
    last.map(({ number, id }) => `${number} ${id}`),
    ['6 once more'],
  );
});

ledger('what copies were sent in the ordinary way gets no receipt', () => {
  const cluster = new Cluster(3);
  const [first, second, third] = cluster.hosts;
  for (let n = 0; n < 20; n += 1) first.remember({ id: `m${n}`, text: 'x' });
  third.kill();
  cluster.pass(500);
  first.remember({ id: 'later', text: 'x' });
  third.start();
  cluster.passUntil(() => third.text('later') === 'x');
  for (const host of [first, second, third]) assert.equal(receiptsOf(host), []);
});

ledger('a silent copy is told of after a second, called degraded after five, and cleared once it has everything', () => {
  const cluster = new Cluster(3);
  const [first, , third] = cluster.hosts;
  first.remember({ id: 'a', text: 'x' });
  cluster.pass(2_000);
  assert.equal(first.node.inspectReplication().lags, []);
  cluster.isolate(third);
  first.remember({ id: 'b', text: 'x' });
  first.remember({ id: 'c', text: 'x' });
  cluster.pass(2_000);
  assert.is(noted(first, 'replication.lag-alert'), 1);
  assert.is(noted(first, 'replication.degraded'), 0);
  const [lag] = first.node.inspectReplication().lags;
  assert.is(lag.copy, third.id);
  assert.is(lag.records, 2);
  assert.ok(lag.ms > 1_000 && lag.ms <= 2_000, `${lag.ms}`);
  cluster.pass(5_000);
  assert.is(noted(first, 'replication.degraded'), 1);
  cluster.heal();
  cluster.passUntil(() => noted(first, 'replication.lag-cleared') === 1);
  assert.equal(first.node.inspectReplication().lags, []);
});

ledger('a copy that keeps up under load is never told of', () => {
  const cluster = new Cluster(3);
  cluster.latencyMs = 20;
  const [first] = cluster.hosts;
  for (let n = 0; n < 300; n += 1) {
    first.remember({ id: `m${n}`, text: 'x' });
    cluster.pass(20);
  }
  assert.is(noted(first, 'replication.lag-alert'), 0);
});

ledger.run();
