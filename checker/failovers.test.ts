/** What counts as a failover, what it took, and why there is no time where there is none. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Failover, failoversOf } from './failovers.js';
import type { BrokenLink, History, MemberLife, MembershipRecord, TermSpan } from './history.js';
import { HistoryBuilder, node, space, type Told } from './history-builder.js';

const failovers = suite('failovers');
const forever = Number.POSITIVE_INFINITY;
const places = 'abcde';

/** Five voters with three copies at a, b and c. `a` is confirmed from the first second on; at ten seconds something happens to it. */
interface Case {
  /** When the process of `a` ends and starts again. */
  readonly down?: readonly [number, number];
  readonly lives?: readonly Partial<MemberLife>[];
  readonly broken?: readonly BrokenLink[];
  readonly terms?: readonly Partial<TermSpan>[];
  readonly writes?: readonly Told[];
  readonly loadEndsMs?: number;
}

function life(place: string, fromMs: number, untilMs: number, changes: Partial<MemberLife> = {}): MemberLife {
  return { node: node(place), place, boot: 1, fromMs, untilMs, leftMs: forever, ...changes };
}

function broken(from: string, to: string, [fromMs, untilMs]: readonly [number, number], how: BrokenLink['how'] = 'cut'): BrokenLink[] {
  return [...from].flatMap((one) => [...to].map((other) => ({ from: one, to: other, fromMs, untilMs, how })));
}

function term(letter: string, fromMs: number, changes: Partial<TermSpan> = {}): TermSpan {
  return {
    space,
    node: node(letter),
    confirmed: true,
    term: { generation: 1, index: fromMs, counter: 0 },
    fromMs,
    untilMs: forever,
    ...changes,
  };
}

function told({ lives = [], broken: links = [], terms = [], writes = [], loadEndsMs = 60_000 }: Case): readonly Failover[] {
  const history = new HistoryBuilder(places);
  for (const [at, write] of writes.entries()) history.remember('x', `v${at}`, write);
  const overridden = new Set(lives.map((each) => each.place));
  const membership: MembershipRecord = {
    lives: [
      ...[...places].filter((place) => !overridden.has(place)).map((place) => life(place, 0, forever)),
      ...lives.map((each) => life(each.place as string, each.fromMs ?? 0, each.untilMs ?? forever, each)),
    ],
    changes: [],
    broken: links,
    views: [],
  };
  return failoversOf(
    history.build({
      membership,
      control: { observations: [], converged: null, electorates: [{ atMs: 0, voters: [...places].map(node) }] },
      placement: {
        ...{ replicationFactor: 3, copiesPerNodeMax: 9, primariesPerNodeMax: 9, nodes: [], serving: [] },
        rows: [{ space, copies: [...'abc'].map(node), atMs: 0 }],
      },
      terms: terms.map((each) => ({ ...term('a', 0), ...each })),
      majorityHealedMs: loadEndsMs,
    } as Partial<History>),
  );
}

const dies = life('a', 0, 10_000, { endedBy: 'kill' });
const comesBack = life('a', 30_000, forever, { boot: 2 });
const first = term('a', 1_000, { untilMs: 10_000 });
const second = term('b', 10_900);
const answeredMs = 11_100;
/** Waits from before the second was confirmed. */
const write = { at: 'b', answeredAs: 'confirmed', invokedMs: 10_500, completedMs: answeredMs } as const;
const usual: Case = { lives: [dies, comesBack], terms: [first, second], writes: [write] };

function only(changes: Case): Failover {
  const found = told({ ...usual, ...changes });
  assert.is(found.length, 1, JSON.stringify(found));
  return found[0];
}

failovers('a time runs from the end of the process to the first answer of another confirmed primary', () => {
  assert.equal(only({}), {
    ...{ space, primary: node('a'), kind: 'killed', atMs: 10_000, lastedMs: 20_000, confirmedMs: 900, acknowledgedMs: 1_100, reason: null },
  });
  const earlier = { ...write, completedMs: 10_950, index: 1 };
  assert.is(only({ writes: [write, earlier] }).acknowledgedMs, 950, 'the first of several');
});

failovers('it is told what the fault was', () => {
  assert.is(only({ lives: [{ ...dies, endedBy: 'crash' }, comesBack] }).kind, 'crashed');
  assert.is(only({ lives: [{ ...dies, leftMs: 9_000 }, comesBack] }).kind, 'left');
  const span: readonly [number, number] = [10_000, 30_000];
  for (const links of [broken('a', 'bcde', span), broken('bcde', 'a', span), broken('a', 'cde', span)])
    assert.is(only({ lives: [], broken: links }).kind, 'cut-off', 'a majority needs both ways');
  assert.is(only({ lives: [], broken: broken('bcde', 'a', span, 'clog') }).kind, 'paused');
  assert.equal(told({ ...usual, lives: [], broken: broken('a', 'bc', span) }), [], 'd and e are a majority with it');
  assert.equal(told({ ...usual, lives: [], broken: broken('a', 'bcde', span, 'rates') }), [], 'what is slow is not cut off');
});

