import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type NodeId, nodeId, spaceKey } from '../identifiers.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { candidateOrder } from './candidate-order.js';

const pure = testPureFunctions();
const members = (count: number): NodeId[] => Array.from({ length: count }, (_, at) => nodeId((at + 1).toString(16).padStart(32, '0')));
const space = (at: number): ReturnType<typeof spaceKey> => spaceKey({ name: `space-${at}`, generation: 0 });

test('the order does not depend on the order in which members are given', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(members(9), { minLength: 9 }), fc.nat(1_000), (shuffled, at) => {
      assert.equal(candidateOrder(space(at), shuffled, pure), candidateOrder(space(at), members(9), pure));
    }),
  );
});

test('a member that goes leaves the order of the others as it was', () => {
  fc.assert(
    fc.property(fc.nat(6), fc.nat(1_000), (gone, at) => {
      const all = members(7);
      const left = all.filter((_, index) => index !== gone);
      assert.equal(
        candidateOrder(space(at), left, pure),
        candidateOrder(space(at), all, pure).filter((member) => member !== all[gone]),
      );
    }),
  );
});

test('5 members are each the first choice of about a fifth of 1,000 spaces', () => {
  const firsts = new Map<NodeId, number>();
  for (let at = 0; at < 1_000; at += 1) {
    const [first] = candidateOrder(space(at), members(5), pure);
    firsts.set(first, (firsts.get(first) ?? 0) + 1);
  }
  assert.is(firsts.size, 5);
  for (const count of firsts.values()) assert.ok(count > 140 && count < 260, `${count} of 1,000`);
});

test.run();
