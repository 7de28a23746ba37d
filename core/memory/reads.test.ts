/** Recalls during which something changes: the scan runs outside, and its result is judged against what is readable when it comes back. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OneNode } from '../test-support/one-node.js';
import { decodeEpisode } from '../wire/episode.js';

const reads = suite('reads');
const nothing = new Uint8Array(0);

/** What a recall answers during whose scan something happened: id, text and score of each memory, best first. */
function recalledDuring(node: OneNode, limit: number, happens: () => void): string[] {
  node.holdScans = true;
  const blank = { who: '', where: '', tags: [], confidenceMin: 0, embedder: '', occurredFromMs: undefined, occurredUntilMs: undefined };
  const handle = node.send({ $case: 'recall', value: { ...blank, embedding: [1, 0], limit } });
  happens();
  node.releaseScans();
  const body = node.replies.get(handle)?.body;
  if (body?.$case !== 'recalled') throw new Error(`the recall was answered ${JSON.stringify(body)}`);
  assert.equal(body.value.coverage?.reasons, []);
  return body.value.memories.map(({ episode, score }) => {
    const { id, text } = decodeEpisode(episode, node.pure) ?? {};
    return `${id} ${text} ${score.toFixed(2)}`;
  });
}

function withThree(): OneNode {
  const node = new OneNode().start();
  node.remember({ id: 'a', text: 'first', embedding: Float32Array.of(1, 0) });
  node.remember({ id: 'b', text: 'first', embedding: Float32Array.of(0.8, 0.6) });
  node.remember({ id: 'c', text: 'first', embedding: Float32Array.of(0, 1) });
  return node;
}

reads('a memory that is replaced during the scan is found in its new version, where that ranks', () => {
  const node = withThree();
  const found = recalledDuring(node, 10, () => void node.remember({ id: 'a', text: 'second', embedding: Float32Array.of(0.6, 0.8) }));
  assert.equal(found, ['b first 0.80', 'a second 0.60', 'c first 0.00']);
  const twice = recalledDuring(node, 10, () => {
    node.remember({ id: 'a', text: 'third', embedding: Float32Array.of(0.6, 0.8) });
    node.remember({ id: 'a', text: 'fourth', embedding: Float32Array.of(1, 0) });
  });
  assert.equal(twice, ['a fourth 1.00', 'b first 0.80', 'c first 0.00']);
});

reads('of one that is forgotten, or loses its embedding, during the scan nothing is found', () => {
  const node = withThree();
  const forgotten = recalledDuring(
    node,
    10,
    () => void node.ask({ $case: 'forget', value: { id: 'a', context: nothing, expectedVersion: nothing } }),
  );
  assert.equal(forgotten, ['b first 0.80', 'c first 0.00']);
  assert.equal(
    recalledDuring(node, 10, () => void node.remember({ id: 'b', text: 'second' })),
    ['c first 0.00'],
  );
});

reads('scans that overlap each look at what has changed since their own start, and limits hold', () => {
  const node = withThree();
  let inner: string[] = [];
  const outer = recalledDuring(node, 2, () => {
    node.remember({ id: 'c', text: 'second', embedding: Float32Array.of(1, 0) });
    inner = recalledDuring(node, 2, () => void node.remember({ id: 'a', text: 'second', embedding: Float32Array.of(0, 1) }));
  });
  assert.equal(inner, ['c second 1.00', 'b first 0.80']);
  assert.equal(outer, inner);
});

reads('a new version that ranks behind all that a full scan kept takes no place from what it left', () => {
  const node = new OneNode().start();
  // One is asked for; of twenty alike the scan keeps seventeen, all of which are moved to the end during it.
  for (let n = 0; n < 20; n += 1) node.remember({ id: `m${n}`, text: 'first', embedding: Float32Array.of(1, n / 100) });
  const found = recalledDuring(node, 1, () => {
    for (let n = 0; n < 17; n += 1) node.remember({ id: `m${n}`, text: 'second', embedding: Float32Array.of(0, 1) });
  });
  assert.equal(
    found.map((each) => each.split(' ').slice(0, 2)),
    [['m17', 'first']],
  );
});

reads.run();
