/**
 * The cluster over HTTP: who is in it and how it is, where spaces live, what became of writes made apart, and what happens, as it happens.
 *
 * `/cluster/events` are Server-Sent Events (HTML standard, 9.2): each has an id, and who comes back with `Last-Event-ID` hears what it has missed. What it cannot
 * be told any more is no silence: the stream then begins with `events.gap`, as a watch of etcd ends with "compacted".
 */
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
import { EngramError } from '../../core/errors.js';
import { spaceNamePattern } from '../../core/identifiers.js';
import {
  type ClusterHealth,
  type ClusterMembers,
  type ControlReport,
  MemberState,
  PartitionState,
  type Receipts,
  type ReceiptsRequest,
} from '../../core/wire/generated/engram/v1/cluster.js';
import { receiptsInAnswerMax } from '../control/receipt-messages.js';
import { spaceUnknown } from '../control/space-names.js';
import { errorAnswer, startingAnswer } from './error-answers.js';
import { type EventFeed, eventJson, followersMax, gapEvent, gapJson, type NumberedEvent } from './event-feed.js';

export interface ClusterRoutesSource {
  health(): ClusterHealth;
  members(): ClusterMembers;
  control(): Promise<ControlReport>;
  receipts(request: ReceiptsRequest): Receipts;
}

/** A follower that leaves so many events unread is cut off, and may come back with the last id that it has seen. */
const unreadMax = 2_000;
/** `source` is null while the node reads its log. */
export function clusterRoutes(source: () => ClusterRoutesSource | null, feed: EventFeed): Hono {
  const routes = new Hono();
  routes.get('/cluster/health', async (context) => {
    const cluster = source();
    if (cluster === null) return startingAnswer(context);
    const control = await cluster.control();
    return context.json({ ...readable(cluster.health()), control: { ...control, rows: undefined, copies: undefined } });
  });
  routes.get('/cluster/nodes', (context) => {
    const cluster = source();
    return cluster === null ? startingAnswer(context) : context.json(readable(cluster.members()));
  });
  routes.get('/cluster/spaces', async (context) => {
    const cluster = source();
    if (cluster === null) return startingAnswer(context);
    const { nodeName, applied, rows, copies } = await cluster.control();
    return context.json({ nodeName, applied, rows, copies });
  });
  routes.get('/cluster/spaces/:space/receipts', async (context) => {
    const cluster = source();
    if (cluster === null) return startingAnswer(context);
    const asked = receiptsAsked(context.req.param('space'), context.req.query());
    if (asked instanceof EngramError) return errorAnswer(context, asked);
    const unknown = await spaceRefusal(cluster, asked.space);
    return unknown === null ? context.json(cluster.receipts(asked)) : errorAnswer(context, unknown);
  });
  routes.get('/cluster/events', (context) => {
    const asked = context.req.header('Last-Event-ID') ?? null;
    const { gap, events } = feed.since(asked);
    const waiting: NumberedEvent[] = [...events];
    let wake: () => void = () => {};
    let isOpen = true;
    const stop = feed.follow((event) => {
      if (waiting.length >= unreadMax) isOpen = false;
      else waiting.push(event);
      wake();
    });
    if (stop === null) {
      const message = `${followersMax} follow the events already`;
      return errorAnswer(context, new EngramError('UNAVAILABLE', { message, hint: 'ask another node, or try again later' }));
    }
    return streamSSE(context, async (stream) => {
      stream.onAbort(() => {
        isOpen = false;
        wake();
      });
      try {
        if (gap !== null) await stream.writeSSE({ id: gap.id, event: gapEvent, data: gapJson(gap, asked ?? '') });
        while (isOpen) {
          for (let next = waiting.shift(); next !== undefined && isOpen; next = waiting.shift()) {
            await stream.writeSSE({ id: next.id, event: next.event.kind, data: eventJson(next) });
          }
          if (isOpen && waiting.length === 0) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        }
      } finally {
        stop();
      }
    });
  });
  return routes;
}

/** A space that this node knows has a row, a copy here, or a receipt of when it had one. Null: it is known. */
async function spaceRefusal(cluster: ClusterRoutesSource, space: string): Promise<EngramError | null> {
  if (cluster.receipts({ space, after: 0, limit: 1 }).receipts.length > 0) return null;
  const { rows, copies } = await cluster.control();
  const names = rows.map((row) => row.space);
  return names.includes(space) || copies.some((copy) => copy.space === space) ? null : spaceUnknown(space, names);
}

/** What of the ledger is asked for; or what is wrong with the question. */
function receiptsAsked(
  space: string,
  { after = '0', limit = String(receiptsInAnswerMax), ...rest }: Record<string, string>,
): ReceiptsRequest | EngramError {
  const wrong = (field: string, message: string, hint: string): EngramError =>
    new EngramError('INVALID_ARGUMENT', { message, field, hint });
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) return wrong(unknown, `there is no parameter ${JSON.stringify(unknown)}`, 'after and limit are taken');
  if (!spaceNamePattern.test(space))
    return wrong('space', `${JSON.stringify(space)} is no name of a space`, 'a name has 3 to 64 characters of a-z, 0-9, _ and -');
  if (!/^\d{1,15}$/.test(after))
    return wrong('after', `after=${after} is not allowed`, 'after is the `next` of the page before, or left out');
  const most = Number(limit);
  if (!/^\d+$/.test(limit) || most < 1 || most > receiptsInAnswerMax)
    return wrong('limit', `limit=${limit} is not allowed`, `limit is a whole number from 1 to ${receiptsInAnswerMax}`);
  return { space, after: Number(after), limit: most };
}

/** States by name instead of by number. */
function readable<Answer extends { readonly partition: PartitionState; readonly members: readonly { readonly state: MemberState }[] }>(
  answer: Answer,
): object {
  const name = (text: string): string => (/UNSPECIFIED|UNRECOGNIZED/.test(text) ? 'unknown' : text.toLowerCase());
  const members = answer.members.map((member) => ({ ...member, state: name(MemberState[member.state]) }));
  return { ...answer, partition: name(PartitionState[answer.partition]), members };
}
