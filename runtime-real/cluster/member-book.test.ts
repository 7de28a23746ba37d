/** What is remembered of members: over restarts, over damage, over new nodes under old names. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeId } from '../../core/identifiers.js';
import type { RuntimeEvent } from '../node/runtime-events.js';
import { MemberBook } from './member-book.js';

const [one, two, three] = ['1', '2', '3'].map((digit) => nodeId(digit.repeat(32)));
const members = ['n1', 'n2'].map((name, at) => ({ name, address: `127.0.0.1:${at + 1}` }));

const book = suite('member book');
let dataDir: string;
let events: RuntimeEvent[];
book.before.each(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'engram-book-'));
  events = [];
});
book.after.each(() => rmSync(dataDir, { recursive: true, force: true }));

function open(cluster = 'engram'): MemberBook {
  return new MemberBook({ dataDir, cluster, self: 'n1', members, tell: (event) => events.push(event) });
}

function file(): string {
  return join(dataDir, 'cluster', 'members.json');
}

book('members are missing until they have been heard; this node is not', () => {
  const fresh = open();
  fresh.isSelf(two);
  assert.equal(fresh.missing, ['n2']);
  assert.ok(fresh.learn('n2', one));
  assert.equal(fresh.missing, []);
});

book('the cluster that the node belongs to is remembered, and is another for another name', () => {
  const clusterId = 'ab'.repeat(16);
  assert.is(open().clusterId, '');
  open().belongsTo(clusterId);
  assert.is(open().clusterId, clusterId);
  assert.is(open('other').clusterId, '');
});

book('what was learnt is known after a restart; the own id never comes from the file', () => {
  const first = open();
  first.isSelf(one);
  first.learn('n2', two);
  const second = open();
  assert.equal([second.idOf('n1'), second.idOf('n2')], [undefined, two]);
  assert.not(second.learn('n2', two), 'no news');
});

book('another node under a known name takes its place, and that is told', () => {
  open().learn('n2', two);
  const again = open();
  assert.ok(again.learn('n2', three));
  assert.equal(events.at(-1), { kind: 'member.replaced', member: 'n2', node: three, before: two });
  assert.is(open().idOf('n2'), three);
});

book('a damaged file is told of and learnt anew', () => {
  open().learn('n2', two);
  writeFileSync(file(), readFileSync(file(), 'utf8').replace(two, three));
  const damaged = open();
  assert.is(damaged.idOf('n2'), undefined);
  assert.equal(events.at(-1)?.kind, 'members.unreadable');
  damaged.learn('n2', two);
  assert.is(open().idOf('n2'), two);
});

book("another cluster's members are strangers", () => {
  open().learn('n2', two);
  assert.is(open('other').idOf('n2'), undefined);
});

book('a directory that cannot be written costs the memory only', () => {
  writeFileSync(join(dataDir, 'cluster'), 'in the way');
  const stuck = open();
  assert.ok(stuck.learn('n2', two));
  assert.is(events.at(-1)?.kind, 'members.unwritable');
  rmSync(join(dataDir, 'cluster'));
  mkdirSync(join(dataDir, 'cluster'));
});

book.run();
