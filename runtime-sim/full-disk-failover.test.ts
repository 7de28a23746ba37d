import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { scenarioOf } from '../scenarios/catalogue.js';
import { planOf, runSeed } from './run-seed.js';

test('a primary whose disk is full gives its spaces to a copy that has room, and writes go on', () => {
  const scenario = scenarioOf('clean-split');
  assert.ok(scenario);
  const drawn = planOf({ scenario, seed: 3, durationMs: 20_000, controlLog: true });
  const [row] = drawn.rows;
  const [full] = row.copies;
  const filledMs = 4_000;
  const plan = {
    ...drawn,
    faults: [{ kind: 'diskCapacity', atMs: filledMs, node: full, bytes: 0 } as const],
    splits: [],
    families: [],
    acknowledgementsPerSideMin: 0,
    operations: Array.from({ length: 600 }, (_, at) => ({
      ...{ atMs: at * 30, client: `c${(at % 60) + 1}`, kind: 'remember' as const, space: row.space },
      ...{ id: `m${at % 5}`, value: `v${at}`, paddingBytes: 2_000, ack: 'local' as const },
    })),
  };
  const { verdict, reason, history } = runSeed({ scenario, seed: 3, plan });
  assert.is(verdict, 'ok', reason ?? '');
  const owners = history.terms.filter(
    ({ space, confirmed, fromMs }) => space.startsWith(`${row.space}#`) && confirmed && fromMs > filledMs,
  );
  const first = history.terms.find(({ space, confirmed }) => space.startsWith(`${row.space}#`) && confirmed);
  assert.ok(
    owners.some(({ node }) => node !== first?.node),
    'another copy is confirmed while the disk is full',
  );
});

test.run();
