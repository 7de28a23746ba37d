/** While a run goes on the world is out of reach, by every global way that leads there; before and after it is as it was. */
import nodeCrypto from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scenarioOf } from '../scenarios/catalogue.js';
import type { Scenario } from '../scenarios/scenario.js';
import { type RunResult, runSeed } from './run-seed.js';
import type { CoreFactory } from './simulated-core.js';
import { EchoNode } from './test-support/echo-node.js';
import { NotDeterministic, withoutTheWorld } from './world-guard.js';

const guard = suite('world guard');
const nothing = (): void => {};

/** Ways to time and chance as a core might take them, not as the guard lists them. */
const ways: Readonly<Record<string, () => unknown>> = {
  'new Date()': () => new Date(),
  'Date()': () => Date(),
  'Date.now()': () => Date.now(),
  'performance.now()': () => performance.now(),
  'performance.mark()': () => performance.mark('x'),
  'Math.random()': () => Math.random(),
  setTimeout: () => clearTimeout(setTimeout(nothing, 0)),
  setInterval: () => clearInterval(setInterval(nothing, 1)),
  setImmediate: () => clearImmediate(setImmediate(nothing)),
  queueMicrotask: () => queueMicrotask(nothing),
  'process.nextTick()': () => process.nextTick(nothing),
  'process.hrtime()': () => process.hrtime(),
  'process.hrtime.bigint()': () => process.hrtime.bigint(),
  'process.uptime()': () => process.uptime(),
  'process.cpuUsage()': () => process.cpuUsage(),
  'process.memoryUsage()': () => process.memoryUsage(),
  'crypto.randomUUID()': () => crypto.randomUUID(),
  'crypto.getRandomValues()': () => crypto.getRandomValues(new Uint8Array(4)),
  'randomBytes of node:crypto': () => nodeCrypto.randomBytes(4),
  'randomInt of node:crypto': () => nodeCrypto.randomInt(4),
  'randomUUID of node:crypto': () => nodeCrypto.randomUUID(),
  'getRandomValues of node:crypto': () => nodeCrypto.getRandomValues(new Uint8Array(4)),
  'new WeakRef()': () => new WeakRef(ways),
  'new FinalizationRegistry()': () => new FinalizationRegistry(nothing),
  'Intl.DateTimeFormat()': () => Intl.DateTimeFormat().format(),
  'new MessageChannel()': () => new MessageChannel().port1.close(),
};

for (const [name, way] of Object.entries(ways)) {
  guard(`${name} throws while a run goes on, and works again afterwards`, () => {
    const touched: string[] = [];
    assert.throws(
      () => withoutTheWorld(way, (what) => touched.push(what)),
      (error: unknown) => error instanceof NotDeterministic,
    );
    assert.is(touched.length, 1);
    way();
  });
}

guard('everything is put back as it was, also when the run throws', () => {
  const own = (): unknown[] =>
    [globalThis, Math, performance, process, crypto, nodeCrypto, Intl].map((on) => Object.getOwnPropertyDescriptors(on));
  const before = own();
  assert.throws(
    () =>
      withoutTheWorld(() => {
        throw new TypeError('a bug');
      }),
    (error: unknown) => error instanceof TypeError,
  );
  for (const [at, descriptors] of own().entries()) {
    const known = before[at] as Record<string, PropertyDescriptor>;
    for (const [name, { value }] of Object.entries(descriptors as Record<string, PropertyDescriptor>)) {
      assert.ok(Object.is(value, known[name]?.value), name);
    }
  }
});

guard('what was made before is still of its class', () => {
  const date = new Date(0);
  assert.ok(withoutTheWorld(() => date instanceof Date && date.getTime() === 0));
});

/** A run of nodes that do this at every event. */
function runOf(atEveryEvent: () => void): RunResult {
  const createCore: CoreFactory = (...parts) => {
    const node = new EchoNode(...parts);
    const handle = node.handle.bind(node);
    node.handle = (...event) => {
      atEveryEvent();
      handle(...event);
    };
    return node;
  };
  return runSeed({ scenario: scenarioOf('crash-restart') as Scenario, seed: 3, durationMs: 1_000, createCore });
}

guard('a core that draws real chance is a violation that names it', () => {
  const { verdict, verdicts, notConverged } = runOf(() => Math.random());
  assert.is(verdict, 'violation');
  assert.is(notConverged, false);
  const { invariants } = verdicts;
  assert.is(invariants.verdict, 'violation');
  assert.match(String('reason' in invariants && invariants.reason), 'Math.random was used while a simulation ran');
});

guard('catching the error hides nothing', () => {
  const { verdict, reason, notConverged } = runOf(() => {
    try {
      Date.now();
    } catch {
      // As a core would that takes any error for a bad message.
    }
  });
  assert.is(verdict, 'violation');
  assert.is(notConverged, false);
  assert.is(reason, 'invariants: Date was used while the run went on, and the error caught');
});

guard('a core that keeps to itself is not accused', () => {
  assert.is(runOf(nothing).verdicts.invariants.verdict, 'ok');
});

guard.run();
