/**
 * What a node counts, in the text format of Prometheus. One registry for each node, made from the core's own counters when somebody asks: nothing is counted
 * twice, and nothing is kept here but what only passes by as an event.
 */
import { Counter, Registry } from 'prom-client';
import type { DomainEvent } from '../../core/domain-events.js';
import { roundTripBoundsMs } from '../../core/membership/counters.js';
import type { MembershipInspection } from '../../core/membership/inspection.js';
import type { DatagramCounts } from '../datagram/datagram-socket.js';
import type { ExchangeCounts } from '../datagram/exchange-channel.js';
import { version } from '../node/version.js';
import { ControlMetrics, type ControlMetricsSource } from './control-metrics.js';
import { CountedHistogram } from './counted-histogram.js';
import { ReplicationMetrics, type ReplicationMetricsSource } from './replication-metrics.js';
import { type DescribedMetric, type ScrapedValues, scrapedCounter, scrapedGauge } from './scraped-values.js';

export interface NetworkCounts {
  readonly datagrams: DatagramCounts;
  readonly exchanges: ExchangeCounts;
}

export interface MetricsSource {
  /** Null: no membership, or not started. */
  readonly inspect: () => MembershipInspection | null;
  readonly network: () => NetworkCounts | null;
  /** Absent: no control log. */
  readonly control?: ControlMetricsSource;
  readonly replication?: ReplicationMetricsSource;
}

const memberStates = ['alive', 'suspect', 'dead', 'left'] as const;
const partitionStates = ['connected', 'partitioned', 'healing'] as const;
const membership = 'engram_cluster_membership_';
const partition = 'engram_cluster_partition_';

export class NodeMetrics {
  readonly #registry = new Registry();
  #source: MetricsSource = { inspect: () => null, network: () => null };
  readonly #began: Counter;
  readonly #control: ControlMetrics;
  readonly #replication: ReplicationMetrics;

