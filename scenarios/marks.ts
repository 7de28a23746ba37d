/**
 * Rare-state marks: named states that a run may reach. A campaign that never reaches one of them has not tested what it stands for, and fails.
 *
 * Most are read from domain events; those that only an observer from outside can see are noted by the runtime under their names.
 */
import type { MoveChange } from '../core/control/entries.js';
import type { DomainEvent } from '../core/domain-events.js';
import { type ScenarioName, scenarioNames } from './scenario.js';

export interface Mark {
  readonly name: string;
  /** Judged only in campaigns of these scenarios … */
  readonly scenarios: readonly ScenarioName[];
  /** … with at least this many seeds: so many that each of the scenarios alone misses it once in ten thousand campaigns. Ten are judged in every change. */
  readonly seedsNeeded: number;
  /** Its subject is not built yet. */
  readonly pending: boolean;
  /** Judged only where the nodes keep a control log. */
  readonly needsControlLog: boolean;
}

const partitions: readonly ScenarioName[] = ['clean-split', 'asymmetric'];
/** What keeps primaries of one space apart for long enough that a rival turns up. */
const apart: readonly ScenarioName[] = [...partitions, 'flapping', 'cascading', 'congestion', 'permanent-loss', 'swarm'];
const everywhere: readonly ScenarioName[] = scenarioNames.filter((name) => name !== 'rebalance');

const mark = (name: string, scenarios: readonly ScenarioName[], seedsNeeded: number): Mark => ({
  name,
  scenarios,
  seedsNeeded,
  pending: false,
  needsControlLog: false,
});
const pending = (name: string, scenarios: readonly ScenarioName[]): Mark => ({ ...mark(name, scenarios, 100), pending: true });
const ofControlLog = (name: string, scenarios: readonly ScenarioName[], seedsNeeded: number): Mark => ({
  ...mark(name, scenarios, seedsNeeded),
  needsControlLog: true,
});

