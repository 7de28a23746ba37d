import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { quantile } from './experiment.js';
import { LoneCluster } from './lone-cluster.js';

const clusters = suite('membership alone');
const longMs = 60_000;

/** Five nodes that know each other. */
function formed(seed: number): LoneCluster {
  const cluster = new LoneCluster({ seed, nodes: 5 });
  cluster.form(longMs);
  return cluster;
}

clusters('five nodes find each other, the same way each time', () => {
  const [one, again, other] = [formed(1), formed(1), formed(2)];
  assert.ok(one.agreed);
  assert.is(one.nowMs, again.nowMs);
  assert.equal(
    one.hosts.map(({ traffic }) => traffic),
    again.hosts.map(({ traffic }) => traffic),
  );
  assert.is.not(one.nowMs, other.nowMs);
});

clusters('who has crashed is seen to be dead by all, and by nobody else', () => {
  const cluster = formed(3);
  cluster.crash(2);
  const isSeen = (): boolean => cluster.hosts.every(({ index, alive }) => cluster.views.says(index, 2, 'dead') === alive);
  assert.ok(cluster.run(cluster.nowMs + longMs, isSeen));
  assert.ok(cluster.agreed);
});

clusters('two sides take each other for dead, and find each other again', () => {
  const cluster = formed(4);
  const [left, right] = [
    [0, 1],
    [2, 3, 4],
  ];
  cluster.part(left, right);
  cluster.run(cluster.nowMs + longMs);
  assert.ok(left.every((one) => right.every((other) => cluster.views.says(one, other, 'dead') && cluster.views.says(other, one, 'dead'))));
  cluster.mend(left, right);
  assert.ok(cluster.run(cluster.nowMs + longMs, () => cluster.agreed));
});

clusters('a process that stands still says nothing until it goes on', () => {
  const cluster = formed(5);
  const [host] = cluster.hosts;
  cluster.run(cluster.nowMs + 5_000);
  host.pause(1_000_000);
  const before = host.traffic.packets;
  cluster.run(cluster.nowMs + 990);
  assert.is(host.traffic.packets, before);
  cluster.run(cluster.nowMs + 5_000);
  assert.ok(host.traffic.packets > before && cluster.agreed);
});

clusters('an experiment that cannot begin says so', () => {
  const cluster = new LoneCluster({ seed: 6, nodes: 5, links: { loss: 1 } });
  assert.throws(() => cluster.form(5_000), /5 nodes do not agree after 5000 ms/);
});

clusters('quantiles are values that were measured', () => {
  assert.is(quantile([5, 1, 3], 0.5), 3);
  assert.is(quantile([5, 1, 3], 1), 5);
  assert.is(quantile([5, 1, 3], 0.01), 1);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

clusters.run();
