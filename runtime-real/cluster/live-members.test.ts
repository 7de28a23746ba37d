/** What watchers are told of members: each change once, with the state that the event speaks of, and why. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DomainEvent } from '../../core/domain-events.js';
import { type NodeId, nodeId } from '../../core/identifiers.js';
import type { Address } from '../../core/membership/address.js';
import type { Incarnation, MemberInspection, MemberState, MembershipInspection } from '../../core/membership/inspection.js';
import { type LiveChange, LiveMembers } from './live-members.js';

const [n1, n2, n3] = ['1', '2', '3'].map((digit) => nodeId(digit.repeat(32))) as [NodeId, NodeId, NodeId];
const incarnation: Incarnation = { boot: { counter: 1, random: '0'.repeat(16) } as unknown as Incarnation['boot'], refutation: 0 };

class Table {
  readonly states = new Map<NodeId, MemberState>([
    [n1, 'alive'],
    [n2, 'alive'],
    [n3, 'alive'],
  ]);
  partition: MembershipInspection['partition'] = 'connected';
  looks = 0;
  readonly changes: LiveChange[] = [];
  readonly live = new LiveMembers({
    inspect: () => {
      this.looks += 1;
      return this.#inspection();
    },
    changed: () => {},
  });

  constructor() {
    this.live.watch((change) => this.changes.push(change));
  }

  async after(...events: readonly DomainEvent[]): Promise<string[]> {
    this.changes.length = 0;
    for (const event of events) this.live.take(event);
    await new Promise((resolve) => setImmediate(resolve));
    return this.changes.map((change) =>
      change.kind === 'member'
        ? `${change.member.metadata.name} ${change.before ?? 'new'} ${change.member.state}`
        : `partition ${change.before} ${change.now} ${change.reachable}/${change.total}`,
    );
  }

  #inspection(): MembershipInspection {
    const members = [...this.states].map(([node, state]): MemberInspection => {
      const metadata = {
        name: `n${node[0]}`,
        zone: '',
        rack: '',
        roles: [],
        version: '',
        grpcAddress: `10.0.0.${node[0]}:50051`,
        loadPercent: 0,
      };
      const link = { inbound: 'works', outbound: 'unknown' } as const;
      const heard = { sinceMs: 0, heardMs: null, roundTripMs: null };
      return {
        node,
        isSelf: node === n1,
        state,
        isPrivate: false,
        incarnation,
        address: '10.0.0.1:7946' as Address,
        metadata,
        ...heard,
        ...link,
      };
    });
    const reachable = members.filter(({ state }) => state === 'alive').length;
    const brokenLinks = [{ from: n2, to: n3, toldBy: n3 }];
    const rest = { localHealth: 0, seeds: [], hasLeft: false, counters: {} as MembershipInspection['counters'] };
    return { node: n1, members, partition: this.partition, reachable, total: members.length, brokenLinks, ...rest };
  }
}

const paths = { directMs: 250, indirect: [n3], nacks: [n3], reliable: 'no answer', localHealth: 1 } as const;
const suspected = (more: object = {}): DomainEvent =>
  ({
    kind: 'member.suspected',
    node: n2,
    incarnation,
    accuser: n1,
    paths,
    isPrivate: false,
    timeoutMs: 4_500,
    confirmationsMax: 2,
    ...more,
  }) as DomainEvent;

const members = suite('live members');

members('a suspicion that is refuted within the same turn is seen all the same, each step once', async () => {
  const table = new Table();
  assert.equal(await table.after({ kind: 'membership.joined', through: n2, members: 2 }), ['n2 new alive', 'n3 new alive']);
  const refuted: DomainEvent = { kind: 'member.refuted', node: n2, incarnation, suspectedForMs: 3 };
  const looks = table.looks;
  assert.equal(await table.after(suspected(), refuted), ['n2 alive suspect', 'n2 suspect alive']);
  assert.is(table.looks, looks + 1);
});

members('why somebody is distrusted is said in words, and forgotten when he is back', async () => {
  const table = new Table();
  await table.after({ kind: 'membership.joined', through: n2, members: 2 });
  table.states.set(n2, 'suspect');
  await table.after(suspected());
  const reasonOf = (node: NodeId): string | undefined => table.live.all().find((member) => member.node === node)?.reason;
  assert.is(
    reasonOf(n2),
    'no answer to a ping within 250 ms, nor over n3 (n3: no answer there either), over TCP no answer (local health 1); it has 4500 ms to say otherwise',
  );
  await table.after(suspected({ accuser: n3, paths: null, isPrivate: true }));
  assert.match(reasonOf(n2) ?? '', /^suspected by n3; .*keeps it to itself$/);
  table.states.set(n2, 'dead');
  await table.after({ kind: 'member.died', node: n2, incarnation, declaredBy: n3 });
  assert.is(reasonOf(n2), 'declared dead by n3');
  table.states.set(n2, 'alive');
  const returned = { node: n2, address: '10.0.0.9:7946' as Address, incarnation, was: 'dead', absentMs: 5 } as const;
  assert.equal(await table.after({ kind: 'member.returned', ...returned }), ['n2 dead alive']);
  assert.is(reasonOf(n2), '');
});

for (const kind of ['member.restarted', 'member.moved'] as const) {
  members(`who is dead and ${kind.slice('member.'.length)} is alive without a reason, also for watchers`, async () => {
    const table = new Table();
    await table.after({ kind: 'membership.joined', through: n2, members: 2 });
    table.states.set(n2, 'dead');
    await table.after({ kind: 'member.died', node: n2, incarnation, declaredBy: n3 });
    table.states.set(n2, 'alive');
    const [from, to] = ['10.0.0.2:7946', '10.0.0.9:7946'] as [Address, Address];
    const event: DomainEvent = kind === 'member.restarted' ? { kind, node: n2, incarnation } : { kind, node: n2, from, to };
    assert.equal(await table.after(event), ['n2 dead alive']);
    const told = table.changes.map((change) => (change.kind === 'member' ? change.member.reason : 'no member'));
    assert.equal(told, ['']);
    assert.is(table.live.all().find(({ node }) => node === n2)?.reason, '');
  });
}

members('a restart that nobody missed, a move, a partition: news without another state; events of other parts are none', async () => {
  const table = new Table();
  await table.after({ kind: 'membership.joined', through: n2, members: 2 });
  assert.equal(await table.after({ kind: 'member.restarted', node: n2, incarnation }), ['n2 alive alive']);
  assert.equal(await table.after({ kind: 'peer.reached', peer: n2 }), []);
  table.states.set(n3, 'dead');
  table.partition = 'partitioned';
  assert.equal(await table.after({ kind: 'partition.began', reachable: 2, total: 3, isolated: false }), [
    'n3 alive dead',
    'partition connected partitioned 2/3',
  ]);
});

members('where somebody is goes by identity, and nobody is at the address of the dead', () => {
  const table = new Table();
  assert.is(table.live.addressOf('n2', null), '10.0.0.2:50051');
  assert.is(table.live.addressOf('another name', n3), '10.0.0.3:50051');
  table.states.set(n3, 'dead');
  assert.is(table.live.addressOf('n3', n3), null);
});

members('links: the own ones as they are, and what others call broken', () => {
  const links = new Table().live.links().map(({ from, to, state, toldBy }) => `${from[0]}>${to[0]} ${state} by ${toldBy[0]}`);
  assert.equal(links, ['2>1 works by 1', '1>2 unknown by 1', '3>1 works by 1', '1>3 unknown by 1', '2>3 broken by 3']);
});

members.run();
