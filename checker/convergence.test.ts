import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { convergence, convergenceMsMax, unsettled } from './convergence.js';
import { CopyDigests } from './copy-digest.js';
import type { ConvergenceSample, CopyState, CopyVersion, History, Verdict } from './history.js';
import { HistoryBuilder, node, space } from './history-builder.js';

const converged = suite('convergence');

type Figures = Verdict & Record<string, unknown>;
const judged = (history: History): Figures => convergence(history) as Figures;
const healedMs = 1_000;

function sample(afterHealMs: number, copies: readonly CopyState[], phase: ConvergenceSample['phase'] = 'all-healed'): ConvergenceSample {
  return { atMs: healedMs + afterHealMs, phase, copies };
}

/** One write made at a, and copies of a and b that hold it or not. */
function oneWrite() {
  const told = new HistoryBuilder('ab');
  const write = told.remember('x', 'v1');
  const absent = told.copy('b', []);
  told.ship(write, 'b');
  return { told, write, a: told.copy('a', [write]), b: told.copy('b', [write]), absent };
}

converged('counts from the heal to the first sample from which on all agree', () => {
  const { told, a, b, absent } = oneWrite();
  const samples = [sample(0, [a, absent]), sample(100, [a, b]), sample(200, [a, absent]), sample(300, [a, b]), sample(400, [a, b])];
  const verdict = judged(told.build({ healedMs, samples }));
  assert.is(verdict.verdict, 'ok');
  assert.is(verdict.convergenceMs, 300);
});

converged('later than a minute is too late, exactly a minute is not', () => {
  const { told, a, b, absent } = oneWrite();
  for (const [lateMs, expected] of [
    [convergenceMsMax, 'ok'],
    [convergenceMsMax + 1, 'violation'],
  ] as const) {
    const verdict = judged(told.build({ healedMs, samples: [sample(0, [a, absent]), sample(lateMs, [a, b])] }));
    assert.is(verdict.verdict, expected);
    assert.is(verdict.convergenceMs, lateMs);
    assert.is(verdict.notConverged === true, expected === 'violation');
  }
});

converged('copies that differ at the end have not converged, and it is unknown when nobody watched for a minute', () => {
  const { told, a, absent } = oneWrite();
  for (const [watchedMs, expected] of [
    [convergenceMsMax, 'violation'],
    [convergenceMsMax - 1, 'unknown'],
  ] as const) {
    const verdict = judged(told.build({ healedMs, samples: [sample(0, [a, absent]), sample(watchedMs, [a, absent])] }));
    assert.is(verdict.verdict, expected);
    assert.is(verdict.convergenceMs, null);
    assert.is(verdict.notConverged === true, expected === 'violation');
  }
});

for (const [id, expected] of [
  ['y', 'violation'],
  ['x', 'ok'],
] as const) {
  converged(
    `copies that agree on not having a write ${id === 'x' ? 'may, once' : 'have not converged, unless'} another took its place`,
    () => {
      const { told, write, absent } = oneWrite();
      told.forget('x', { version: null, logged: false });
      told.remember('x', 'v2', { outcome: 'info', logged: false });
      const covered = told.remember(id, 'v3', { at: 'b' });
      const { author, sequence } = told.recordOf(covered);
      const coverage = { [author]: [[sequence, sequence]] as const };
      const samples = [
        sample(0, [
          { ...absent, coverage, node: node('a') },
          { ...absent, coverage },
        ]),
      ];
      const verdict = judged(told.build({ healedMs, samples }));
      assert.is(verdict.verdict, expected);
      if (verdict.verdict === 'violation') assert.equal(verdict.operations, [write.index]);
    },
  );
}

converged('a write is contained by its version or by the coverage alone', () => {
  const { told, a, b } = oneWrite();
  const versionOnly = [a, b].map((copy) => ({ ...copy, coverage: {} }));
  const coverageOnly = [a, b].map((copy) => ({ ...copy, versions: [] }));
  for (const copies of [versionOnly, coverageOnly]) assert.is(judged(told.build({ healedMs, samples: [sample(0, copies)] })).verdict, 'ok');
});

