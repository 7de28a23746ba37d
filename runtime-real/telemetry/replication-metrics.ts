/**
 * What a node counts of replication beyond shipping: copies that lag, records merged from superseded terms, spaces handed over, rot found by scrubbing.
 */
import { Counter, type Registry } from 'prom-client';
import type { DomainEvent } from '../../core/domain-events.js';
import type { ReplicationInspection } from '../../core/engram-node.js';
import type { NodeId } from '../../core/identifiers.js';
import type { LagLevel } from '../../core/replication/lag-watch.js';
import { type ScrapedValues, scrapedCounter, scrapedGauge } from './scraped-values.js';

export interface ReplicationMetricsSource {
  /** Null: the node has stopped. */
  readonly replication: () => ReplicationInspection | null;
  /** A member's name, or the id again. */
  readonly nameOf: (node: NodeId) => string;
}

const prefix = 'engram_replication_';
const levels: readonly LagLevel[] = ['normal', 'alert', 'degraded'];

export class ReplicationMetrics {
  readonly #lag: Counter<'level'>;
  readonly #superseded: Counter;
  readonly #handedOver: Counter<'what'>;
  readonly #quarantined: Counter;
  readonly #refilled: Counter;
  readonly #rot: Counter;
  #source: ReplicationMetricsSource | null = null;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#addLag(registry);
    this.#addLedger(registry);
    this.#lag = new Counter({
      name: `${prefix}lag_alerts_total`,
      help: 'Times that a copy of a space of this primary fell behind: by more than a second (alert), by more than five (degraded), and kept up again (cleared).',
      labelNames: ['level'],
      registers,
    });
    this.#superseded = new Counter({
      name: `${prefix}superseded_records_total`,
      help: 'Records written in another term beside one of this node, and merged: each has a receipt.',
      registers,
    });
    this.#handedOver = new Counter({
      name: `${prefix}handed_over_records_total`,
      help: 'Records held outside their row that this node let go of, since the copies hold them; hints counts those that it had taken itself.',
      labelNames: ['what'],
      registers,
    });
    this.#quarantined = new Counter({
      name: `${prefix}quarantined_records_total`,
      help: 'Records of deleted spaces found on this node, kept and served to nobody.',
      registers,
    });
    this.#refilled = new Counter({ name: `${prefix}refilled_records_total`, help: 'Damaged records that a peer gave again.', registers });
    this.#rot = new Counter({ name: `${prefix}scrub_rot_total`, help: 'Damaged records that scrubbing found.', registers });
  }

  start(source: ReplicationMetricsSource): void {
    this.#source = source;
  }

  /** By node and not by space: spaces are many. */
  #addLag(registry: Registry): void {
    const byCopy = (pick: (lags: ReplicationInspection['lags']) => number) => (): ScrapedValues =>
      this.#of(({ lags }, nameOf) => {
        const copies = [...new Set(lags.map(({ copy }) => copy))];
        return copies.map((copy) => [{ copy: nameOf(copy) }, pick(lags.filter((lag) => lag.copy === copy))]);
      });
    scrapedGauge(
      registry,
      {
        name: `${prefix}lag_seconds`,
        help: 'Of copies behind this primary, by the node that holds them: since when the one furthest behind lacks something. No value: nothing is known to be lacking.',
        labels: ['copy'],
      },
      byCopy((lags) => Math.max(...lags.map(({ ms }) => ms)) / 1_000),
    );
    scrapedGauge(
      registry,
      {
        name: `${prefix}lag_records`,
        help: 'Records that these copies lack, of all spaces of this primary. No value: nothing is known to be lacking.',
        labels: ['copy'],
      },
      byCopy((lags) => lags.reduce((sum, { records }) => sum + records, 0)),
    );
    scrapedGauge(
      registry,
      {
        name: `${prefix}lagging_copies`,
        help: 'Copies behind this primary, by how far: normal, more than a second (alert), more than five (degraded).',
        labels: ['level'],
      },
      () => this.#of(({ lags }) => levels.map((level) => [{ level }, lags.filter((lag) => lag.level === level).length])),
    );
  }

  #addLedger(registry: Registry): void {
    scrapedGauge(
      registry,
      { name: `${prefix}receipts`, help: 'Receipts in the divergence ledger of this node: engram space receipts.' },
      () => this.#of(({ receipts }) => [[{}, receipts.kept]]),
    );
    scrapedCounter(
      registry,
      {
        name: `${prefix}receipts_dropped_total`,
        help: 'Receipts that were given up, or never made, to keep the bound; kept through restarts.',
      },
      () => this.#of(({ receipts }) => [[{}, receipts.dropped]]),
    );
  }

  #of(pick: (known: ReplicationInspection, nameOf: (node: NodeId) => string) => ScrapedValues): ScrapedValues {
    const known = this.#source?.replication() ?? null;
    return this.#source === null || known === null ? [] : pick(known, this.#source.nameOf);
  }

  take(event: DomainEvent): void {
    switch (event.kind) {
      case 'replication.lag-alert':
        return this.#lag.inc({ level: 'alert' });
      case 'replication.degraded':
        return this.#lag.inc({ level: 'degraded' });
      case 'replication.lag-cleared':
        return this.#lag.inc({ level: 'cleared' });
      case 'replication.superseded':
        return this.#superseded.inc(event.records);
      case 'space.handed-over':
        this.#handedOver.inc({ what: 'records' }, event.records);
        return this.#handedOver.inc({ what: 'hints' }, event.hints);
      case 'space.quarantined':
        return this.#quarantined.inc(event.records);
      case 'hole.refilled':
        return this.#refilled.inc(event.to - event.from + 1);
      case 'scrub.rot-found':
        return this.#rot.inc();
      default:
    }
  }
}
