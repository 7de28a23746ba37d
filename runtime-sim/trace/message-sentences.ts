/** What nodes and clients say to each other, as the halves of sentences: whom it is said to is put between them. */
import { unreachable } from '../../core/invariant.js';
import { counted, type Detail } from './note-sentences.js';
import type { DropReason, MembershipChannel, PeerContents, ReplyContents, RequestContents, TracedRecord } from './trace-events.js';

const recordsNamedMax = 3;

/** Spaces and memory ids that a sentence speaks of. */
export interface About {
  readonly spaces: readonly string[];
  readonly ids: readonly string[];
}

export interface PeerSentence {
  /** Up to the receiver. */
  readonly text: string;
  readonly detail: Detail;
  /** The message by itself, for when it is lost. */
  readonly name: string;
}

export function peerSentence(what: PeerContents): PeerSentence {
  switch (what.kind) {
    case 'ping':
      return { text: 'pings ', detail: 'full', name: 'a ping' };
    case 'run': {
      const records = recordsText(what.records, what.recordsTotal);
      return what.answers === null
        ? { text: `pushes ${records} to `, detail: 'normal', name: `the push of ${dotsText(what.records, what.recordsTotal)}` }
        : { text: `sends ${records} as asked to `, detail: 'normal', name: 'fetched records' };
    }
    case 'acknowledge':
      return { text: `acknowledges ${what.space} up to ${what.end}@${what.author} to `, detail: 'normal', name: 'an acknowledgement' };
    case 'fetch':
      return { text: `fetches what it lacks of ${what.space} from `, detail: 'normal', name: 'a fetch' };
    case 'fetched':
      return { text: `has sent what it has of ${what.space} to `, detail: 'full', name: 'the end of a fetch' };
    case 'snapshot':
      return {
        text: `sends a snapshot of ${what.space} with ${counted(what.recordsTotal, 'record')} to `,
        detail: 'normal',
        name: 'a snapshot',
      };
    case 'control':
      return { text: what.text, detail: what.isRoutine ? 'full' : 'normal', name: what.name };
    case 'membership':
      return membershipSentences[what.over];
    case 'unreadable':
      return { text: `sends bytes that are no message (${what.why}) to `, detail: 'normal', name: 'bytes' };
    default:
      return unreachable(what);
  }
}

const membershipSentences: Readonly<Record<MembershipChannel, PeerSentence>> = {
  packet: { text: 'sends a packet of membership to ', detail: 'full', name: 'a packet of membership' },
  question: { text: 'exchanges members with ', detail: 'full', name: 'a question for members' },
  answer: { text: 'answers with its members to ', detail: 'full', name: 'an answer with members' },
  refusal: { text: 'runs no process and refuses the connection of ', detail: 'full', name: 'a refusal' },
};

export function aboutPeer(what: PeerContents): About {
  switch (what.kind) {
    case 'run':
    case 'snapshot':
      return { spaces: [what.space], ids: idsOf(what.records) };
    case 'ping':
      return { spaces: what.spaces.map(({ space }) => space), ids: [] };
    case 'control':
    case 'membership':
    case 'unreadable':
      return { spaces: [], ids: [] };
    default:
      return { spaces: [what.space], ids: [] };
  }
}

export function requestText({ call, space, id, value, ack }: RequestContents): string {
  switch (call) {
    case 'get':
      return `read ${id} of ${space}`;
    case 'forget':
      return `forget ${id} of ${space} (${ack})`;
    case 'remember':
    case 'update':
      return `${call} ${id} = ${value} in ${space} (${ack})`;
    default:
      return `${call} in ${space}`;
  }
}

/** Before and after the client's name. */
export function replyText(what: ReplyContents, asked: RequestContents | undefined): readonly [before: string, after: string] {
  const as =
    what.as === null
      ? ''
      : what.as === 'replica'
        ? ', as a replica'
        : what.as === 'provisional'
          ? ', as provisional primary'
          : ', as primary';
  switch (what.answer) {
    case 'written': {
      const did = asked === undefined ? 'it is' : asked.call === 'forget' ? `${asked.id} is forgotten,` : `${asked.id} = ${asked.value} is`;
      const before = what.duplicate ? ' already' : '';
      return ['acknowledges to ', `: ${did}${before} written as ${what.version}${what.superseded ? ', superseded' : ''}${as}`];
    }
    case 'got': {
      const [readable, ...alternates] = what.seen;
      const id = asked?.id ?? 'it';
      if (readable === undefined) return ['answers ', `: there is no ${id}${as}`];
      return ['answers ', `: ${id} = ${readable}${alternates.length === 0 ? '' : `, alternates ${alternates.join(', ')}`}${as}`];
    }
    case 'failure':
      return what.outcomeUnknown
        ? ['cannot say to ', ` what becomes of it: ${what.code}`]
        : ['refuses ', `: ${what.code}${what.redirect === null ? '' : `, go to ${what.redirect}`}`];
    default:
      return ['answers ', `${as}`];
  }
}

/** `17@n3.1 (m12 = v98 in journal)`; of many the first three. */
export function recordsText(records: readonly TracedRecord[], total: number): string {
  if (total === 0) return 'no records';
  const named = records.slice(0, recordsNamedMax).map((record) => `${record.dot} (${contentText(record)})`);
  const rest = total - named.length;
  return rest === 0 ? named.join(', ') : `${named.join(', ')} and ${counted(rest, 'more record')}`;
}

function contentText({ type, id, value, space }: TracedRecord): string {
  if (type === 'tombstone') return `${id} forgotten in ${space}`;
  return type === 'other' ? `in ${space}` : `${id} = ${value} in ${space}`;
}

function dotsText(records: readonly TracedRecord[], total: number): string {
  const [first] = records;
  if (first === undefined) return 'no records';
  return total === 1 ? first.dot : `${first.dot} and ${counted(total - 1, 'more record')}`;
}

export function idsOf(records: readonly TracedRecord[]): string[] {
  return [...new Set(records.map(({ id }) => id))];
}

export const dropTexts: Readonly<Record<DropReason, string>> = {
  cut: 'the link is cut',
  loss: 'the network loses it',
  'queue-full': 'the queue of the link is full',
  'receiver-down': 'nobody is there',
  'receiver-restarted': 'it was meant for an earlier process',
  'given-up': 'who waited for it does so no longer',
};
