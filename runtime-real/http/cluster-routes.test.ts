/** What is said of the cluster over HTTP: states by name, and events that go on where a follower left off. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeId } from '../../core/identifiers.js';
import {
  ClusterHealth,
  ClusterMembers,
  ControlReport,
  MemberState,
  PartitionState,
  Receipt,
} from '../../core/wire/generated/engram/v1/cluster.js';
import type { NodeEvent } from '../node/runtime-events.js';
import { type ClusterRoutesSource, clusterRoutes } from './cluster-routes.js';
import { EventFeed, eventsKept, followersMax } from './event-feed.js';

const node = nodeId('1'.repeat(32));
const member = { nodeId: node, name: 'n1', state: MemberState.ALIVE };
const nothing = new Uint8Array(0);
const [health, members, report] = [ClusterHealth.decode(nothing), ClusterMembers.decode(nothing), ControlReport.decode(nothing)];
const source: ClusterRoutesSource = {
  health: () => ({
    ...health,
    ...{ cluster: 'engram', partition: PartitionState.CONNECTED },
    members: [{ ...member, address: '', self: true, reachable: true, committed: true, removed: false }],
  }),
  members: () => ({ ...members, cluster: 'engram' }),
  receipts: ({ space, after, limit }) => ({
    ...{ nodeId: node, nodeName: 'n1', next: after + limit, dropped: 3 },
    receipts: space === 'notes' ? [{ ...Receipt.decode(nothing), space, number: after + 1, memoryId: 'alone', fate: 'readable' }] : [],
  }),
  control: async () => ({
    ...report,
    ...{ nodeName: 'n1', applied: 7, role: 'leader' },
    rows: [{ space: 'default', spaceGeneration: 0, epoch: undefined, revision: 1, copies: [node], move: undefined }],
  }),
};
const learnt = (name: string): NodeEvent => ({ kind: 'member.learnt', member: name, node });

/** Reads until as many events have come. */
async function read(response: Response, count: number): Promise<string[]> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (text.split('\n\n').length <= count) text += decoder.decode((await reader.read()).value, { stream: true });
  await reader.cancel();
  return text.split('\n\n').slice(0, count);
}

function idIn(event: string): string {
  return /^id: (.*)$/m.exec(event)?.[1] ?? '';
}

const routes = suite('cluster routes');

routes('health, nodes and spaces are JSON with states by name; before there is a node they are 503', async () => {
  const app = clusterRoutes(() => source, new EventFeed());
  const told = (await (await app.request('/cluster/health')).json()) as { members: unknown[]; partition: string; control: object };
  assert.is(told.partition, 'connected');
  assert.match(JSON.stringify(told.members), '"state":"alive"');
  assert.match(JSON.stringify(told.control), '"role":"leader"');
  assert.match(await (await app.request('/cluster/nodes')).text(), '"partition":"unknown"');
  const spaces = (await (await app.request('/cluster/spaces')).json()) as { applied: number; rows: { space: string }[] };
  assert.equal([spaces.applied, spaces.rows[0]?.space], [7, 'default']);
  const early = clusterRoutes(() => null, new EventFeed());
  for (const path of ['health', 'nodes', 'spaces']) assert.is((await early.request(`/cluster/${path}`)).status, 503);
});

routes('receipts of a space come in pages; a question that is wrong is told what is allowed', async () => {
  const app = clusterRoutes(() => source, new EventFeed());
  const page = (await (await app.request('/cluster/spaces/notes/receipts?after=7&limit=5')).json()) as { receipts: object[] };
  assert.match(JSON.stringify(page), '"next":12,"dropped":3');
  assert.match(JSON.stringify(page.receipts[0]), /"number":8,"space":"notes".*"memoryId":"alone".*"fate":"readable"/);
  for (const [path, why] of [
    ['notes/receipts?limit=0', /limit is a whole number from 1 to 1000/],
    ['notes/receipts?after=-1', /after is the `next`/],
    ['notes/receipts?since=1', /after and limit are taken/],
    ['N!/receipts', /3 to 64 characters/],
  ] as const) {
    const refused = await app.request(`/cluster/spaces/${path}`);
    assert.is(refused.status, 400);
    assert.match(((await refused.json()) as { hint: string }).hint, why);
  }
  assert.is((await clusterRoutes(() => null, new EventFeed()).request('/cluster/spaces/notes/receipts')).status, 503);
});