export const marks: readonly Mark[] = [
  mark('torn tail recovered', ['crash-restart', 'disk-faults', 'swarm'], 60),
  mark('damage found below the watermark', ['crash-restart', 'disk-faults', 'swarm'], 60),
  mark('hole refilled', ['crash-restart', 'disk-faults', 'swarm'], 60),
  mark('damaged record found while serving', ['crash-restart', 'disk-faults', 'swarm'], 60),
  mark('rot found by scrubbing', ['disk-faults'], 60),
  mark('checkpoint unreadable', ['disk-faults'], 40),
  mark('disk full and space returned', ['disk-faults'], 100),
  mark('node stopped itself', ['disk-faults'], 30),
  mark('damaged beyond the fault model', ['disk-faults'], 250),
  mark('copy lost for good and refilled', ['permanent-loss'], 10),
  mark('records lost with their only disk', ['permanent-loss'], 60),
  mark('all nodes down at once', ['crash-restart', 'cascading'], 60),
  mark(
    'one copy of a space left',
    ['cascading', 'clock-skew', 'disk-faults', 'crash-restart', 'rolling-restart', 'permanent-loss', 'swarm'],
    20,
  ),
  mark('crashed while recovering', ['crash-restart', 'rolling-restart', 'swarm'], 60),
  mark('write in flight at a crash', ['crash-restart', 'disk-faults', 'cascading', 'swarm'], 20),
  mark('killed with writes that were not synced', ['rolling-restart'], 20),
  mark('tail merged after rejoin', everywhere, 10),
  mark('provisional term taken over', everywhere, 10),
  mark('terms overlapped', apart, 30),
  mark('twenty terms of one space', ['congestion'], 600),
  mark('split-brain healed', apart, 30),
  mark('acknowledged on both sides of a split', partitions, 10),
  mark('messages held back by a clog', ['cascading'], 20),
  mark('queue of a link overflowed', ['congestion'], 40),
  mark('batch of a superseded term merged', partitions, 10),
  mark('copy degraded', partitions, 20),
  mark('hint handed over', [...partitions, 'flapping', 'cascading', 'swarm'], 60),
  mark('gap seen', everywhere, 10),
  mark('caught up from the log', everywhere, 10),
  mark('caught up by snapshot merge', everywhere, 60),
  mark('segment compacted', everywhere, 10),
  mark('checkpoint written', everywhere, 10),
  mark('retry recognised by request id', everywhere, 60),
  mark('request refused as overloaded', ['swarm'], 500),
  mark('conflict resolved by confidence', [...partitions, 'flapping', 'cascading', 'congestion', 'swarm'], 40),
  mark('conflict resolved by logical-time', [...partitions, 'flapping', 'cascading', 'congestion', 'crash-restart', 'swarm'], 80),
  mark('conflict resolved by content-hash', [...partitions, 'swarm'], 1_000),
  mark('conflict resolved by delete-wins', everywhere, 10),
  mark('conflict resolved by superseded-request', ['flapping', 'cascading', 'congestion', 'swarm'], 60),
  mark('clock jumped back', ['clock-skew', 'crash-restart', 'swarm'], 60),
  mark('clock jumped back during failover', ['clock-skew'], 40),
  mark('foreign clock bounded', ['clock-skew', 'crash-restart', 'swarm'], 60),
  mark('session unsatisfied', [...partitions, 'flapping', 'cascading', 'congestion', 'disk-faults', 'permanent-loss', 'swarm'], 60),
  mark('converged with a majority only', everywhere, 10),
  mark('suspicion refuted', everywhere, 20),
  mark('suspicion confirmed by others', everywhere, 10),
  mark('ping answered over the reliable channel', everywhere, 10),
  mark('ping answered through another node', everywhere, 40),
  mark('member declared dead and rejoined', everywhere, 20),
  mark('member declared dead while it lived', [...partitions, 'flapping', 'cascading', 'congestion', 'swarm'], 20),
  mark('member declared dead by a node that reaches nobody', ['asymmetric', 'flapping', 'cascading', 'swarm'], 80),
  mark('node refuted its own death', [...partitions, 'flapping', 'cascading', 'swarm'], 60),
  mark('node cut off from all others', ['flapping', 'cascading', 'swarm'], 60),
  mark('partition noticed and healed', [...partitions, 'flapping', 'cascading', 'swarm'], 20),
  mark('asymmetric link seen', ['asymmetric'], 150),
  mark('member left and returned', ['rolling-restart', 'swarm'], 80),
  mark('member moved to another address', ['crash-restart', 'rolling-restart', 'swarm'], 60),
  ofControlLog('primary confirmed by lease', everywhere, 10),
  ofControlLog('primary promoted by a committed row', [...partitions, 'flapping', 'cascading', 'crash-restart', 'permanent-loss'], 10),
  ofControlLog('provisional term superseded by a committed row', [...partitions, 'flapping', 'cascading'], 10),
  ofControlLog('leader of the control log replaced', [...partitions, 'flapping', 'cascading', 'crash-restart', 'rolling-restart'], 20),
  ofControlLog('side without a majority only read', partitions, 60),
  ofControlLog('snapshot of the control log installed', [...partitions, 'flapping', 'crash-restart'], 100),
  ofControlLog('damaged control log followed the others', ['disk-faults'], 20),
  mark('space moved under load', ['rebalance'], 10),
  mark('primary moved', ['rebalance'], 20),
  mark('leader lost mid-move', ['rebalance'], 60),
  mark('move interrupted by a crash', ['rebalance'], 60),
  mark('removed node returned', ['rebalance'], 60),
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
    case 'scrub.rot-found':
      return 'rot found by scrubbing';
    case 'checkpoint.unreadable':
      return 'checkpoint unreadable';
    case 'checkpoint.written':
      return 'checkpoint written';
    case 'log.segment-compacted':
      return 'segment compacted';
    case 'tail.merged':
      return 'tail merged after rejoin';
    case 'control.snapshot-installed':
      return 'snapshot of the control log installed';
    case 'control.state-followed':
      return 'damaged control log followed the others';
    case 'term.overlap-seen':
      return 'terms overlapped';
    case 'replication.gap-seen':
      return 'gap seen';
    case 'space.handed-over':
      return event.hints > 0 ? 'hint handed over' : null;
    case 'replication.degraded':
      return 'copy degraded';
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
    case 'control.applied':
      return event.outcome.kind === 'applied' && event.entry?.kind === 'move-changed' ? markOfMove(event.entry.change) : null;
    case 'move.taken-over':
      return 'leader lost mid-move';
    case 'session.unsatisfied':
      return 'session unsatisfied';
    default:
      return markOfMembership(event);
  }
}

function markOfMove({ kind }: MoveChange): string | null {
  if (kind === 'committed') return 'space moved under load';
  return kind === 'paused' ? 'primary moved' : null;
}

function markOfMembership(event: DomainEvent): string | null {
  switch (event.kind) {
    case 'member.refuted':
      return 'suspicion refuted';
    case 'suspicion.confirmed':
      return 'suspicion confirmed by others';
    case 'member.declared-dead':
      return event.isPrivate ? 'member declared dead by a node that reaches nobody' : null;
    case 'member.returned':
      return event.was === 'dead' ? 'member declared dead and rejoined' : 'member left and returned';
    case 'member.moved':
      return 'member moved to another address';
    case 'membership.refuted-itself':
      return event.claim === 'dead' ? 'node refuted its own death' : null;
    case 'partition.began':
      return event.isolated ? 'node cut off from all others' : null;
    case 'partition.ended':
      return 'partition noticed and healed';
    default:
      return null;
  }
}
