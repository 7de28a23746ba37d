/** A run is a function of (code, seed, scenario, options): same seed twice with another between, and in a fresh process. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogue, scenarioOf } from '../scenarios/catalogue.js';
import type { Scenario, ScenarioName } from '../scenarios/scenario.js';
import { runTwice, runTwiceAndFresh } from './divergence.js';
import { type RunResult, runSeed } from './run-seed.js';
import type { CoreFactory } from './simulated-core.js';
import { EchoNode } from './test-support/echo-node.js';
import { ChainLog } from './trace.js';

const determinism = suite('determinism');

function run(name: ScenarioName, seed: number, chainLog = new ChainLog()): RunResult {
  const createCore = (...parts: ConstructorParameters<typeof EchoNode>): EchoNode => new EchoNode(...parts);
  return runSeed({ scenario: scenarioOf(name) as Scenario, seed, durationMs: 6_000, controlLog: false, createCore, chainLog });
}

for (const name of ['crash-restart', 'clean-split', 'asymmetric'] as const) {
  determinism(`${name}: the same seed twice, with another between, is the same run at every event`, () => {
    const [first, other, second] = [new ChainLog(), new ChainLog(), new ChainLog()];
    const one = run(name, 7, first);
    run(name, 8, other);
    const two = run(name, 7, second);
    assert.is(first.firstDifference(second), null);
    assert.is(one.traceHash, two.traceHash);
    assert.is(one.events, two.events);
    assert.is.not(first.firstDifference(other), null);
    assert.ok(one.events > 2_000, `${one.events} events`);
  });
}

determinism('a fresh process tells the same run', () => {
  const script = `
    import { scenarioOf } from ${JSON.stringify(new URL('../scenarios/catalogue.ts', import.meta.url).href)};
    import { runSeed } from ${JSON.stringify(new URL('./run-seed.ts', import.meta.url).href)};
    import { EchoNode } from ${JSON.stringify(new URL('./test-support/echo-node.ts', import.meta.url).href)};
    const createCore = (...parts) => new EchoNode(...parts);
    console.log(runSeed({ scenario: scenarioOf('crash-restart'), seed: 7, durationMs: 6_000, controlLog: false, createCore }).traceHash);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('..', import.meta.url)),
  });
  assert.is(stdout.trim(), run('crash-restart', 7).traceHash, stderr);
});

/** A core that counts its events in a place that outlives the run, and looks at the count. */
function leakyCore(): CoreFactory {
  let events = 0;
  return (...parts) => {
    const node = new EchoNode(...parts);
    const handle = node.handle.bind(node);
    node.handle = (...event) => {
      events += 1;
      if (events % 997 === 0) return;
      handle(...event);
    };
    return node;
  };
}

determinism('what one run leaves behind for the next is found, and its first event named', () => {
  const scenario = scenarioOf('crash-restart') as Scenario;
  const { run: first, divergence } = runTwice({ scenario, seed: 7, durationMs: 2_000, createCore: leakyCore() });
  assert.ok(divergence !== null && divergence.event < first.events, JSON.stringify(divergence));
  assert.is.not(divergence?.first, divergence?.second);
  assert.match(String(divergence?.first), / at [\d.]+ ms of /);
});

determinism('a fresh thread tells the same run of every built scenario; one with other code does not', async () => {
  for (const { scenario } of catalogue) {
    if (scenario === null) continue;
    const { divergence } = await runTwiceAndFresh({ scenario, seed: 11, durationMs: 1_000 }, null);
    assert.is(divergence, null, `${scenario.name}: ${JSON.stringify(divergence)}`);
  }
  const scenario = scenarioOf('clean-split') as Scenario;
  const other = await runTwiceAndFresh({ scenario, seed: 1, durationMs: 20_000 }, 'merge-one-direction');
  assert.ok(other.divergence !== null);
});

determinism.run();