  constructor() {
    this.#gauge({ name: 'engram_node_info', help: 'Always 1; the version of the program as a label.', labels: ['version'] }, () => [
      [{ version }, 1],
    ]);
    this.#began = new Counter({
      name: `${partition}began_total`,
      help: 'Times that a partition was noticed.',
      registers: [this.#registry],
    });
    this.#addMembers();
    this.#addTraffic();
    this.#addSuspicions();
    this.#addPartition();
    this.#addProbeLatency();
    this.#control = new ControlMetrics(this.#registry);
    this.#replication = new ReplicationMetrics(this.#registry);
  }

  /** Where the figures come from, once there is a node. */
  start(source: MetricsSource): void {
    this.#source = source;
    if (source.control !== undefined) this.#control.start(source.control);
    if (source.replication !== undefined) this.#replication.start(source.replication);
  }

  take(event: DomainEvent): void {
    if (event.kind === 'partition.began') this.#began.inc();
    this.#control.take(event);
    this.#replication.take(event);
  }

  async text(): Promise<{ readonly text: string; readonly contentType: string }> {
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }

  /** All metrics as a table of Markdown, as it stands in docs/operations/metrics.md. */
  async reference(): Promise<string> {
    const rows = (await this.#registry.getMetricsAsJSON()).map(({ name, help, type }) => [`\`${name}\``, String(type), help]);
    const table = [['metric', 'type', 'meaning'], ...rows];
    const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column].length)));
    const line = (cells: readonly string[]): string => `| ${cells.map((cell, at) => cell.padEnd(widths[at])).join(' | ')} |`;
    return [line(table[0]), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n');
  }

  #addMembers(): void {
    this.#gauge(
      { name: `${membership}members`, help: 'Members by state as this node sees them, itself included.', labels: ['state'] },
      this.#of(({ members }) => memberStates.map((state) => [{ state }, members.filter((member) => member.state === state).length])),
    );
    this.#gauge(
      { name: `${membership}local_health`, help: 'Local health of this node: 0 is well, the greater the slower it accuses others.' },
      this.#of(({ localHealth }) => [[{}, localHealth]]),
    );
    this.#gauge(
      { name: `${membership}seeds`, help: 'Addresses that discovery finds now.' },
      this.#of(({ seeds }) => [[{}, seeds.length]]),
    );
  }

  #addTraffic(): void {
    const direction = ['direction'];
    this.#counter(
      { name: `${membership}packets_total`, help: 'Datagrams of membership, rejected ones included.', labels: direction },
      this.#of(({ counters }) => directions(counters.packetsSent, counters.packetsReceived)),
    );
    this.#counter(
      { name: `${membership}packet_bytes_total`, help: 'Bytes of these datagrams, without the headers of UDP and IP.', labels: direction },
      this.#of(({ counters }) => directions(counters.bytesSent, counters.bytesReceived)),
    );
    this.#counter(
      { name: `${membership}packets_rejected_total`, help: 'Packets and answers that were dropped, by reason.', labels: ['reason'] },
      this.#of(({ counters }) => Object.entries(counters.rejected).map(([reason, count]) => [{ reason }, count])),
    );
    this.#counter(
      { name: `${membership}send_errors_total`, help: 'Datagrams that the operating system refused to send.' },
      this.#over(({ datagrams }) => [[{}, datagrams.sendErrors]]),
    );
    this.#counter(
      { name: `${membership}packets_overflowed_total`, help: 'Datagrams that came faster than they could be taken, and were dropped.' },
      this.#over(({ datagrams }) => [[{}, datagrams.overflowed]]),
    );
    this.#counter(
      {
        name: `${membership}exchanges_total`,
        help: 'Exchanges over TCP: asked by this node, of these failed, answered.',
        labels: ['outcome'],
      },
      this.#of(({ counters: { exchangesAsked, exchangesFailed, exchangesAnswered } }) => [
        [{ outcome: 'asked' }, exchangesAsked],
        [{ outcome: 'failed' }, exchangesFailed],
        [{ outcome: 'answered' }, exchangesAnswered],
      ]),
    );
    this.#counter(
      { name: `${membership}exchange_bytes_total`, help: 'Bytes of exchanges.', labels: direction },
      this.#of(({ counters }) => directions(counters.exchangeBytesSent, counters.exchangeBytesReceived)),
    );
    this.#counter(
      { name: `${membership}exchanges_refused_total`, help: 'Exchanges that others asked for while too many were under way.' },
      this.#over(({ exchanges }) => [[{}, exchanges.refused]]),
    );
  }

  #addSuspicions(): void {
    const count = (name: string, help: string, pick: (counters: MembershipInspection['counters']) => number): void =>
      this.#counter(
        { name: `${membership}${name}`, help },
        this.#of(({ counters }) => [[{}, pick(counters)]]),
      );
    count('probes_total', 'Members that this node has pinged.', ({ probes }) => probes);
    count('probes_failed_total', 'Of these: no answer by any path.', ({ probesFailed }) => probesFailed);
    count('suspicions_raised_total', 'Suspicions that this node has raised.', ({ suspicionsRaised }) => suspicionsRaised);
    count('suspicions_confirmed_total', 'Suspicions of others that it has confirmed.', ({ suspicionsConfirmed }) => suspicionsConfirmed);
    count('deaths_declared_total', 'Members that it has declared dead.', ({ deathsDeclared }) => deathsDeclared);
    count('refutations_made_total', 'Times that it had to say that it lives.', ({ refutationsMade }) => refutationsMade);
    count('refutations_seen_total', 'Suspects that have said that they live.', ({ refutationsSeen }) => refutationsSeen);
  }

  #addPartition(): void {
    this.#gauge(
      { name: `${partition}state`, help: '1 for the state that this node is in, 0 for the others.', labels: ['state'] },
      this.#of((inspection) => partitionStates.map((state) => [{ state }, inspection.partition === state ? 1 : 0])),
    );
    this.#gauge(
      { name: `${partition}reachable_members`, help: 'Alive members, this node included.' },
      this.#of(({ reachable }) => [[{}, reachable]]),
    );
    this.#gauge(
      { name: `${partition}expected_members`, help: 'Members that have not left, the dead included.' },
      this.#of(({ total }) => [[{}, total]]),
    );
    this.#gauge(
      { name: `${partition}broken_links`, help: 'Directions of links that this node or another calls broken.' },
      this.#of(({ brokenLinks }) => [[{}, new Set(brokenLinks.map(({ from, to }) => `${from} ${to}`)).size]]),
    );
  }

  #addProbeLatency(): void {
    const latency = new CountedHistogram(
      {
        name: 'engram_cluster_probe_latency_seconds',
        help: 'Round trips of direct pings that were answered; measured in whole milliseconds.',
        buckets: roundTripBoundsMs.map((bound) => bound / 1_000),
        registers: [this.#registry],
      },
      () => {
        const counters = this.#source.inspect()?.counters;
        return { counts: counters?.roundTrips ?? [], sum: (counters?.roundTripMsSum ?? 0) / 1_000 };
      },
    );
    this.#registry.registerMetric(latency);
  }

  #of(pick: (inspection: MembershipInspection) => ScrapedValues): () => ScrapedValues {
    return () => {
      const inspection = this.#source.inspect();
      return inspection === null ? [] : pick(inspection);
    };
  }

  #over(pick: (counts: NetworkCounts) => ScrapedValues): () => ScrapedValues {
    return () => {
      const counts = this.#source.network();
      return counts === null ? [] : pick(counts);
    };
  }

  #gauge(described: DescribedMetric, values: () => ScrapedValues): void {
    scrapedGauge(this.#registry, described, values);
  }

  #counter(described: DescribedMetric, values: () => ScrapedValues): void {
    scrapedCounter(this.#registry, described, values);
  }
}

function directions(sent: number, received: number): ScrapedValues {
  return [
    [{ direction: 'sent' }, sent],
    [{ direction: 'received' }, received],
  ];
}
