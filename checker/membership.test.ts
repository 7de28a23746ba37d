import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type NodeId, nodeId } from '../core/identifiers.js';
import type { History, MemberChange, MemberLife, MembershipRecord, SeenState, Verdict } from './history.js';
import { HistoryBuilder } from './history-builder.js';
import { membership } from './membership.js';

const members = suite('membership checker');
const healedMs = 100_000;
const endedMs = 130_000;
const id = (letter: string): NodeId => nodeId(letter.repeat(32));

/** Machines a, b and c, all up from the start on, and what they say of each other. */
class Told {
  readonly lives: { -readonly [Field in keyof MemberLife]: MemberLife[Field] }[] = [];
  readonly changes: MemberChange[] = [];
  broken: MembershipRecord['broken'] = [];

  constructor(letters = 'abc') {
    for (const letter of letters) this.starts(letter, 1, 0);
    for (const [observer] of this.lives.entries())
      for (const letter of letters) if (letter !== this.lives[observer].place) this.says(observer, letter, 'alive', { atMs: 500 });
  }

  starts(letter: string, boot: number, fromMs: number): number {
    const untilMs = Number.POSITIVE_INFINITY;
    this.lives.push({ node: id(letter), place: letter, boot, fromMs, untilMs, leftMs: untilMs });
    this.says(this.lives.length - 1, letter, 'alive', { atMs: fromMs, boot });
    return this.lives.length - 1;
  }

  says(
    observer: number,
    letter: string,
    state: SeenState,
    told: { readonly atMs: number; readonly boot?: number; readonly refutation?: number; readonly isPrivate?: boolean },
  ): void {
    const { atMs, boot = 1, refutation = 0, isPrivate = false } = told;
    this.changes.push({ atMs, observer, member: id(letter), state, boot, refutation, isPrivate });
  }

  judged(told: Partial<History> = {}, views: MembershipRecord['views'] = []): Verdict {
    const { lives, changes, broken } = this;
    const record = { lives, changes: changes.toSorted((left, right) => left.atMs - right.atMs), broken, views };
    return membership(new HistoryBuilder('abc').build({ membership: record, healedMs, endedMs, ...told }));
  }
}

function violates(verdict: Verdict, reason: RegExp): void {
  assert.is(verdict.verdict, 'violation');
  assert.match((verdict as { reason: string }).reason, reason);
}

members('all see all, and the figures say so', () => {
  const verdict = new Told().judged();
  assert.is(verdict.verdict, 'ok');
  assert.is((verdict as { agreedMs?: number }).agreedMs, 0);
});

members('where nobody took part there is nothing to judge; where nobody said anything nothing is known', () => {
  assert.is(membership(new HistoryBuilder('abc').build()).verdict, 'not-applicable');
  assert.is(new Told('').judged().verdict, 'unknown');
  assert.is(new Told().judged({ endedMs: healedMs + 1_000 }).verdict, 'unknown');
});

members('a death that the member refutes is no violation', () => {
  const told = new Told();
  told.says(0, 'b', 'suspect', { atMs: 10_000 });
  told.says(0, 'b', 'dead', { atMs: 12_000 });
  told.says(1, 'b', 'alive', { atMs: 12_100, refutation: 1 });
  for (const observer of [0, 2]) told.says(observer, 'b', 'alive', { atMs: 12_200, refutation: 1 });
  const verdict = told.judged();
  assert.is(verdict.verdict, 'ok');
  assert.is((verdict as { falseDeaths?: number }).falseDeaths, 1);
});

members('nobody comes back from the dead in the same incarnation', () => {
  const told = new Told();
  told.says(0, 'b', 'dead', { atMs: 10_000 });
  told.says(0, 'b', 'alive', { atMs: 11_000 });
  violates(told.judged(), /says b+ alive \(1, 0\) after b+ dead \(1, 0\) at 11000 ms/);
});

members('nor with an older one, nor by being forgotten in between', () => {
  const told = new Told();
  told.says(0, 'b', 'alive', { atMs: 9_000, boot: 2 });
  told.says(0, 'b', 'dead', { atMs: 10_000, boot: 2 });
  told.changes.push({ ...(told.changes.at(-1) as MemberChange), atMs: 10_500, state: 'forgotten' });
  told.says(0, 'b', 'alive', { atMs: 11_000, boot: 1, refutation: 7 });
  violates(told.judged(), /after b+ dead \(2, 0\)/);
});

members('what a node keeps to itself it may take back', () => {
  const told = new Told();
  told.says(0, 'b', 'dead', { atMs: 10_000, isPrivate: true });
  told.says(0, 'b', 'alive', { atMs: 11_000 });
  assert.is(told.judged().verdict, 'ok');
  told.says(0, 'b', 'dead', { atMs: 12_000 });
  told.says(0, 'b', 'alive', { atMs: 13_000 });
  violates(told.judged(), /after b+ dead/);
});

members('nobody speaks for another: an incarnation that a member never had', () => {
  const told = new Told();
  for (const observer of [0, 2]) told.says(observer, 'b', 'alive', { atMs: 10_000, refutation: 1 });
  violates(told.judged(), /knows a refutation 1 of b+ boot 1 that it never made/);
});