converged('a space of acknowledged writes needs a live copy', () => {
  const { told, a } = oneWrite();
  const elsewhere = { ...a, space: 'other#1' as CopyState['space'] };
  assert.is(judged(told.build({ healedMs, samples: [sample(convergenceMsMax, [elsewhere])] })).verdict, 'violation');
  assert.is(judged(told.build({ healedMs, samples: [sample(convergenceMsMax, [])] })).verdict, 'violation');
});

converged('a live copy that has nothing to show has not converged', () => {
  const { told, a, b } = oneWrite();
  const silent = [{ node: b.node, space }];
  const samples = [sample(0, [a]), { ...sample(100, [a]), silent }, sample(200, [a, b])];
  assert.is(judged(told.build({ healedMs, samples })).convergenceMs, 200);
  const stuck = judged(told.build({ healedMs, samples: [{ ...sample(convergenceMsMax, [a]), silent }] }));
  assert.is(stuck.notConverged, true);
});

converged('what is written after the heal, to see who serves, is no subject', () => {
  const { told, a, b } = oneWrite();
  told.remember('y', 'v2', { invokedMs: healedMs, completedMs: healedMs + 1 });
  assert.is(judged(told.build({ healedMs, samples: [sample(0, [a, b])] })).verdict, 'ok');
});

converged('the majority must settle alone, on what was durable there', () => {
  const told = new HistoryBuilder('abc');
  const first = told.remember('x', 'v1', { at: 'a' });
  const stranded = told.remember('y', 'v2', { at: 'c' });
  const [aAlone, bBefore] = [told.copy('a', [first]), told.copy('b', [])];
  told.ship(first, 'bc');
  const bAlone = told.copy('b', [first]);
  told.ship(stranded, 'ab');
  const whole = [...'abc'].map((letter) => told.copy(letter, [first, stranded]));
  const samples = (others: readonly CopyState[]) => [
    sample(-70_000, [aAlone, bBefore], 'majority-only'),
    sample(-20_000, others, 'majority-only'),
    sample(-1_000, others, 'majority-only'),
    sample(50, whole),
  ];
  const settled = judged(told.build({ healedMs, samples: samples([aAlone, bAlone]) }));
  assert.is(settled.verdict, 'ok');
  assert.is(settled.majorityConvergenceMs, 50_000);
  const stuck = judged(told.build({ healedMs, samples: samples([aAlone, bBefore]) }));
  assert.is(stuck.verdict, 'violation');
  assert.is(stuck.notConverged, true);
  assert.is(stuck.convergenceMs, 50);
  assert.match(stuck.reason as string, /^with only a majority healed, /);
  const coveredOnly = judged(told.build({ healedMs, samples: samples([{ ...aAlone, versions: [] }, bBefore]) }));
  assert.is(coveredOnly.verdict, 'violation', 'the same to look at, but only one of them has the write');
  const neither = judged(told.build({ healedMs, samples: samples([{ ...bBefore, node: node('a') }, bBefore]) }));
  assert.is(neither.verdict, 'ok', 'what is durable on neither is beyond the cut');
});

converged('a memory of which a version is damaged and nowhere intact is not compared while only a majority is healed', () => {
  const told = new HistoryBuilder('ab');
  const first = told.remember('x', 'v1');
  told.ship(first, 'b');
  const b = told.copy('b', [first]);
  const holed = told.copy('a', [first]);
  const rotten = told.remember('x', 'v2');
  const a = { ...told.copy('a', [rotten]), coverage: holed.coverage };
  const phases = (phase: ConvergenceSample['phase'], ...copies: CopyState[]) => [
    sample(-convergenceMsMax - 1, copies, phase),
    sample(-1, copies, phase),
    ...(phase === 'majority-only' ? [sample(0, [told.copy('a', [rotten])])] : [sample(convergenceMsMax, copies, phase)]),
  ];
  assert.is(judged(told.build({ healedMs, samples: phases('majority-only', a, b) })).verdict, 'ok');
  assert.is(judged(told.build({ healedMs, samples: phases('all-healed', a, b) })).verdict, 'violation');
  const intact = told.copy('a', [rotten]);
  assert.is(judged(told.build({ healedMs, samples: phases('majority-only', intact, b) })).verdict, 'violation');
  const other = told.remember('y', 'v3');
  const differing = { ...a, versions: [...a.versions, ...told.copy('a', [other]).versions], coverage: told.copy('a', []).coverage };
  const { [told.recordOf(rotten).author]: whole } = differing.coverage;
  const holedAgain = { ...differing, coverage: { [told.recordOf(rotten).author]: whole!.filter(([sequence]) => sequence !== 2) } };
  assert.is(
    judged(told.build({ healedMs, samples: phases('majority-only', holedAgain, b) })).verdict,
    'violation',
    'another memory differs',
  );
});