routes('a space without receipts has an empty ledger, a space that nobody knows has none', async () => {
  const app = clusterRoutes(() => source, new EventFeed());
  const empty = await app.request('/cluster/spaces/default/receipts');
  assert.equal([empty.status, ((await empty.json()) as { receipts: object[] }).receipts], [200, []]);
  const unknown = await app.request('/cluster/spaces/defualt/receipts');
  assert.is(unknown.status, 404);
  const message = 'the cluster has no space "defualt"';
  assert.equal(await unknown.json(), { error: message, code: 'NOT_FOUND', field: 'space', hint: 'did you mean default?' });
});

routes('a follower hears what is kept and what comes; one that comes back hears what it has missed', async () => {
  const feed = new EventFeed();
  const app = clusterRoutes(() => source, feed);
  for (const name of ['n2', 'n3']) feed.take(learnt(name));
  feed.take({ kind: 'record.damaged', space: 'default#0', author: '', sequence: 1 } as unknown as NodeEvent);
  const first = await app.request('/cluster/events');
  assert.match(first.headers.get('content-type') ?? '', 'text/event-stream');
  const reading = read(first, 3);
  feed.take(learnt('n4'));
  const heard = await reading;
  const ids = heard.map(idIn);
  assert.equal(
    ids.map((id) => id.split('-')[1]),
    ['1', '2', '3'],
    'events about single records are not among them',
  );
  assert.match(heard[2], 'event: member.learnt');
  assert.match(heard[2], '"member":"n4"');
  feed.take(learnt('n5'));
  const again = await read(await app.request('/cluster/events', { headers: { 'Last-Event-ID': ids[1] } }), 2);
  assert.equal(
    again.map((event) => /"member":"(n\d)"/.exec(event)?.[1]),
    ['n4', 'n5'],
    'and no gap before them',
  );
});

routes('a follower that comes back with an id of elsewhere, or of long ago, is told that there is a gap', async () => {
  const [feed, other] = [new EventFeed(), new EventFeed()];
  const app = clusterRoutes(() => source, feed);
  for (const each of [feed, other]) each.take(learnt('n2'));
  const foreign = other.since(null).events[0]?.id as string;
  const own = feed.since(null).events[0]?.id as string;
  const from = async (id: string): Promise<string[]> => read(await app.request('/cluster/events', { headers: { 'Last-Event-ID': id } }), 2);
  for (const id of [foreign, own.replace(/1$/, '2'), '3-1', 'nonsense']) {
    const [gap, first] = await from(id);
    assert.match(gap, 'event: events.gap', id);
    assert.match(gap, `"reason":"other-feed","missed":null,"lastEventId":"${id}"`);
    assert.is(idIn(first), own, 'what is kept follows');
    // Who is cut off right after the gap was said hears nothing of it again.
    assert.equal(feed.since(idIn(gap)).gap, null);
    assert.is(feed.since(idIn(gap)).events[0]?.id, own);
  }
  for (let count = 0; count < eventsKept + 6; count += 1) feed.take(learnt('n3'));
  const [gap, first] = await from(own);
  assert.match(gap, '"reason":"forgotten","missed":6');
  assert.is(idIn(first), own.replace(/1$/, '8'));
});

routes('what is kept has a bound, and so have the followers', async () => {
  const feed = new EventFeed();
  for (let count = 0; count < 3 * eventsKept; count += 1) feed.take(learnt('n2'));
  assert.is(feed.since(null).events.length, eventsKept);
  const stops = Array.from({ length: followersMax }, () => feed.follow(() => {}));
  assert.is(
    feed.follow(() => {}),
    null,
  );
  assert.is((await clusterRoutes(() => source, feed).request('/cluster/events')).status, 503);
  stops[0]?.();
  assert.is.not(
    feed.follow(() => {}),
    null,
  );
});

routes.run();
