import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeId, type SpaceKey } from '../../identifiers.js';
import { MoveBudget } from './move-budget.js';

const budgets = suite('move budget');
const [one, two, three] = ['1', '2', '3'].map((digit) => nodeId(digit.repeat(32))) as [
  ReturnType<typeof nodeId>,
  ReturnType<typeof nodeId>,
  ReturnType<typeof nodeId>,
];
const space = 'notes#0' as SpaceKey;

budgets('a move is worked off at the rate, by who gives and who gets; others are free', () => {
  const budget = new MoveBudget(1_000);
  budget.charge({ space, revision: 5, bytes: 3_000, nodes: [one, two] }, 10_000);
  assert.equal(
    [one, two, three].map((node) => budget.isFree(node, 12_999)),
    [false, false, true],
  );
  assert.equal(
    [one, two].map((node) => budget.isFree(node, 13_000)),
    [true, true],
  );
});

budgets('what is told again is not charged again; another move adds to what is left', () => {
  const budget = new MoveBudget(1_000);
  for (const atMs of [0, 250, 500]) budget.charge({ space, revision: 5, bytes: 2_000, nodes: [one] }, atMs);
  assert.ok(budget.isFree(one, 2_000));
  budget.charge({ space, revision: 6, bytes: 1_000, nodes: [one] }, 2_000);
  budget.charge({ space: 'other#0' as SpaceKey, revision: 7, bytes: 1_000, nodes: [one] }, 2_500);
  assert.not.ok(budget.isFree(one, 3_999));
  assert.ok(budget.isFree(one, 4_000));
});

budgets('over a minute no node is charged more than its rate and one move', () => {
  const budget = new MoveBudget(1_000);
  let [charged, revision] = [0, 0];
  for (let atMs = 0; atMs < 60_000; atMs += 100) {
    if (!budget.isFree(one, atMs)) continue;
    revision += 1;
    const bytes = 1 + ((revision * 7_919) % 2_500);
    budget.charge({ space, revision, bytes, nodes: [one] }, atMs);
    charged += bytes;
  }
  assert.ok(charged <= 60_000 + 2_500, `${charged} bytes in a minute`);
  assert.ok(charged >= 50_000, `${charged} bytes in a minute`);
});

budgets.run();
