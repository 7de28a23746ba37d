/** A cluster is made by one node of others that wait for it, and is begun anew by one when a majority is gone. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DomainEvent } from '../domain-events.js';
import { nodeId } from '../identifiers.js';
import type { Cluster } from '../test-support/cluster.js';
import { foundingEntries as entries, isConfirmed, stateOf, waitingCluster } from '../test-support/founded-cluster.js';
import { type Host, testSpace as space } from '../test-support/host.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { foundingOf } from './beginnings.js';
import type { ControlEntry } from './entries.js';

const beginnings = suite('beginnings of a control log');

function answerOf(host: Host, handle: number): string {
  const isAnswer = (event: DomainEvent) => event.kind === 'control.proposal-answered' && event.handle === handle;
  const event = host.events.find(isAnswer);
  if (event?.kind !== 'control.proposal-answered') return 'none';
  return event.answer.kind === 'refused' ? event.answer.why : event.answer.kind;
}

function write(cluster: Cluster, host: Host, id: string): string {
  const handle = host.remember({ id, text: `text of ${id}` });
  cluster.pass(300);
  return `${host.outcome(handle)}${host.replies.get(handle)?.header?.confirmed === true ? ', confirmed' : ''}`;
}

beginnings('one node makes the cluster, the others get it; nobody makes a second one', () => {
  const cluster = waitingCluster();
  const [first, second, third] = cluster.hosts as [Host, Host, Host];
  second.deliver({ kind: 'found', handle: 1, entries: entries.slice(1) });
  assert.is(answerOf(second, 1), 'no such cluster');
  first.deliver({ kind: 'found', handle: 2, entries });
  cluster.passUntil(() => cluster.hosts.every((host) => stateOf(host)?.rows[space] !== undefined));
  assert.is(answerOf(first, 2), 'committed');
  for (const [at, host] of [first, third].entries()) {
    host.deliver({ kind: 'found', handle: 10 + at, entries });
    assert.is(answerOf(host, 10 + at), 'cluster already made');
  }
  cluster.passUntil(() => write(cluster, first, 'a') === 'written, confirmed');
  first.crash();
  cluster.passUntil(() => isConfirmed(second));
  assert.is(write(cluster, second, 'b'), 'written, confirmed');
});

beginnings(
  'while a leader is heard there is nothing to recover; alone, a node begins the next generation, which the others come back to',
  () => {
    const cluster = waitingCluster();
    const [first, second, third] = cluster.hosts as [Host, Host, Host];
    third.deliver({ kind: 'recover', handle: 1 });
    assert.is(answerOf(third, 1), 'nothing to recover');
    first.deliver({ kind: 'found', handle: 2, entries });
    cluster.passUntil(() => stateOf(third)?.rows[space] !== undefined);
    third.deliver({ kind: 'recover', handle: 3 });
    assert.is(answerOf(third, 3), 'nothing to recover');
    first.crash();
    second.crash();
    cluster.pass(3_000);
    third.deliver({ kind: 'recover', handle: 4 });
    cluster.passUntil(() => isConfirmed(third));
    assert.is(answerOf(third, 4), 'recovered');
    assert.equal([stateOf(third)?.generation, stateOf(third)?.voters], [2, [third.id]]);
    assert.is(write(cluster, third, 'c'), 'written, confirmed');
    first.start();
    second.start();
    cluster.passUntil(() => cluster.hosts.every((host) => stateOf(host)?.generation === 2 && stateOf(host)?.voters.length === 3));
    third.crash();
    third.start();
    cluster.passUntil(() => stateOf(third)?.generation === 2 && stateOf(third)?.voters.length === 3);
  },
);

/** All three know of the space, whose primary is the first; each is cut off from both others by now, and hears no leader. */
function scattered(): Cluster {
  const cluster = waitingCluster();
  const [first, second, third] = cluster.hosts as [Host, Host, Host];
  first.deliver({ kind: 'found', handle: 1, entries });
  cluster.passUntil(() => isConfirmed(first) && stateOf(third)?.rows[space] !== undefined);
  for (const host of [first, second, third]) cluster.isolate(host);
  cluster.pass(3_000);
  return cluster;
}

/** Everybody votes in one control log, with the same rows, and no two say that they lead it. */
function isOne({ hosts }: Cluster): boolean {
  const leading = hosts.filter(({ node }) => node.inspectControl()?.raft?.role === 'leader');
  const rows = new Set(hosts.map((host) => JSON.stringify(stateOf(host)?.rows)));
  return leading.length === 1 && rows.size === 1 && hosts.every((host) => stateOf(host)?.voters.length === 3);
}

beginnings('no term goes on through a recovery: at its index those who were given up may have committed another', () => {
  const cluster = scattered();
  const [first, , third] = cluster.hosts as [Host, Host, Host];
  third.deliver({ kind: 'recover', handle: 2 });
  cluster.heal();
  cluster.passUntil(() => isOne(cluster) && isConfirmed(first));
  assert.is(stateOf(first)?.rows[space]?.epoch.generation, 2);
  assert.is(write(cluster, first, 'a'), 'written, confirmed');
});

beginnings('of two that recover without knowing of each other one gives way, and there is one control log again', () => {
  const cluster = scattered();
  const [first, second, third] = cluster.hosts as [Host, Host, Host];
  for (const host of [second, third]) host.deliver({ kind: 'recover', handle: 2 });
  cluster.pass(3_000);
  assert.equal([stateOf(second)?.voters, stateOf(third)?.voters], [[second.id], [third.id]]);
  cluster.heal();
  cluster.passUntil(() => isOne(cluster) && isConfirmed(first));
  assert.equal([isConfirmed(second), isConfirmed(third)], [false, false]);
  assert.is(write(cluster, first, 'a'), 'written, confirmed');
});

beginnings('entries that do not make a cluster, or do not fit to it, found none', () => {
  const pure = testPureFunctions();
  const stranger: ControlEntry = { kind: 'space-created', name: 'other', generation: 0, copies: [nodeId('f'.repeat(32))] };
  assert.is(foundingOf([], pure), null);
  assert.is(foundingOf([...entries, stranger], pure), null);
  assert.is(foundingOf(entries, pure)?.snapshot.index, 2);
});

beginnings.run();
