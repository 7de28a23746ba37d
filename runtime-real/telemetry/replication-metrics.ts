/**
 * What a node counts of replication beyond shipping: copies that lag, records merged from superseded terms, spaces handed over, rot found by scrubbing.
 */
import { Counter, type Registry } from 'prom-client';
import type { DomainEvent } from '../../core/domain-events.js';

const prefix = 'engram_replication_';

export class ReplicationMetrics {
  readonly #lag: Counter<'level'>;
  readonly #superseded: Counter;
  readonly #handedOver: Counter<'what'>;
  readonly #quarantined: Counter;
  readonly #refilled: Counter;
  readonly #rot: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
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
