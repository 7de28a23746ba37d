/** What a write may ask for and what it is answered: bounds that refuse, room that is judged to the byte, retries, deadlines, acknowledgement. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeAuthorSequences } from '../clock/author-sequences.js';
import { contextEntriesMax } from '../clock/causal-context.js';
import type { Author } from '../identifiers.js';
import { Cluster } from '../test-support/cluster.js';
import { OneNode } from '../test-support/one-node.js';
import { decodeEpisode, type EpisodeContent } from '../wire/episode.js';
import { AckLevel, type Reply, type RequestHeader } from '../wire/generated/engram/v1/service.js';

const writes = suite('writes');
const nothing = new Uint8Array(0);
const requestId = (n: number): Uint8Array => new Uint8Array(16).fill(n);

/** A context that names so many boots, all different from those of other prefixes. */
function contextOf(boots: number, prefix: string): Uint8Array {
  const authors = Array.from({ length: boots }, (_, n) => (prefix + n.toString(16).padStart(54, '0')) as Author);
  return encodeAuthorSequences({ authors, sequences: authors.map(() => 1) });
}

function outcome(reply: Reply | undefined): string {
  if (reply?.body === undefined) return 'unanswered';
  return reply.body.$case === 'failure' ? reply.body.value.code : reply.body.$case;
}

function text(node: OneNode, id: string): string | null {
  const { body } = node.get(id);
  if (body?.$case !== 'got') return outcome({ header: undefined, body });
  return body.value.memory === undefined ? null : (decodeEpisode(body.value.memory.episode, node.pure)?.text ?? null);
}

type Content = Partial<EpisodeContent> & { readonly id: string };

function rememberWith(node: OneNode, content: Content, context: Uint8Array, header: Partial<RequestHeader> = {}): number {
  return node.send({ $case: 'remember', value: { episode: node.episode(content), context } }, header);
}

/** Damages the stored record for good. */
function rot(node: OneNode, needle: string): void {
  let rotten = 0;
  for (const files of [node.disk.written, node.disk.synced]) {
    for (const [file, bytes] of files) {
      const at = file.startsWith('wal') ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(needle) : -1;
      if (at < 0) continue;
      bytes[at] ^= 0x55;
      rotten += 1;
    }
  }
  assert.ok(rotten > 0);
}

writes('beyond the bytes that may wait for room in the log writes are refused, and what waits is written', () => {
  const node = new OneNode({ storage: { groupBytesMax: 1, gatherBytesMax: 5_000 } }).start();
  node.holdSyncs = true;
  const sent = Array.from({ length: 8 }, (_, n) => rememberWith(node, { id: `m${n}`, text: 'x'.repeat(2_000) }, nothing));
  // One is on its way to the disk, one is gathered for the next group, two wait.
  assert.equal(
    sent.map((handle) => outcome(node.replies.get(handle))),
    [...Array(4).fill('unanswered'), ...Array(4).fill('OVERLOADED')],
  );
  assert.equal(
    node.events.filter(({ kind }) => kind === 'request.overloaded'),
    Array(4).fill({ kind: 'request.overloaded', bound: 'gatherBytesMax' }),
  );
  node.releaseSyncs();
  for (const handle of sent.slice(0, 4)) assert.is(outcome(node.replies.get(handle)), 'written');
  assert.is(outcome(node.replies.get(rememberWith(node, { id: 'later', text: 'y'.repeat(20_000) }, nothing))), 'written');
});

writes('a context beyond its bound is refused, and the node goes on', () => {
  const node = new OneNode({ storage: { segmentBytes: 2 ** 20 } }).start();
  assert.is(outcome(node.replies.get(rememberWith(node, { id: 'x', text: 'a' }, contextOf(contextEntriesMax, 'aa')))), 'INVALID_ARGUMENT');
  assert.is(outcome(node.replies.get(rememberWith(node, { id: 'x', text: 'a' }, contextOf(600, 'aa')))), 'written');
  // Joined with what is held it would name 1,200.
  assert.is(outcome(node.replies.get(rememberWith(node, { id: 'x', text: 'b' }, contextOf(600, 'bb')))), 'INVALID_ARGUMENT');
  assert.is(outcome(node.replies.get(rememberWith(node, { id: 'x', text: 'c' }, contextOf(10, 'bb')))), 'written');
  const again = new OneNode({ disk: node.disk.afterCrash(), storage: { segmentBytes: 2 ** 20 } }).start();
  assert.is(text(again, 'x'), 'c');
});

writes('a context near its bound is given back by the reader and taken again', () => {
  const node = new OneNode({ storage: { segmentBytes: 2 ** 20 } }).start();
  const reply = node.replies.get(rememberWith(node, { id: 'x', text: 'a' }, contextOf(contextEntriesMax - 2, 'aa')));
  assert.is(reply?.body?.$case, 'written');
  if (reply?.body?.$case !== 'written') return;
  assert.is(outcome(node.replies.get(rememberWith(node, { id: 'x', text: 'b' }, reply.body.value.context))), 'written');
  assert.is(text(node, 'x'), 'b');
});

writes('room is judged by the length of the record itself, its context included', () => {
  const node = new OneNode().start();
  node.holdSyncs = true;
  const handles = [0, 1, 2].map((n) => rememberWith(node, { id: `y${n}`, text: 'a' }, contextOf(1_000, 'aa')));
  node.releaseSyncs();
  node.pass(1_000);
  for (const handle of handles) assert.is(outcome(node.replies.get(handle)), 'written');
});