members('a restart is a higher boot', () => {
  const told = new Told();
  told.lives[1].untilMs = 20_000;
  told.starts('b', 1, 21_000);
  violates(told.judged(), /starts as boot 1 after boot 1/);
});

members('who reaches nobody accuses nobody: only time with somebody to speak to counts', () => {
  const told = new Told();
  told.lives[1].untilMs = 20_000;
  told.says(0, 'b', 'dead', { atMs: 23_000 });
  told.says(2, 'b', 'dead', { atMs: 80_000 });
  violates(told.judged(), /for alive 60000 ms after it ended/);
  for (const [untilMs, expected] of [
    [49_000, 'violation'],
    [51_000, 'ok'],
  ] as const) {
    told.broken = [{ from: 'a', to: 'c', fromMs: 20_000, untilMs }];
    assert.is(told.judged().verdict, expected, `alone until ${untilMs} ms`);
  }
});

members('who has ended is not taken for alive for long', () => {
  const told = new Told();
  told.lives[1].untilMs = 20_000;
  told.says(0, 'b', 'dead', { atMs: 23_000 });
  violates(told.judged(), /c+ boot 1 takes b+ boot 1 for alive 110000 ms after it ended at 20000 ms/);
  told.says(2, 'b', 'suspect', { atMs: 22_000 });
  violates(told.judged(), /for suspect/);
  told.says(2, 'b', 'dead', { atMs: 24_000 });
  assert.is(told.judged().verdict, 'ok');
});

members('a false death does not stand where nothing is in the way', () => {
  const told = new Told();
  told.says(0, 'b', 'dead', { atMs: 10_000 });
  for (const observer of [1, 0, 2]) told.says(observer, 'b', 'alive', { atMs: 40_000, refutation: 1 });
  violates(told.judged(), /takes b+ for dead for 30000 ms while it lives/);
  told.broken = [{ from: 'b', to: 'a', fromMs: 5_000, untilMs: 35_000 }];
  assert.is(told.judged().verdict, 'ok');
});

members('nobody declares dead whom it could have asked', () => {
  const told = new Told();
  told.says(0, 'b', 'suspect', { atMs: 30_000 });
  told.changes.push({ ...(told.changes.at(-1) as MemberChange), atMs: 31_000, state: 'dead', isDeclared: true });
  for (const observer of [1, 0, 2]) told.says(observer, 'b', 'alive', { atMs: 31_100, refutation: 1 });
  violates(told.judged(), /declares b+ dead at 31000 ms, which lives and had nothing in its way for 10000 ms/);
  told.broken = [{ from: 'a', to: 'b', fromMs: 20_000, untilMs: 21_500 }];
  assert.is(told.judged().verdict, 'ok');
});

members('after the heal all see exactly the living', () => {
  const told = new Told();
  told.says(0, 'b', 'suspect', { atMs: 90_000 });
  violates(told.judged({ endedMs: healedMs + 10_000 }), /10000 ms after the heal a+ boot 1 says b+ suspect/);
  for (const observer of [1, 0, 2]) told.says(observer, 'b', 'alive', { atMs: healedMs + 11_000, refutation: 1 });
  violates(told.judged(), /agreed 11000 ms after the heal/);
});

members('and each as it says of itself', () => {
  const told = new Told();
  told.says(1, 'b', 'alive', { atMs: 10_000, refutation: 1 });
  const shows = (observer: number, refutation: number): MembershipRecord['views'][number] => ({
    observer,
    members: [{ member: id('b'), state: 'alive', boot: 1, refutation, isPrivate: false }],
  });
  assert.is(told.judged({}, [shows(0, 1), shows(1, 1), shows(2, 1)]).verdict, 'ok');
  violates(told.judged({}, [shows(0, 1), shows(1, 1), shows(2, 0)]), /c+ boot 1 shows b+ alive \(1, 0\), which says of itself \(1, 1\)/);
});

members('what a process shows is what it has said', () => {
  const told = new Told();
  const shown = { member: id('b'), state: 'dead' as const, boot: 1, refutation: 0, isPrivate: false };
  violates(told.judged({}, [{ observer: 0, members: [shown] }]), /shows b+ dead \(1, 0\) and had said b+ alive \(1, 0\)/);
});

members('of who is dead anyway it need not say that a later refutation died as well', () => {
  const told = new Told();
  told.lives[1].untilMs = 20_000;
  told.says(1, 'b', 'alive', { atMs: 10_000, refutation: 1 });
  told.says(2, 'b', 'alive', { atMs: 10_100, refutation: 1 });
  told.says(0, 'b', 'dead', { atMs: 21_000 });
  told.says(2, 'b', 'dead', { atMs: 21_100, refutation: 1 });
  const shows = (observer: number, refutation: number): MembershipRecord['views'][number] => ({
    observer,
    members: [{ member: id('b'), state: 'dead', boot: 1, refutation, isPrivate: false }],
  });
  assert.is(told.judged({}, [shows(0, 1), shows(2, 1)]).verdict, 'ok');
  violates(told.judged({}, [shows(0, 1), shows(2, 0)]), /shows b+ dead \(1, 0\) and had said b+ dead \(1, 1\)/);
});

members.run();
