/** Metrics: each is in the documentation, and what is served is what Prometheus reads. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ReplicationInspection } from '../../core/engram-node.js';
import { type NodeId, nodeId, spaceKey } from '../../core/identifiers.js';
import type { Address } from '../../core/membership/address.js';
import type { MemberInspection, MembershipCounters, MembershipInspection } from '../../core/membership/inspection.js';
import { type PacketFault, packetFaults } from '../../core/membership/packet-faults.js';
import type { LagLevel } from '../../core/replication/lag-watch.js';
import { type NetworkCounts, NodeMetrics } from './node-metrics.js';

const ids = ['1', '2', '3'].map((digit) => nodeId(digit.repeat(32))) as [NodeId, NodeId, NodeId];

function memberOf(node: NodeId, state: MemberInspection['state']): MemberInspection {
  return {
    node,
    isSelf: node === ids[0],
    state,
    isPrivate: false,
    incarnation: { boot: { counter: 1, random: '' } as unknown as MemberInspection['incarnation']['boot'], refutation: 0 },
    address: '10.0.0.1:7946' as Address,
    metadata: { name: node.slice(0, 2), zone: '', rack: '', roles: [], version: '', grpcAddress: '', loadPercent: 0 },
    sinceMs: 0,
    heardMs: null,
    roundTripMs: null,
    inbound: 'works',
    outbound: 'works',
  };
}

const numbers: readonly (keyof MembershipCounters)[] = [
  ...(['packetsSent', 'packetsReceived', 'bytesSent', 'bytesReceived', 'exchangesAsked', 'exchangesAnswered', 'exchangesFailed'] as const),
  ...(['exchangeBytesSent', 'exchangeBytesReceived', 'probes', 'probesFailed', 'suspicionsRaised', 'suspicionsConfirmed'] as const),
  ...(['deathsDeclared', 'refutationsMade', 'refutationsSeen'] as const),
];

const rejected = Object.fromEntries(packetFaults.map((fault, at) => [fault, at])) as Record<PacketFault, number>;
const latency = { roundTrips: [4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 5], roundTripMsSum: 12_345 };
const counters = {
  ...Object.fromEntries(numbers.map((name, at) => [name, 100 + at])),
  ...latency,
  rejected,
} as unknown as MembershipCounters;

const inspection: MembershipInspection = {
  node: ids[0],
  members: [memberOf(ids[0], 'alive'), memberOf(ids[1], 'suspect'), memberOf(ids[2], 'dead')],
  localHealth: 2,
  partition: 'partitioned',
  reachable: 1,
  total: 3,
  brokenLinks: [
    { from: ids[1], to: ids[0], toldBy: ids[0] },
    { from: ids[1], to: ids[0], toldBy: ids[1] },
    { from: ids[2], to: ids[0], toldBy: ids[0] },
  ],
  seeds: ['10.0.0.2:7946' as Address],
  hasLeft: false,
  counters,
};

const counts: NetworkCounts = {
  datagrams: { sent: 1, sentBytes: 2, received: 3, receivedBytes: 4, sendErrors: 5, overflowed: 6 },
  exchanges: { asked: 7, failed: 8, answered: 9, refused: 10 },
};

const lagOf = (space: string, copy: NodeId, ms: number, level: LagLevel) => ({
  space: spaceKey({ name: space, generation: 0 }),
  copy,
  records: ms / 100,
  ms,
  level,
});
const replication: ReplicationInspection = {
  lags: [lagOf('one', ids[1], 200, 'normal'), lagOf('two', ids[1], 6_500, 'degraded'), lagOf('two', ids[2], 1_500, 'alert')],
  holdsForOthers: false,
  receipts: { kept: 12, dropped: 3 },
};

function started(): NodeMetrics {
  const nodeMetrics = new NodeMetrics();
  nodeMetrics.start({
    inspect: () => inspection,
    network: () => counts,
    replication: { replication: () => replication, nameOf: (node) => `n${node[0]}` },
  });
  return nodeMetrics;
}

const metrics = suite('metrics');

metrics('what the core and the sockets count is served, also when it is asked for again', async () => {
  const nodeMetrics = started();
  nodeMetrics.take({ kind: 'partition.began', reachable: 1, total: 3, isolated: false });
  const space = spaceKey({ name: 'one', generation: 0 });
  for (const counter of [0, 7]) nodeMetrics.take({ kind: 'term.taken', space, term: { generation: 1, index: 4, counter } });
  const change = { kind: 'started', from: ids[0], to: ids[1] } as const;
  const entry = { kind: 'move-changed', space, basis: 4, change } as const;
  const applied = { kind: 'control.applied', index: 5, term: 1, patches: [] } as const;
  nodeMetrics.take({ ...applied, entry, outcome: { kind: 'applied', skipped: [] } });
  nodeMetrics.take({ ...applied, entry, outcome: { kind: 'refused', why: 'no such move' } });
  await nodeMetrics.text();
  const { text, contentType } = await nodeMetrics.text();
  assert.match(contentType, 'text/plain');
  for (const line of [
    'engram_cluster_membership_members{state="alive"} 1',
    'engram_cluster_membership_members{state="suspect"} 1',
    'engram_cluster_membership_members{state="left"} 0',
    'engram_cluster_membership_local_health 2',
    'engram_cluster_membership_packets_total{direction="sent"} 100',
    'engram_cluster_membership_packets_rejected_total{reason="replayed"} 9',
    'engram_cluster_membership_send_errors_total 5',
    'engram_cluster_membership_packets_overflowed_total 6',
    'engram_cluster_membership_exchanges_refused_total 10',
    'engram_cluster_membership_deaths_declared_total 113',
    'engram_cluster_partition_state{state="partitioned"} 1',
    'engram_cluster_partition_state{state="connected"} 0',
    'engram_cluster_partition_broken_links 2',
    'engram_cluster_partition_began_total 1',
    'engram_cluster_probe_latency_seconds_bucket{le="0.001"} 4',
    'engram_cluster_probe_latency_seconds_bucket{le="0.002"} 7',
    'engram_cluster_probe_latency_seconds_bucket{le="1"} 10',
    'engram_cluster_probe_latency_seconds_bucket{le="+Inf"} 15',
    'engram_cluster_probe_latency_seconds_sum 12.345',
    'engram_cluster_probe_latency_seconds_count 15',
    'engram_replication_lag_seconds{copy="n2"} 6.5',
    'engram_replication_lag_records{copy="n2"} 67',
    'engram_replication_lag_seconds{copy="n3"} 1.5',
    'engram_replication_lagging_copies{level="degraded"} 1',
    'engram_replication_receipts 12',
    'engram_replication_receipts_dropped_total 3',
    'engram_cluster_spaces_terms_taken_total{confirmed="true"} 1',
    'engram_cluster_spaces_terms_taken_total{confirmed="false"} 1',
    'engram_cluster_spaces_moves_total{stage="started"} 1',
  ])
    assert.ok(text.split('\n').includes(line), `${line} is missing in:\n${text}`);
});

metrics('each is described in the documentation as the program describes it', async () => {
  const page = readFileSync(new URL('../../docs/operations/metrics.md', import.meta.url), 'utf8');
  const reference = await new NodeMetrics().reference();
  assert.ok(page.includes(reference), `docs/operations/metrics.md should contain:\n\n${reference}`);
});

const hasPromtool = runs('promtool', ['--version']);

metrics(`Prometheus reads them without complaint${hasPromtool ? '' : ' (left out: promtool is not installed)'}`, async () => {
  if (!hasPromtool) return;
  const { text } = await started().text();
  assert.is(execFileSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' }), '');
});

function runs(program: string, flags: readonly string[]): boolean {
  try {
    execFileSync(program, [...flags], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

metrics.run();
