/**
 * A trace as a log for ShiViz (Beschastnikh et al., "Visualizing Distributed System Executions", TOSEM 2020): what happened on every host, with vector
 * clocks as of Fidge and Mattern, which are counted here from sendings and arrivals alone.
 *
 * An event takes two lines, its text and then its host with the clock, so that this is ShiViz's own default expression:
 *
 *     (?<event>.*)\n(?<host>\S*) (?<clock>{.*})
 */
import type { DomainEvent } from '../../core/domain-events.js';
import { aboutPeer, peerSentence, replyText, requestText } from './message-sentences.js';
import { noteSentence } from './note-sentences.js';
import type { EventOf, PeerContents, TraceEvent, TraceHeader } from './trace-events.js';

/** To be given to ShiViz as the log parsing regular expression. */
export const shivizExpression = '(?<event>.*)\\n(?<host>\\S*) (?<clock>{.*})';

export interface ShivizChoice {
  /** Null: all spaces. */
  readonly space: string | null;
  /** Hosts; empty: all nodes. Clients are hosts only when they are named. */
  readonly hosts: readonly string[];
  /** Since the start of load. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Pings and pongs as well. */
  readonly pings: boolean;
}

type Clock = Map<string, number>;

/** Two lines for each event, without their line ends. */
export function* shivizLog(header: TraceHeader, events: readonly TraceEvent[], choice: ShivizChoice): Generator<string, void> {
  const hosts = new Set(choice.hosts.length > 0 ? choice.hosts : header.nodes.map(({ name }) => name));
  const clocks = new Map<string, Clock>([...hosts].map((host) => [host, new Map()]));
  /** The sender's clock, of messages that are in the log. */
  const sent = new Map<number, Clock>();
  const fromUs = choice.fromMs * 1_000 + header.loadStartUs;
  const untilUs = choice.untilMs * 1_000 + header.loadStartUs;
  for (const event of events) {
    const clock = clocks.get(event.at);
    if (clock === undefined || event.us < fromUs || event.us > untilUs) continue;
    const text = textOf(event, events, choice);
    if (text === null) continue;
    if ('message' in event && 'from' in event) join(clock, sent.get(event.message));
    clock.set(event.at, (clock.get(event.at) ?? 0) + 1);
    if ('copies' in event) sent.set(event.i, new Map(clock));
    yield `${((event.us - header.loadStartUs) / 1_000).toFixed(1)} ms: ${text}`;
    yield `${event.at} ${clockText(clock)}`;
  }
}

/** What the sender knew is known now. */
function join(clock: Clock, other: Clock | undefined): void {
  for (const [host, count] of other ?? []) clock.set(host, Math.max(count, clock.get(host) ?? 0));
}

function clockText(clock: Clock): string {
  return JSON.stringify(Object.fromEntries([...clock].sort(([left], [right]) => (left < right ? -1 : 1))));
}

/** Null for what is not in the log. */
function textOf(event: TraceEvent, events: readonly TraceEvent[], choice: ShivizChoice): string | null {
  switch (event.kind) {
    case 'process.started':
      return `starts, process ${event.incarnation}`;
    case 'process.crashed':
      return 'loses power';
    case 'process.killed':
      return 'is killed';
    case 'note':
      return noteText(event, choice);
    case 'message.sent':
    case 'request.sent':
    case 'reply.sent':
      return sentText(event, events, choice);
    case 'message.received':
    case 'request.received':
    case 'reply.received': {
      const origin = events[event.message - 1] as EventOf<'message.sent' | 'request.sent' | 'reply.sent'>;
      const text = sentText(origin, events, choice);
      return text === null ? null : `is there: ${event.from} ${text}`;
    }
    default:
      return null;
  }
}

function noteText({ note }: EventOf<'note'>, choice: ShivizChoice): string | null {
  if (choice.space !== null && typeof note.space === 'string' && note.space !== choice.space) return null;
  const { text, detail } = noteSentence(note as unknown as DomainEvent);
  return detail === 'full' ? null : text;
}

function sentText(
  event: EventOf<'message.sent' | 'request.sent' | 'reply.sent'>,
  events: readonly TraceEvent[],
  choice: ShivizChoice,
): string | null {
  if (event.kind === 'message.sent') return isShown(event.what, choice) ? `${peerSentence(event.what).text}${event.to}` : null;
  if (event.kind === 'request.sent') return isChosen([event.what.space], choice) ? `asks ${event.to} to ${requestText(event.what)}` : null;
  const asked = event.answers === null ? undefined : events[event.answers - 1];
  if (asked?.kind !== 'request.sent' || !isChosen([asked.what.space], choice)) return null;
  const [before, after] = replyText(event.what, asked.what);
  return `${before}${event.to}${after}`;
}

function isShown(what: PeerContents, choice: ShivizChoice): boolean {
  return what.kind === 'ping' || what.kind === 'membership' ? choice.pings : isChosen(aboutPeer(what).spaces, choice);
}

function isChosen(spaces: readonly string[], { space }: ShivizChoice): boolean {
  return space === null || spaces.includes(space);
}
