/** What a node notes, as a sentence whose subject is the node. A domain event without a sentence does not pass the type check. */
import type { ConflictRule, DomainEvent } from '../../core/domain-events.js';
import type { FailedPaths } from '../../core/membership/domain-events.js';
import { controlText } from './control-sentences.js';
import { termText } from './short-names.js';

export interface Sentence {
  /** Without its subject, the node. */
  readonly text: string;
  readonly detail: Detail;
}

/** How closely one must look to see it: `brief` is what changes who is there, who may do what, and what a disk has lost; `full` is everything. */
export type Detail = 'brief' | 'normal' | 'full';
export const details: readonly Detail[] = ['brief', 'normal', 'full'];

/** Names in the event are those of the trace. */
export function noteSentence(event: DomainEvent): Sentence {
  return (sentences[event.kind] as (event: DomainEvent) => Sentence)(event);
}

const rules: Readonly<Record<ConflictRule, string>> = {
  confidence: 'the greater confidence is read',
  'logical-time': 'the later logical time is read',
  'content-hash': 'the greater content hash is read',
  'delete-wins': 'a delete beats what it does not include',
  'superseded-request': 'a superseded request ranks last',
};

type Sentences = { readonly [Kind in DomainEvent['kind']]: (event: Extract<DomainEvent, { kind: Kind }>) => Sentence };

