/** The meter: a loop that never waits is full, one that only waits is not. */
import { setTimeout as wait } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LoadMeter } from './load-meter.js';

const load = suite('load meter');

load('tells a busy stretch from an idle one', async () => {
  const reported: number[] = [];
  const meter = new LoadMeter((percent) => reported.push(percent));
  meter.start();
  try {
    await wait(200);
    meter.measure();
    const untilMs = performance.now() + 200;
    while (performance.now() < untilMs);
    await wait(0);
    meter.measure();
  } finally {
    meter.close();
  }
  const [idle, busy] = reported as [number, number];
  assert.ok(idle >= 0 && busy <= 100 && busy > idle, `${idle} then ${busy}`);
});

load.run();
