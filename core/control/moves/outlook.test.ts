/** What a plan says of bytes and time. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeId } from '../../identifiers.js';
import { outlookOf } from './outlook.js';
import { defaultRebalancingOptions } from './rebalancing-options.js';

const outlook = suite('outlook');
const [a, b, c] = ['aa', 'bb', 'cc'].map((id) => id.repeat(16)) as [NodeId, NodeId, NodeId];
const options = { ...defaultRebalancingOptions, bytesPerSecondMax: 1_000, movesPerNodeMax: 2, movesMax: 3, lagMsMax: 100 };

outlook('nothing takes no time', () => {
  assert.equal(outlookOf([], options), { bytes: 0, aboutMs: 0 });
});

outlook('the node that gives and gets most is waited for', () => {
  const copyings = [
    { bytes: 5_000, nodes: [a, b] },
    { bytes: 3_000, nodes: [a, c] },
  ];
  assert.equal(outlookOf(copyings, options), { bytes: 8_000, aboutMs: 8_100 });
});

outlook('small copies take time by their number: at one node, and in all', () => {
  const moves = (count: number, nodes: readonly NodeId[]) => Array.from({ length: count }, () => ({ bytes: 0, nodes }));
  assert.is(outlookOf(moves(5, [a, b]), options).aboutMs, 300);
  assert.is(outlookOf([...moves(2, [a]), ...moves(2, [b]), ...moves(2, [c])], options).aboutMs, 200);
});

outlook.run();