const sentences: Sentences = {
  'node.started': ({ boot, records, segments }) =>
    brief(`serves: boot ${boot}, ${counted(records, 'record')} in ${counted(segments, 'segment')}`),
  'node.identity-made': () => full('finds an empty directory and becomes a new node'),
  'node.halted': ({ reason }) => brief(`stops itself: ${reason}`),

  'term.claim-started': ({ space, sources }) =>
    brief(
      sources === 0
        ? `claims a term of ${space}: it reaches no other copy`
        : `claims a term of ${space}: first it pulls what ${sources === 1 ? 'the one other copy' : `the ${sources} other copies`} within reach ${sources === 1 ? 'holds' : 'hold'}`,
    ),
  'term.taken': ({ space, term }) =>
    brief(`is primary of ${space} in ${term.counter === 0 ? 'term' : 'the provisional term'} ${termText(term)}`),
  'term.ended': ({ space, term, reason }) => brief(`is no longer primary of ${space} in ${termText(term)}: ${reason}`),
  'term.overlap-seen': ({ space, rival }) => brief(`sees that ${rival} is primary of ${space} as well`),
  'peer.reached': ({ peer }) => brief(`reaches ${peer}`),
  'peer.lost': ({ peer, silentMs }) => brief(`has lost ${peer}, silent for ${silentMs} ms`),

  'log.tail-cut': ({ segment, offset, bytes }) =>
    bytes === 0
      ? full(`finds the end of segment ${segment} at ${offset} and nothing behind it`)
      : brief(`cuts a torn tail off segment ${segment}: ${counted(bytes, 'byte')} from ${offset} on, nothing of them acknowledged`),
  'log.damage-found': ({ segment, offset, bytes }) =>
    brief(`finds ${counted(bytes, 'byte')} of segment ${segment} damaged at ${offset}, below what was synced`),
  'log.segment-sealed': ({ segment, bytes }) => full(`seals segment ${segment} at ${bytes} bytes`),
  'log.segment-compacted': ({ segment, kept, dropped }) =>
    normal(`compacts segment ${segment}: ${counted(kept, 'record')} kept, ${dropped} dropped`),
  'checkpoint.written': ({ number }) => full(`has written checkpoint ${number}`),
  'checkpoint.unreadable': ({ file, reason }) => brief(`cannot read ${file}: ${reason}`),
  'storage.full': ({ file }) => brief(`finds no space for ${file}`),
  'storage.space-returned': () => brief('has space again'),
  'hole.found': (hole) => brief(`has a hole in ${hole.space}: ${dots(hole)}`),
  'hole.refilled': (hole) => brief(`has refilled the hole in ${hole.space}: ${dots(hole)}`),
  'hole.settled': (hole) => brief(`settles a hole in ${hole.space}: no copy has ${dots(hole)} any more`),
  'record.damaged': ({ space, author, sequence }) => brief(`finds ${sequence}@${author} of ${space} damaged while serving`),

  'scrub.rot-found': ({ space, author, sequence }) => brief(`finds ${sequence}@${author} of ${space} rotten while scrubbing`),
  'scrub.pass-finished': ({ records, bytes, damaged }) =>
    normal(`has scrubbed ${counted(records, 'record')} of ${counted(bytes, 'byte')}, ${damaged} of them damaged`),
  'frame.rejected': ({ bytes, reason }) => normal(`drops ${counted(bytes, 'byte')} that are no message: ${reason}`),
  'replication.gap-seen': ({ space, author, expected, got }) =>
    normal(`sees a gap in ${space}: got ${got}@${author}, expected ${expected}@${author}`),
  'replication.superseded': ({ space, records }) =>
    brief(`merges ${counted(records, 'record')} of other terms into ${space}, each with a receipt`),
  'replication.lag-alert': (lag) => normal(behind(lag)),
  'replication.degraded': (lag) => brief(behind(lag)),
  'replication.lag-cleared': ({ space, copy }) => normal(`sees ${copy} keep up with it in ${space} again`),
  'tail.merged': ({ space, author, records }) => brief(`merges a stranded tail into ${space}: ${counted(records, 'record')} of ${author}`),
  'guest.admitted': ({ peer }) => normal(`lets in ${peer}, which shares no row with it and hands over what it holds`),
  'space.handed-over': ({ space, records, hints }) =>
    brief(`lets go of ${space}: its copies hold ${counted(records, 'record')}, ${counted(hints, 'hint')} among them`),
  'space.quarantined': ({ space, records }) =>
    brief(`finds ${counted(records, 'record')} of ${space}, which was deleted, and keeps them apart`),
  'catch-up.started': ({ space, from, how }) => normal(`catches up on ${space} from ${from} ${ways[how]}`),
  'catch-up.finished': ({ space, from, how }) => normal(`has caught up on ${space} from ${from} ${ways[how]}`),
  'conflict.resolved': ({ space, rule }) => normal(`resolves a conflict in ${space}: ${rules[rule]}`),
  'write.duplicate': ({ space, by }) =>
    normal(`recognises a write to ${space} by its ${by === 'content' ? 'content' : 'request id'}: it has happened before`),
  'clock.jumped-back': ({ byMs }) => brief(`sees its wall clock jump back by ${byMs} ms`),
  'clock.foreign-bounded': ({ aheadMs }) => normal(`does not follow a foreign clock ${aheadMs} ms ahead`),
  'session.unsatisfied': ({ space }) => normal(`does not hold what a session of ${space} has seen`),
  'request.overloaded': ({ bound }) => normal(`refuses a request: ${bound} is full`),

  'membership.started': ({ address }) => full(`takes part in membership at ${address}`),
  'membership.joined': ({ through, members }) => normal(`has joined through ${through}: ${counted(members, 'member')}`),
  'membership.left': () => brief('has said that it leaves'),
  'member.joined': ({ node, address }) => normal(`learns of ${node} at ${address}`),
  'member.returned': ({ node, was, absentMs }) => brief(`sees ${node} again, ${was} for ${absentMs} ms`),
  'member.restarted': ({ node, incarnation }) => normal(`sees that ${node} has restarted: boot ${incarnation.boot.counter}`),
  'member.moved': ({ node, from, to }) => brief(`sees ${node} move from ${from} to ${to}`),
  'member.suspected': ({ node, accuser, paths, isPrivate, timeoutMs }) =>
    normal(
      paths === null
        ? `hears that ${accuser} suspects ${node}: ${timeoutMs} ms to refute`
        : `suspects ${node}${isPrivate ? ', reaching nobody' : ''}: ${pathsText(paths)}; ${timeoutMs} ms to refute`,
    ),
  'suspicion.confirmed': ({ node, accuser, confirmations, timeoutMs }) =>
    normal(`hears ${accuser} confirm that ${node} is out of reach: confirmation ${confirmations}, ${timeoutMs} ms in all`),
  'member.refuted': ({ node, suspectedForMs }) => normal(`hears ${node} refute a suspicion of ${suspectedForMs} ms`),
  'member.declared-dead': ({ node, confirmedBy, isPrivate, suspectedForMs }) =>
    brief(
      `declares ${node} dead${isPrivate ? ', for itself' : ''}: suspected for ${suspectedForMs} ms, ${counted(confirmedBy.length, 'accuser')}`,
    ),
  'member.died': ({ node, declaredBy }) => brief(`hears from ${declaredBy} that ${node} is dead`),
  'member.left': ({ node }) => brief(`hears that ${node} leaves`),
  'member.reconsidered': ({ node, state }) => normal(`reaches somebody again and takes ${node} for ${state} as before`),
  'member.found-gone': ({ node, state }) =>
    normal(`hears of ${node} for the first time, and that it is ${state === 'dead' ? 'dead' : 'gone as planned'}`),
  'member.forgotten': ({ node, was }) => normal(`forgets ${node}, ${was}, to make room`),
  'member.conflict-seen': ({ node, addresses }) => brief(`sees two processes as ${node}: ${addresses.join(', ')}`),
  'membership.refuted-itself': ({ claim, incarnation }) =>
    normal(`refutes that it is ${claim}: refutation ${incarnation.refutation} of boot ${incarnation.boot.counter}`),
  'local-health.changed': ({ from, to }) => full(`counts its own health ${to} after ${from}`),
  'membership.paused': ({ pausedMs }) => normal(`stood still for ${pausedMs} ms and blames nobody for them`),
  'partition.began': ({ reachable, total, isolated }) =>
    brief(isolated ? `is cut off from all ${total - 1} others` : `is partitioned: ${reachable} of ${total} in reach`),
  'partition.healing': ({ reachable, total }) => brief(`sees the partition heal: ${reachable} of ${total} in reach`),
  'partition.ended': ({ reachable, total }) => brief(`is connected again: ${reachable} of ${total} in reach`),
  'link.broken': ({ from, to }) => brief(`finds that nothing comes from ${from} to ${to}`),
  'link.mended': ({ from, to }) => brief(`finds that ${from} is heard by ${to} again`),
  'packet.rejected': ({ reason, bytes, count }) => normal(`drops a packet of ${counted(bytes, 'byte')}: ${reason} (${count} so far)`),
  'move.begun': (event) => brief(controlText(event)),
  'move.taken-over': (event) => brief(controlText(event)),
  'move.given-up': (event) => brief(controlText(event)),
  'control.opened': (event) => brief(controlText(event)),
  'control.election-started': (event) => brief(controlText(event)),
  'control.leader-elected': (event) => brief(controlText(event)),
  'control.leader-followed': (event) => normal(controlText(event)),
  'control.stepped-down': (event) => brief(controlText(event)),
  'control.configuration-changed': (event) => normal(controlText(event)),
  'control.entries-replaced': (event) => brief(controlText(event)),
  'control.snapshot-installed': (event) => normal(controlText(event)),
  'control.snapshot-sent': (event) => normal(controlText(event)),
  'control.applied': (event) => normal(controlText(event)),
  'control.entry-unreadable': (event) => brief(controlText(event)),
  'control.compacted': (event) => full(controlText(event)),
  'control.state-followed': (event) => normal(controlText(event)),
  'control.removed': (event) => brief(controlText(event)),
  'control.log-damaged': (event) => brief(controlText(event)),
  'control.begun-anew': (event) => brief(controlText(event)),
  'control.recovered': (event) => brief(controlText(event)),
  'control.proposal-answered': (event) => normal(controlText(event)),
  'control.message-rejected': (event) => normal(controlText(event)),
  'membership.overloaded': ({ bound, count }) => normal(`drops what is too much for ${bound} (${count} so far)`),
};

const ways = { log: 'from its log', snapshot: 'by snapshot merge' } as const;

function pathsText({ directMs, indirect, nacks, reliable }: FailedPaths): string {
  return `no answer in ${directMs} ms, nor through ${counted(indirect.length, 'other')} (${nacks.length} say so), reliable channel: ${reliable}`;
}

function behind({
  space,
  copy,
  records,
  ms,
}: {
  readonly space: string;
  readonly copy: string;
  readonly records: number;
  readonly ms: number;
}): string {
  return `sees ${copy} ${counted(records, 'record')} and ${ms} ms behind it in ${space}`;
}

function dots({ author, from, to }: { readonly author: string; readonly from: number; readonly to: number }): string {
  return from === to ? `${from}@${author}` : `${from}-${to}@${author}`;
}

/** `1 record`, `2 records`, `3 copies`. */
export function counted(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`}`;
}

function brief(text: string): Sentence {
  return { text, detail: 'brief' };
}

function normal(text: string): Sentence {
  return { text, detail: 'normal' };
}

function full(text: string): Sentence {
  return { text, detail: 'full' };
}
