/** What is said of the cluster over HTTP: states by name, and events that go on where a follower left off. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeId } from '../../core/identifiers.js';
import { ClusterHealth, ClusterMembers, ControlReport, MemberState, PartitionState } from '../../core/wire/generated/engram/v1/cluster.js';
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
    members: [{ ...member, address: '', self: true, reachable: true, committed: true }],
  }),
  members: () => ({ ...members, cluster: 'engram' }),
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

routes('a follower hears what is kept and what comes; one that comes back hears what it has missed', async () => {
  const feed = new EventFeed();
  feed.boot = 3;
  const app = clusterRoutes(() => source, feed);
  for (const name of ['n2', 'n3']) feed.take(learnt(name));
  feed.take({ kind: 'record.damaged', space: 'default#0', author: '', sequence: 1 } as unknown as NodeEvent);
  const first = await app.request('/cluster/events');
  assert.match(first.headers.get('content-type') ?? '', 'text/event-stream');
  const reading = read(first, 3);
  feed.take(learnt('n4'));
  const heard = await reading;
  assert.equal(
    heard.map((event) => /^id: (.*)$/m.exec(event)?.[1]),
    ['3-1', '3-2', '3-3'],
    'events about single records are not among them',
  );
  assert.match(heard[2], 'event: member.learnt');
  assert.match(heard[2], '"member":"n4"');
  feed.take(learnt('n5'));
  const again = await read(await app.request('/cluster/events', { headers: { 'Last-Event-ID': '3-2' } }), 2);
  assert.equal(
    again.map((event) => /"member":"(n\d)"/.exec(event)?.[1]),
    ['n4', 'n5'],
  );
});

routes('what is kept has a bound, and so have the followers', async () => {
  const feed = new EventFeed();
  for (let count = 0; count < 3 * eventsKept; count += 1) feed.take(learnt('n2'));
  assert.is(feed.since(null).length, eventsKept);
  assert.is(feed.since('0-1').length, eventsKept, 'what came before is forgotten: all that is left is told');
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