failovers('answers of others than a later confirmed primary count for nothing', () => {
  const later = { ...write, invokedMs: 10_600, completedMs: 12_000 };
  const others: readonly Told[] = [
    { ...write, answeredAs: 'provisional' },
    { ...write, at: 'a' },
    { ...write, at: 'c' },
    { ...write, outcome: 'info' },
    { ...write, completedMs: 10_800 },
    { ...write, kind: 'get', value: null },
  ];
  for (const other of others) assert.is(only({ writes: [other, later] }).acknowledgedMs, 2_000, JSON.stringify(other));
  assert.is(only({ terms: [first, { ...second, confirmed: false }] }).reason, 'late', 'nobody was confirmed');
  const same = only({ terms: [first, term('a', 30_100)], writes: [{ ...write, at: 'a', completedMs: 30_200 }] });
  assert.equal([same.acknowledgedMs, same.reason], [null, 'late'], 'it is no other');
});

failovers('there is no time where the fault is over first, and it is late where it lasts beyond the goal', () => {
  const backAt = (fromMs: number): Failover =>
    only({ lives: [dies, { ...comesBack, fromMs }], writes: [{ ...write, completedMs: 40_000 }] });
  assert.equal([backAt(11_000).reason, backAt(11_000).lastedMs], ['healed', 1_000]);
  assert.is(backAt(14_999).reason, 'healed');
  assert.is(backAt(15_000).reason, 'late');
  assert.is(backAt(15_000).confirmedMs, 900);
  assert.is(only({ loadEndsMs: 12_000, writes: [{ ...write, completedMs: 40_000 }] }).reason, 'healed', 'the load is over');
  assert.equal(told({ ...usual, loadEndsMs: 10_000 }), []);
});

failovers('there is no time where at some moment nobody could lead and reach a copy', () => {
  const gone = (place: string, fromMs: number, untilMs: number): MemberLife[] => [life(place, 0, fromMs), life(place, untilMs, forever)];
  const lives = [dies, comesBack];
  assert.is(only({ lives: [...lives, ...gone('d', 5_000, 20_000)] }).reason, null, 'three of five are left');
  const two = [...lives, ...gone('d', 5_000, 20_000), ...gone('e', 10_200, 10_300)];
  assert.is(only({ lives: two }).reason, 'no-majority', 'even for a moment');
  const after = [...lives, ...gone('d', 5_000, 20_000), ...gone('e', 11_200, 12_000)];
  assert.is(only({ lives: after }).reason, null, 'what comes later stands in nobody’s way');
  assert.is(
    only({ lives: [...lives, ...gone('b', 10_200, 10_300), ...gone('c', 10_100, 12_000)] }).reason,
    'no-majority',
    'no copy is left',
  );
  const apart = broken('bc', 'de', [10_100, 10_200]);
  assert.is(only({ broken: apart }).reason, 'no-majority', 'two and two reach no majority');
  const alone = broken('b', 'cde', [9_000, 12_000]);
  assert.is(only({ broken: alone }).reason, null, 'c, d and e are a majority with a copy');
  assert.is(only({ broken: [...alone, ...broken('c', 'de', [10_100, 10_200], 'clog')] }).reason, 'no-majority', 'd and e alone are none');
  const unconfirmed = [...broken('b', 'ce', [10_100, 10_200]), ...broken('c', 'e', [10_100, 10_200])];
  assert.is(only({ broken: unconfirmed }).reason, 'no-majority', 'd could lead, and no copy has a majority');
});

failovers('there is no time where nobody waited for the new primary', () => {
  assert.is(only({ writes: [{ ...write, invokedMs: 10_950 }] }).reason, 'no-writes');
  assert.is(only({ writes: [] }).reason, 'no-writes');
  const elsewhere = only({
    writes: [
      { ...write, invokedMs: 10_950 },
      { ...write, outcome: 'info', completedMs: forever, at: 'c' },
    ],
  });
  assert.is(elsewhere.acknowledgedMs, 1_100, 'somebody waited, whoever was answered first');
});

failovers('of a fault that comes before an earlier one is over nothing is told, and of the next one again', () => {
  const links = [
    ...broken('a', 'bcde', [10_000, 12_000]),
    ...broken('bcde', 'a', [11_000, 13_000]),
    ...broken('a', 'bcde', [20_000, 20_400]),
  ];
  const found = told({ lives: [], broken: links, terms: [term('a', 1_000)], writes: [] });
  assert.equal(
    found.map(({ atMs, lastedMs, reason }) => [atMs, lastedMs, reason]),
    [
      [10_000, 3_000, 'healed'],
      [20_000, 400, 'healed'],
    ],
  );
});

failovers('who was not confirmed was no primary, and without a control log nobody is', () => {
  assert.equal(told({ ...usual, terms: [{ ...first, untilMs: 9_900 }, second] }), []);
  assert.equal(told({ ...usual, terms: [{ ...first, confirmed: false }, second] }), []);
  assert.equal(failoversOf(new HistoryBuilder(places).build()), []);
});

failovers.run();
