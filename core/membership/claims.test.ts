/** What claims do to a table, in whatever order they come. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { authorOf, nodeId } from '../identifiers.js';
import { type Claim, compareClaims } from './claim.js';
import { Claims } from './claims.js';
import type { Member } from './member-table.js';
import { type LoneServices, loneServices, testDescription } from './test-support/lone-services.js';

const suiteOfClaims = suite('claims and the table');

const node = nodeId('ab'.repeat(16));
const accuser = nodeId('cd'.repeat(16));
const author = (counter: number, random = '1') => authorOf(node, { counter, random: random.repeat(16) });

interface Judge extends LoneServices {
  readonly claims: Claims;
  readonly member: () => Member | undefined;
}

function judge(membersMax = 4_096): Judge {
  const lone = loneServices({ membersMax });
  const claims = new Claims(lone.services, {
    becameLive: () => undefined,
    becameGone: () => undefined,
    suspicionHeard: () => undefined,
    reachesSomebody: () => true,
  });
  return { ...lone, claims, member: () => lone.services.table.get(node) };
}

const announce = (counter: number, refutation = 0, at = 'a:1'): Claim => ({
  author: author(counter),
  refutation,
  state: 'alive',
  accusers: [],
  description: testDescription(at, refutation),
});
const say = (state: Claim['state'], counter: number, refutation = 0): Claim => ({
  author: author(counter),
  refutation,
  state,
  accusers: state === 'suspect' || state === 'dead' ? [accuser] : [],
  description: null,
});

suiteOfClaims('lead to the same state in any order', () => {
  const said = fc
    .record({
      state: fc.constantFrom('alive', 'suspect', 'dead', 'left' as const),
      counter: fc.integer({ min: 1, max: 2 }),
      refutation: fc.nat(2),
    })
    .map(({ state, counter, refutation }) => say(state as Claim['state'], counter, refutation));
  // Each boot announces itself; what was said of one that has not is only held until then.
  const all = fc.array(said, { maxLength: 8 }).map((claims) => [announce(1), announce(2), ...claims]);
  fc.assert(
    fc.property(
      all.chain((claims) => fc.tuple(fc.constant(claims), fc.shuffledSubarray(claims, { minLength: claims.length }))),
      ([claims, shuffled]) => {
        const [one, other] = [judge(), judge()];
        for (const claim of claims) one.claims.take(claim);
        for (const claim of shuffled) other.claims.take(claim);
        for (const claim of shuffled) other.claims.take(claim);
        const [left, right] = [one.member(), other.member()];
        assert.ok(left !== undefined && right !== undefined);
        assert.equal([left.author, left.refutation, left.state], [right.author, right.refutation, right.state]);
        const expected = claims.reduce((held, claim) => (compareClaims(claim, held) > 0 ? claim : held));
        assert.equal([left.author, left.refutation, left.state], [expected.author, expected.refutation, expected.state]);
      },
    ),
  );
});

suiteOfClaims('about the dead bring nobody back without a higher refutation or a later boot', () => {
  const { claims, member } = judge();
  for (const claim of [announce(1), say('dead', 1)]) claims.take(claim);
  for (const claim of [announce(1), say('alive', 1), say('suspect', 1)]) claims.take(claim);
  assert.is(member()?.state, 'dead');
  claims.take(say('alive', 1, 1));
  assert.is(member()?.state, 'alive');
  for (const claim of [say('dead', 1, 1), say('dead', 1, 50)]) claims.take(claim);
  claims.take(announce(2, 0, 'b:1'));
  assert.is(member()?.state, 'alive');
  assert.is(member()?.description.address, 'b:1');
});

suiteOfClaims('of the death of a boot that came and went unseen are told, though the boot before it was dead already', () => {
  const { claims, notes } = judge();
  for (const claim of [
    announce(1),
    say('dead', 1, 1),
    say('dead', 1, 2),
    { ...announce(2), ...say('dead', 2), description: testDescription('b:1', 0) },
  ])
    claims.take(claim);
  const told = notes.flatMap((note) => (note.kind === 'member.died' ? [[note.incarnation.boot.counter, note.incarnation.refutation]] : []));
  assert.equal(told, [
    [1, 1],
    [2, 0],
  ]);
});

suiteOfClaims('about a node that nobody has described wait for its announcement', () => {
  const { claims, member } = judge();
  claims.take(say('dead', 1, 3));
  assert.is(member(), undefined);
  claims.take(announce(1, 2));
  assert.is(member()?.state, 'dead');
});

suiteOfClaims('carry a new address and new metadata under the same identity', () => {
  const { claims, member, notes } = judge();
  claims.take(announce(1));
  claims.take(announce(1, 1, 'b:2'));
  claims.take(announce(1, 0, 'a:1'));
  assert.is(member()?.description.address, 'b:2');
  assert.equal(
    notes.filter(({ kind }) => kind === 'member.moved'),
    [{ kind: 'member.moved', node, from: 'a:1', to: 'b:2' }],
  );
});

suiteOfClaims('of two processes under one identity are noticed: one boot at two addresses, two boots of one number', () => {
  const twice = judge();
  twice.claims.take(announce(1));
  twice.claims.take({ ...announce(1), description: testDescription('elsewhere:1') });
  assert.is(twice.notes.filter(({ kind }) => kind === 'member.conflict-seen').length, 1);
  const copied = judge();
  copied.claims.take(announce(1));
  copied.claims.take({ ...announce(1), author: author(1, '2') });
  assert.is(copied.notes.filter(({ kind }) => kind === 'member.conflict-seen').length, 1);
});

suiteOfClaims('against this node are refuted, those against an earlier boot of it answered by its announcement', () => {
  const { claims, services, notes } = judge();
  const { self } = services;
  const against = (state: Claim['state'], refutation: number): Claim => ({ ...say(state, 1, refutation), author: self.author });
  claims.take(against('suspect', 0));
  assert.is(self.refutation, 1);
  claims.take(against('suspect', 0));
  assert.is(self.refutation, 1, 'what is refuted already is not refuted again');
  services.news.remove(self.id);
  claims.take(against('dead', 0));
  assert.is(self.refutation, 1);
  assert.ok(services.news.has(self.id), 'but told again to whoever has not heard');
  claims.take(against('dead', 7));
  assert.is(self.refutation, 8);
  assert.is(self.state, 'alive');
  assert.is(notes.filter(({ kind }) => kind === 'membership.refuted-itself').length, 2);
  assert.is(services.health.score, 2);
});

suiteOfClaims('make a suspicion end in death when its time is over, sooner with confirmations', () => {
  const { claims, services, member } = judge();
  for (let other = 1; other <= 8; other += 1) {
    claims.take({ ...announce(1), author: authorOf(nodeId(`0${other}`.repeat(16)), { counter: 1, random: '0'.repeat(16) }) });
  }
  claims.take(announce(1));
  claims.take(say('suspect', 1));
  const alone = member()?.suspicion?.timeoutMs ?? 0;
  claims.take({ ...say('suspect', 1), accusers: [accuser, nodeId('01'.repeat(16))] });
  const once = member()?.suspicion?.timeoutMs ?? 0;
  claims.take({ ...say('suspect', 1), accusers: [nodeId('02'.repeat(16))] });
  const twice = member()?.suspicion?.timeoutMs ?? 0;
  assert.ok(alone > once && once > twice, `${alone} ${once} ${twice}`);
  services.nowMs += twice - 1;
  claims.expire();
  assert.is(member()?.state, 'suspect');
  services.nowMs += 1;
  claims.expire();
  assert.is(member()?.state, 'dead');
});

suiteOfClaims('beyond the bound on members: who left is forgotten first, then the dead, and then nobody is taken', () => {
  const { claims, services, notes } = judge(4);
  const named = (digit: string, state: Claim['state']): void => {
    const of = authorOf(nodeId(digit.repeat(32)), { counter: 1, random: '0'.repeat(16) });
    claims.take({ ...announce(1), author: of });
    if (state !== 'alive') claims.take({ ...say(state, 1), author: of });
  };
  named('1', 'dead');
  named('2', 'left');
  named('3', 'alive');
  named('4', 'alive');
  assert.is(services.table.get(nodeId('2'.repeat(32))), undefined);
  named('5', 'alive');
  assert.is(services.table.get(nodeId('1'.repeat(32))), undefined);
  named('6', 'alive');
  assert.is(services.table.get(nodeId('6'.repeat(32))), undefined);
  assert.is(services.table.size, 4);
  assert.ok(notes.some(({ kind }) => kind === 'membership.overloaded'));
});

suiteOfClaims.run();
