/** Named timers: each fires once, never early, and what was moved or taken back does not fire as it was. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NodeTimers } from './node-timers.js';

const nowMs = (): number => Math.floor(performance.now());
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** However late this machine is. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(2);
}

function recorded(): { timers: NodeTimers; fired: { name: string; atMs: number }[] } {
  const fired: { name: string; atMs: number }[] = [];
  const timers = new NodeTimers(nowMs, (name) => {
    if (timers.take(name)) fired.push({ name, atMs: nowMs() });
  });
  return { timers, fired };
}

const timers = suite('node timers');

timers('fire once, in order, at their time or later', async () => {
  const { timers, fired } = recorded();
  const start = nowMs();
  timers.arm('later', start + 40);
  timers.arm('sooner', start + 10);
  timers.arm('past', start - 5);
  await until(() => fired.length >= 3);
  assert.equal(
    fired.map(({ name }) => name),
    ['past', 'sooner', 'later'],
  );
  assert.ok((fired[1]?.atMs ?? 0) >= start + 10 && (fired[2]?.atMs ?? 0) >= start + 40);
});

timers('an armed name moves back, and forward', async () => {
  const { timers, fired } = recorded();
  const start = nowMs();
  timers.arm('back', start + 5);
  timers.arm('back', start + 400);
  timers.arm('forward', start + 5_000);
  timers.arm('forward', start + 5);
  await until(() => fired.length >= 2);
  assert.equal(
    fired.map(({ name }) => name),
    ['forward', 'back'],
  );
  assert.ok((fired[1]?.atMs ?? 0) >= start + 400);
});

timers('a firing that waits in the queue is void once the name was disarmed or moved', async () => {
  const queued: string[] = [];
  const timers = new NodeTimers(nowMs, (name) => queued.push(name));
  const start = nowMs();
  timers.arm('disarmed', start + 1);
  timers.arm('moved', start + 1);
  await until(() => queued.length === 2);
  assert.equal(queued, ['disarmed', 'moved']);
  timers.disarm('disarmed');
  timers.arm('moved', nowMs() + 5_000);
  assert.not.ok(timers.take('disarmed'));
  assert.not.ok(timers.take('moved'));
  timers.arm('moved', nowMs() + 1);
  await until(() => queued.length === 3);
  assert.ok(timers.take('moved'));
  assert.not.ok(timers.take('moved'));
});

timers('nothing fires after close', async () => {
  const { timers, fired } = recorded();
  timers.arm('one', nowMs() + 5);
  timers.close();
  await pause(30);
  assert.equal(fired, []);
});

timers.run();