converged('a run can ask what keeps a sample from being converged', () => {
  const { told, a, b, absent } = oneWrite();
  const findReason = unsettled(told.build(), healedMs);
  assert.is(findReason(sample(0, [a, b])), null);
  assert.match(findReason(sample(0, [a, absent])) as string, /differ/);
  const lagging = { ...a, coverage: absent.coverage };
  assert.match(
    findReason(
      sample(0, [
        { ...a, versions: [] },
        { ...lagging, versions: [] },
      ]),
    ) as string,
    /1 acknowledged writes are missing/,
  );
  assert.is(findReason(sample(0, [absent])), null, 'what no copy has is judged in the end');
});

converged('without samples after the heal it is unknown, outside the fault model it does not apply', () => {
  const { told, a, b } = oneWrite();
  assert.is(judged(told.build({ healedMs })).verdict, 'unknown');
  assert.is(judged(told.build({ healedMs, samples: [sample(-1, [a, b])] })).verdict, 'unknown');
  assert.is(judged(told.build({ healedMs, insideFaultModel: false })).verdict, 'not-applicable');
});

const versionArbitrary: fc.Arbitrary<CopyVersion> = fc.record({
  id: fc.constantFrom('x', 'y'),
  version: fc.nat(20).map((sequence) => `${sequence}@${'a'.repeat(56)}`),
  tombstone: fc.boolean(),
  maximal: fc.boolean(),
  live: fc.boolean(),
  contentHash: fc.constantFrom('h1', 'h2'),
});

const copyOf = (versions: readonly CopyVersion[]): CopyState => ({ node: node('a'), space, versions, coverage: {} });
const counts = ({ maximal, live, tombstone }: CopyVersion): boolean => maximal || live || tombstone;
const canonical = (versions: readonly CopyVersion[]): string =>
  JSON.stringify(
    versions
      .filter(counts)
      .map((each) => [each.id, each.version, each.tombstone, each.maximal, each.live, each.contentHash].join(' '))
      .sort(),
  );

converged('digests are equal exactly for the same versions, whatever their order', () => {
  const versionsArbitrary = fc.array(versionArbitrary, { maxLength: 6 });
  fc.assert(
    fc.property(versionsArbitrary, versionsArbitrary, (left, right) => {
      const digests = new CopyDigests();
      assert.is(digests.of(copyOf(left)) === digests.of(copyOf(right)), canonical(left) === canonical(right));
      assert.is(digests.of(copyOf(left)), new CopyDigests().of(copyOf(left.toReversed())));
    }),
  );
});

converged('a dominated version does not count, a beaten one and each flag do', () => {
  const digests = new CopyDigests();
  const version: CopyVersion = { id: 'x', version: '1@a', tombstone: false, maximal: true, live: true, contentHash: 'h' };
  const whole = digests.of(copyOf([version]));
  assert.is(digests.of(copyOf([version, { ...version, version: '2@a', maximal: false, live: false }])), whole);
  for (const change of [{ live: false }, { maximal: false }, { tombstone: true }, { contentHash: 'g' }, { id: 'y' }, { version: '2@a' }]) {
    assert.is.not(digests.of(copyOf([{ ...version, ...change }])), whole);
  }
});

converged.run();