writes('a record that fills the last of a full disk is taken, the one beyond is refused', () => {
  const node = new OneNode({ storage: { segmentBytes: 65_536 } });
  node.disk.capacityBytes = 65_536 + 4_096;
  node.start();
  let taken = 0;
  let refused = 0;
  for (let n = 0; n < 40; n += 1) {
    const came = outcome(node.replies.get(rememberWith(node, { id: `f${n}`, text: 'z'.repeat(500) }, contextOf(100, 'aa'))));
    if (came === 'written') taken += 1;
    else refused += came === 'STORAGE_FULL' ? 1 : 0;
  }
  assert.ok(taken > 10 && refused > 0 && taken + refused === 40, `${taken} taken, ${refused} refused`);
  const again = new OneNode({ disk: node.disk.afterCrash() }).start();
  for (let n = 0; n < taken; n += 1) assert.is(text(again, `f${n}`), 'z'.repeat(500));
});

writes('the same content over a damaged record is written anew', () => {
  const node = new OneNode({ storage: { cacheBytesMax: 0 } }).start();
  node.remember({ id: 'x', text: 'precious' }, { requestId: requestId(1) });
  rot(node, 'precious');
  assert.is(text(node, 'x'), 'DATA_DAMAGED');
  const again = node.remember({ id: 'x', text: 'precious' }, { requestId: requestId(1) });
  assert.ok(again.body?.$case === 'written' && !again.body.value.duplicate);
  assert.is(text(node, 'x'), 'precious');
});

for (const stepMs of [120_000, -120_000]) {
  writes(`a retry is recognised though the clock was stepped by ${stepMs / 1_000} s`, () => {
    const node = new OneNode().start();
    node.remember({ id: 'x', text: 'old' }, { requestId: requestId(1) });
    node.now = { ...node.now, wallMs: node.now.wallMs + stepMs };
    node.remember({ id: 'x', text: 'new' }, { requestId: requestId(2) });
    node.pass(100);
    const retry = node.remember({ id: 'x', text: 'old' }, { requestId: requestId(1) });
    assert.ok(retry.body?.$case === 'written' && retry.body.value.duplicate && retry.body.value.superseded);
    assert.is(text(node, 'x'), 'new');
  });
}

writes('nobody waits for room beyond his deadline; what was never appended has certainly failed', () => {
  const node = new OneNode({ storage: { groupBytesMax: 1_000 } }).start();
  node.holdSyncs = true;
  const handles = [0, 1, 2, 3, 4].map((n) => rememberWith(node, { id: `k${n}`, text: 'z'.repeat(600) }, nothing, { deadlineMs: 500 }));
  node.pass(1_000);
  const outcomes = handles.map((handle) => outcome(node.replies.get(handle)));
  assert.equal(outcomes, ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 'OVERLOADED', 'OVERLOADED', 'OVERLOADED']);
  node.releaseSyncs();
  node.pass(1_000);
  assert.equal([text(node, 'k0')?.length, text(node, 'k1')?.length, text(node, 'k2')], [600, 600, null]);
});

writes('an episode has a greatest size in all, fields unknown here included', () => {
  const node = new OneNode({ storage: { segmentBytes: 4 * 2 ** 20 } }).start();
  const known = node.episode({ id: 'big', text: 'q' });
  const size = 2 * 2 ** 20;
  // Field 2047, bytes, of 2 MiB: 0x80 0x80 0x80 0x01 as a varint.
  const episode = new Uint8Array(known.length + 6 + size);
  episode.set(known);
  episode.set([0xfa, 0x7f, 0x80, 0x80, 0x80, 0x01], known.length);
  const refused = node.ask({ $case: 'remember', value: { episode, context: nothing } });
  assert.is(outcome(refused), 'INVALID_ARGUMENT');
  assert.ok(refused.body?.$case === 'failure' && refused.body.value.field === 'episode');
});

writes('an acknowledgement level asks for that many copies, never for fewer', () => {
  const alone = new OneNode().start();
  assert.is(outcome(alone.remember({ id: 'x', text: 'a' }, { ack: AckLevel.ACK_ONE })), 'ACK_OUT_OF_REACH');
  assert.is(outcome(alone.remember({ id: 'x', text: 'b' }, { ack: 99 as AckLevel })), 'INVALID_ARGUMENT');
  for (const ack of [AckLevel.ACK_DEFAULT, AckLevel.ACK_LOCAL, AckLevel.ACK_QUORUM, AckLevel.ACK_ALL])
    assert.is(outcome(alone.remember({ id: 'x', text: `level ${ack}` }, { ack })), 'written');

  const cluster = new Cluster(3);
  const [first, second, third] = cluster.hosts;
  second.holdSyncs = true;
  third.holdSyncs = true;
  const handles = [AckLevel.ACK_LOCAL, AckLevel.ACK_ONE, AckLevel.ACK_QUORUM, AckLevel.ACK_ALL].map((ack) =>
    first.remember({ id: `level ${ack}`, text: 'a' }, { ack }),
  );
  const answered = (): string[] => handles.map((handle) => first.outcome(handle));
  assert.equal(answered(), ['written', 'unanswered', 'unanswered', 'unanswered']);
  second.release();
  assert.equal(answered(), ['written', 'written', 'written', 'unanswered']);
  third.release();
  assert.equal(answered(), ['written', 'written', 'written', 'written']);
});

writes.run();
