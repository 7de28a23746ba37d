/**
 * The cluster over HTTP: who is in it and how it is, where spaces live, what became of writes made apart, and what happens, as it happens.
 *
 * `/cluster/events` are Server-Sent Events (HTML standard, 9.2): each has an id, and who comes back with `Last-Event-ID` hears what it has missed, as far as it is kept.
 */
import { Hono } from 'hono';
import { streamSSE } from 'hono/streaming';
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
import { type EventFeed, eventJson, followersMax, type NumberedEvent } from './event-feed.js';

export interface ClusterRoutesSource {
  health(): ClusterHealth;
  members(): ClusterMembers;
  control(): Promise<ControlReport>;
  receipts(request: ReceiptsRequest): Receipts;
}

/** A follower that leaves so many events unread is cut off, and may come back with the last id that it has seen. */
const unreadMax = 1_000;
interface Refused {
  readonly error: string;
  readonly hint: string;
}

const starting: Refused = { error: 'the node is still reading its log', hint: 'try again in a moment' };

/** `source` is null while the node reads its log. */
export function clusterRoutes(source: () => ClusterRoutesSource | null, feed: EventFeed): Hono {
  const routes = new Hono();
  routes.get('/cluster/health', async (context) => {
    const cluster = source();
    if (cluster === null) return context.json(starting, 503);
    const control = await cluster.control();
    return context.json({ ...readable(cluster.health()), control: { ...control, rows: undefined, copies: undefined } });
  });
  routes.get('/cluster/nodes', (context) => {
    const cluster = source();
    return cluster === null ? context.json(starting, 503) : context.json(readable(cluster.members()));
  });
  routes.get('/cluster/spaces', async (context) => {
    const cluster = source();
    if (cluster === null) return context.json(starting, 503);
    const { nodeName, applied, rows, copies } = await cluster.control();
    return context.json({ nodeName, applied, rows, copies });
  });
  routes.get('/cluster/spaces/:space/receipts', (context) => {
    const cluster = source();
    if (cluster === null) return context.json(starting, 503);
    const asked = receiptsAsked(context.req.param('space'), context.req.query());
    return 'error' in asked ? context.json(asked, 400) : context.json(cluster.receipts(asked));
  });
  routes.get('/cluster/events', (context) => {
    const waiting: NumberedEvent[] = [...feed.since(context.req.header('Last-Event-ID') ?? null)];
    let wake: () => void = () => {};
    let isOpen = true;
    const stop = feed.follow((event) => {
      if (waiting.length >= unreadMax * 2) isOpen = false;
      else waiting.push(event);
      wake();
    });
    if (stop === null) return context.json({ error: `${followersMax} follow the events already`, hint: 'try again later' }, 503);
    return streamSSE(context, async (stream) => {
      stream.onAbort(() => {
        isOpen = false;
        wake();
      });
      try {
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

/** What of the ledger is asked for; or what is wrong with the question. */
function receiptsAsked(
  space: string,
  { after = '0', limit = String(receiptsInAnswerMax), ...rest }: Record<string, string>,
): ReceiptsRequest | Refused {
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) return { error: `there is no parameter ${JSON.stringify(unknown)}`, hint: 'after and limit are taken' };
  if (!spaceNamePattern.test(space)) {
    return { error: `${JSON.stringify(space)} is no name of a space`, hint: 'a name has 3 to 64 characters of a-z, 0-9, _ and -' };
  }
  if (!/^\d{1,15}$/.test(after))
    return { error: `after=${after} is not allowed`, hint: 'after is the `next` of the page before, or left out' };
  const most = Number(limit);
  if (!/^\d+$/.test(limit) || most < 1 || most > receiptsInAnswerMax) {
    return { error: `limit=${limit} is not allowed`, hint: `limit is a whole number from 1 to ${receiptsInAnswerMax}` };
  }
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
