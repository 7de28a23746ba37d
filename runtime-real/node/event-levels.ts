/** At which level each event is told: one table for the node's log and for that of the command line. */
import type { Level } from 'pino';
import type { NodeEvent } from './runtime-events.js';

/** What is not named here is told at `debug`. */
const levels: Partial<Record<NodeEvent['kind'], Level>> = {
  'node.halted': 'fatal',
  'log.damage-found': 'error',
  'hole.found': 'error',
  'hole.settled': 'info',
  'record.damaged': 'error',
  'checkpoint.unreadable': 'warn',
  'storage.full': 'warn',
  'log.tail-cut': 'warn',
  'clock.jumped-back': 'warn',
  'clock.foreign-bounded': 'warn',
  'frame.rejected': 'warn',
  'peer.lost': 'warn',
  'members.unreadable': 'warn',
  'members.unwritable': 'warn',
  'member.replaced': 'warn',
  'messages.dropped': 'warn',
  'stream.refused': 'warn',
  'stream.closed': 'warn',
  'term.overlap-seen': 'warn',
  'port.taken': 'warn',
  'seeds.unresolved': 'warn',
  'seeds.line-ignored': 'warn',
  'datagrams.failed': 'warn',
  'packet.rejected': 'warn',
  'membership.overloaded': 'warn',
  'membership.paused': 'warn',
  'membership.refuted-itself': 'warn',
  'member.suspected': 'warn',
  'member.declared-dead': 'warn',
  'member.died': 'warn',
  'member.conflict-seen': 'error',
  'partition.began': 'warn',
  'link.broken': 'warn',
  'node.started': 'info',
  'node.identity-made': 'info',
  'node.listening': 'info',
  'node.waiting': 'info',
  'node.serving': 'info',
  'node.stopping': 'info',
  'node.stopped': 'info',
  'member.learnt': 'info',
  'seeds.changed': 'info',
  'membership.started': 'info',
  'membership.joined': 'info',
  'membership.left': 'info',
  'member.joined': 'info',
  'member.returned': 'info',
  'member.restarted': 'info',
  'member.moved': 'info',
  'member.refuted': 'info',
  'member.left': 'info',
  'partition.healing': 'info',
  'partition.ended': 'info',
  'link.mended': 'info',
  'stream.opened': 'info',
  'peer.reached': 'info',
  'storage.space-returned': 'info',
  'hole.refilled': 'info',
  'term.taken': 'info',
  'term.ended': 'info',
  'catch-up.started': 'info',
  'catch-up.finished': 'info',
};

export function levelOf(event: NodeEvent): Level {
  // At start, members know each other one after the other: until then messages of those that know more are foreign to those that know less.
  if (event.kind === 'frame.rejected' && event.reason === 'no member of a shared row') return 'debug';
  // That members start one after the other is no trouble: who is still waited for is in `node.waiting`.
  if (event.kind === 'stream.refused' && event.isStarting) return 'info';
  return levels[event.kind] ?? 'debug';
}
