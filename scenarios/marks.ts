/**
 * Rare-state marks: named states that a run may reach. A campaign that never reaches one of them has not tested what it stands for, and fails.
 *
 * Most are read from domain events; those that only an observer from outside can see are noted by the runtime under their names.
 */
import type { DomainEvent } from '../core/domain-events.js';
import type { ScenarioName } from './scenario.js';

export interface Mark {
  readonly name: string;
  /** Judged only in campaigns of these scenarios … */
  readonly scenarios: readonly ScenarioName[];
  /** … with at least this many seeds. */
  readonly seedsNeeded: number;
  /** Its subject is not built yet. */
  readonly pending: boolean;
}

const partitions: readonly ScenarioName[] = ['clean-split', 'asymmetric'];
const crashes: readonly ScenarioName[] = ['crash-restart'];
const built: readonly ScenarioName[] = [...partitions, ...crashes];

const mark = (name: string, scenarios: readonly ScenarioName[], seedsNeeded: number): Mark => ({
  name,
  scenarios,
  seedsNeeded,
  pending: false,
});
const pending = (name: string, scenarios: readonly ScenarioName[]): Mark => ({ name, scenarios, seedsNeeded: 100, pending: true });

export const marks: readonly Mark[] = [
  mark('torn tail recovered', crashes, 30),
  mark('damage found below the watermark', crashes, 60),
  mark('hole refilled', crashes, 60),
  mark('damaged record found while serving', crashes, 200),
  mark('all nodes down at once', crashes, 60),
  mark('crashed while recovering', crashes, 200),
  mark('write in flight at a crash', crashes, 20),
  mark('tail merged after rejoin', built, 20),
  mark('provisional term taken over', built, 20),
  mark('terms overlapped', partitions, 20),
  mark('split-brain healed', partitions, 20),
  mark('acknowledged on both sides of a split', partitions, 20),
  mark('gap seen', built, 30),
  mark('caught up from the log', built, 20),
  mark('caught up by snapshot merge', built, 60),
  mark('segment compacted', built, 20),
  mark('checkpoint written', built, 20),
  mark('retry recognised by request id', built, 60),
  mark('conflict resolved by confidence', built, 40),
  mark('conflict resolved by logical-time', built, 40),
  mark('conflict resolved by content-hash', built, 500),
  mark('conflict resolved by delete-wins', built, 60),
  mark('conflict resolved by superseded-request', built, 500),
  mark('clock jumped back', crashes, 60),
  mark('foreign clock bounded', crashes, 500),
  mark('session unsatisfied', partitions, 500),
  mark('converged with a majority only', built, 20),
  mark('one copy of a space left', ['cascading'], 20),
  mark('messages held back by a clog', ['cascading'], 20),
  mark('queue of a link overflowed', ['congestion'], 60),
  mark('twenty terms of one space', ['congestion'], 60),
  mark('clock jumped back during failover', ['clock-skew'], 40),
  mark('checkpoint unreadable', ['disk-faults'], 40),
  mark('disk full and space returned', ['disk-faults'], 60),
  mark('node stopped itself', ['disk-faults'], 30),
  mark('killed with writes that were not synced', ['rolling-restart'], 40),
  pending('batch of a superseded term merged', partitions),
  pending('hint handed over', partitions),
  pending('primary promoted by a committed row', ['cascading']),
  pending('member declared dead and rejoined', ['flapping']),
  pending('space moved under load', ['rebalance']),
  mark('copy lost for good and refilled', ['permanent-loss'], 20),
  mark('records lost with their only disk', ['permanent-loss'], 60),
  pending('copy lost for good and replaced', ['permanent-loss']),
];

/** The mark that a domain event stands for, or null. */
export function markOf(event: DomainEvent): string | null {
  switch (event.kind) {
    case 'log.tail-cut':
      return event.bytes > 0 ? 'torn tail recovered' : null;
    case 'log.damage-found':
      return 'damage found below the watermark';
    case 'hole.refilled':
      return 'hole refilled';
    case 'record.damaged':
      return 'damaged record found while serving';
    case 'checkpoint.unreadable':
      return 'checkpoint unreadable';
    case 'checkpoint.written':
      return 'checkpoint written';
    case 'log.segment-compacted':
      return 'segment compacted';
    case 'tail.merged':
      return 'tail merged after rejoin';
    case 'term.overlap-seen':
      return 'terms overlapped';
    case 'replication.gap-seen':
      return 'gap seen';
    case 'replication.superseded':
      return 'batch of a superseded term merged';
    case 'catch-up.finished':
      return event.how === 'log' ? 'caught up from the log' : 'caught up by snapshot merge';
    case 'write.duplicate':
      // Values are unique here: the same content under another request id does not occur.
      return event.by === 'request-id' ? 'retry recognised by request id' : null;
    case 'conflict.resolved':
      return `conflict resolved by ${event.rule}`;
    case 'clock.jumped-back':
      return 'clock jumped back';
    case 'clock.foreign-bounded':
      return 'foreign clock bounded';
    case 'request.overloaded':
      return 'request refused as overloaded';
    case 'storage.space-returned':
      return 'disk full and space returned';
    case 'node.halted':
      return 'node stopped itself';
    case 'session.unsatisfied':
      return 'session unsatisfied';
    default:
      return null;
  }
}
