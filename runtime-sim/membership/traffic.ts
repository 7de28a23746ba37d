/**
 * Traffic: what a node of a cluster at rest sends, in bytes and packets per second, without the headers of the network. Watched for as long as it takes until every
 * node has exchanged its table once, which is the longer the larger the cluster, and for a minute at least.
 */
import { lanMembership } from '../../core/membership/options.js';
import { type Experiment, type Measured, valuesOf } from './experiment.js';
import { LoneCluster } from './lone-cluster.js';

const formationMsMax = 600_000;
const restMs = 20_000;
const measuredMsMin = 60_000;
/** Up to so many members tables are exchanged every pushPullIntervalMs, beyond in proportion more rarely. */
const membersWithoutScaling = 32;

export const traffic: Experiment = {
  name: 'traffic',
  cases: [
    { nodes: 5, seeds: 20 },
    { nodes: 20, seeds: 20 },
    { nodes: 100, seeds: 10 },
    { nodes: 500, seeds: 1 },
    { nodes: 1_000, seeds: 1 },
  ].map(({ nodes, seeds }) => ({ label: `${nodes} nodes`, seeds, goal: null, measure: (seed) => measure(seed, nodes) })),
  columns: [
    mean('packets/s', 'packetsPerS', 1),
    mean('bytes/s in packets', 'packetBytesPerS', 0),
    mean('bytes/s in exchanges', 'exchangeBytesPerS', 0),
    mean('bytes/s of the busiest node', 'busiestBytesPerS', 0),
  ],
};

function mean(title: string, field: string, decimals: number): Experiment['columns'][number] {
  return {
    title,
    cell: (samples) => (valuesOf(samples, field).reduce((sum, value) => sum + value, 0) / samples.length).toFixed(decimals),
  };
}

function measure(seed: number, nodes: number): Measured {
  const cluster = new LoneCluster({ seed: `traffic/${seed}`, nodes });
  cluster.form(formationMsMax);
  cluster.run(cluster.nowMs + restMs);
  const before = cluster.hosts.map(({ traffic }) => ({ ...traffic }));
  const measuredMs = Math.max(measuredMsMin, (lanMembership.pushPullIntervalMs * nodes) / membersWithoutScaling);
  cluster.run(cluster.nowMs + measuredMs);
  const perS = (count: number): number => count / (measuredMs / 1_000);
  const sent = cluster.hosts.map(({ traffic }, index) => ({
    packets: perS(traffic.packets - before[index].packets),
    packetBytes: perS(traffic.packetBytes - before[index].packetBytes),
    exchangeBytes: perS(traffic.exchangeBytes - before[index].exchangeBytes),
  }));
  const average = (of: (one: (typeof sent)[number]) => number): number => sent.reduce((sum, one) => sum + of(one), 0) / nodes;
  return {
    packetsPerS: average(({ packets }) => packets),
    packetBytesPerS: average(({ packetBytes }) => packetBytes),
    exchangeBytesPerS: average(({ exchangeBytes }) => exchangeBytes),
    busiestBytesPerS: Math.max(...sent.map(({ packetBytes, exchangeBytes }) => packetBytes + exchangeBytes)),
  };
}
