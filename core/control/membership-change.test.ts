/** Members and rows may change while a node serves; spaces without a row live where rendezvous hashing puts them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type NodeId, nodeId, type SpaceKey, spaceKey } from '../identifiers.js';
import { candidateOrder } from '../placement/candidate-order.js';
import { Cluster, smallSegments } from '../test-support/cluster.js';
import type { Host } from '../test-support/host.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { AckLevel } from '../wire/generated/engram/v1/service.js';
import type { ControlView } from './members-and-rows.js';

const changes = suite('changes of members and rows');
const pure = testPureFunctions();

function viewOf(members: readonly NodeId[], replicationFactor = 2): ControlView {
  return {
    epoch: { generation: 0, index: 0 },
    members: members.map((id) => ({ id, name: id.slice(0, 4) })),
    rows: {},
    unlisted: members.length === 0 ? null : { replicationFactor },
  };
}

function tell(cluster: Cluster, hosts: readonly Host[], view: ControlView): void {
  for (const host of hosts) if (host.up) host.deliver({ kind: 'control', view });
  cluster.pass(3_000);
}

const named = (name: string): SpaceKey => spaceKey({ name, generation: 0 });

function copiesOf(cluster: Cluster, members: readonly Host[], space: string, replicationFactor = 2): Host[] {
  const order = candidateOrder(
    named(space),
    members.map(({ id }) => id),
    pure,
  );
  return order.slice(0, replicationFactor).map((id) => cluster.hosts.find((host) => host.id === id) as Host);
}

/** Writes as a client does that is told to try again while a term is being claimed. */
function write(cluster: Cluster, host: Host, space: string, id: string): string {
  for (let tried = 0; ; tried += 1) {
    const handle = host.remember({ id, text: `of ${space}` }, { space, ack: AckLevel.ACK_ONE });
    cluster.pass(50);
    const outcome = host.outcome(handle);
    if (outcome !== 'NOT_PRIMARY' || tried > 20) return outcome;
  }
}

const held = (host: Host, space: string): number =>
  host.node.inspect().spaces.find((each) => each.space === named(space))?.versions.length ?? 0;

changes('nodes that know no members serve no space; once told, any space that is asked for lives on its first candidates', () => {
  const cluster = new Cluster(3, { view: viewOf([]) });
  const { hosts } = cluster;
  assert.is(hosts[0].outcome(hosts[0].remember({ id: 'early', text: 'too early' }, { space: 'somewhere' })), 'NOT_A_COPY');
  tell(cluster, hosts, viewOf(hosts.map(({ id }) => id)));
  for (let count = 0; count < 12; count += 1) {
    const space = `space-${count}`;
    const [primary, replica] = copiesOf(cluster, hosts, space);
    const other = hosts.find((host) => host !== primary && host !== replica) as Host;
    assert.is(write(cluster, primary, space, 'a'), 'written');
    assert.is(other.outcome(other.remember({ id: 'b', text: 'elsewhere' }, { space })), 'NOT_A_COPY');
    cluster.pass(1_000);
    assert.equal([held(primary, space), held(replica, space), held(other, space)], [1, 1, 0]);
  }
});

changes('after the primary of a space without a row is gone its next candidate takes writes, and gives way when it is back', () => {
  const cluster = new Cluster(3, { view: viewOf([]) });
  const { hosts } = cluster;
  const view = viewOf(
    hosts.map(({ id }) => id),
    3,
  );
  tell(cluster, hosts, view);
  const [first, second, third] = copiesOf(cluster, hosts, 'somewhere', 3);
  assert.is(write(cluster, first, 'somewhere', 'a'), 'written');
  first.crash();
  cluster.pass(3_000);
  assert.is(write(cluster, second, 'somewhere', 'b'), 'written');
  first.start();
  tell(cluster, [first], view);
  assert.is(write(cluster, first, 'somewhere', 'c'), 'written');
  cluster.pass(2_000);
  for (const host of [first, second, third]) assert.is(held(host, 'somewhere'), 3);
});

changes('a member that takes the place of another gets what the space holds', () => {
  const cluster = new Cluster(3, { view: viewOf([nodeId('11'.repeat(16)), nodeId('22'.repeat(16))]) });
  const [first, second, third] = cluster.hosts;
  const [primary] = copiesOf(cluster, [first, second], 'somewhere');
  assert.is(write(cluster, primary, 'somewhere', 'a'), 'written');
  assert.is(held(third, 'somewhere'), 0);
  const gone = primary === first ? second : first;
  gone.crash();
  tell(cluster, cluster.hosts, viewOf([primary.id, third.id]));
  assert.is(held(third, 'somewhere'), 1);
});

changes('a node that is no longer a copy ends its term', () => {
  const cluster = new Cluster(3);
  const [first, second, third] = cluster.hosts;
  assert.ok(first.isPrimary);
  const view = cluster.control();
  const row = { space: named('default'), copies: [second.id, third.id] };
  tell(cluster, cluster.hosts, { ...view, rows: { default: row, [row.space]: row } });
  assert.equal([first.isPrimary, second.isPrimary], [false, true]);
  assert.ok(first.events.some((event) => event.kind === 'term.ended' && event.reason.includes('no longer a copy')));
});

changes('members that have only just been told of are not out of reach: one copy takes writes, not each', () => {
  const cluster = new Cluster(3, { view: viewOf([]) });
  const { hosts } = cluster;
  cluster.latencyMs = 5;
  const view = viewOf(
    hosts.map(({ id }) => id),
    3,
  );
  for (const host of hosts) host.deliver({ kind: 'control', view });
  const handles = hosts.map((host) => host.remember({ id: 'a', text: `by n${host.index + 1}` }));
  assert.equal(
    hosts.map((host, at) => host.outcome(handles[at])),
    ['NOT_PRIMARY', 'NOT_PRIMARY', 'NOT_PRIMARY'],
  );
  cluster.pass(3_000);
  assert.is(hosts.filter(({ isPrimary }) => isPrimary).length, 1);
  assert.is(hosts.flatMap(({ events }) => events).filter(({ kind }) => kind === 'term.taken').length, 1);
});

changes('damage found before the members are known is doubted as widely as when they are', () => {
  const members = ['11', '22', '33'].map((digits) => nodeId(digits.repeat(16)));
  const options = { storage: smallSegments, view: viewOf(members, 3) };
  const cluster = new Cluster(3, options);
  const primary = copiesOf(cluster, cluster.hosts, 'default', 3)[0];
  assert.is(write(cluster, primary, 'default', 'first'), 'written');
  primary.remember({ id: 'b', text: 'precious b' }, { ack: AckLevel.ACK_ALL });
  cluster.rewrite(primary, 60);
  cluster.pass(3_000);
  const host = cluster.hosts.find((other) => other !== primary) as Host;
  cluster.isolate(host);
  assert.ok(host.rot('precious b'));
  host.crash();
  const { disk } = host;
  const startIn = (view: ControlView): string => {
    host.crash();
    host.disk = disk.afterCrash();
    options.view = view;
    host.start();
    cluster.pass(300);
    return host.coverage();
  };
  const known = startIn(viewOf(members, 3));
  assert.is(startIn(viewOf([])), known);
  host.deliver({ kind: 'control', view: viewOf(members, 3) });
  cluster.heal();
  cluster.pass(5_000);
  assert.is(host.coverage(), primary.coverage());
  assert.is(host.text('b'), 'precious b');
});

changes.run();
