import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GatherPause } from './gather-pause.js';

const gatherPause = suite('pause for gathering');
const many = { bytes: 50_000, records: 50 };
const make = (): GatherPause => new GatherPause({ msMax: 3, bytesEnough: 100_000 });

gatherPause('a lone write never waits', () => {
  const pause = make();
  for (let at = 0; at < 100; at += 1) {
    assert.is(pause.waitsUntilMs(900, at), null);
    pause.sent({ bytes: 900, records: 1 });
  }
});

gatherPause('large writes that come one at a time never wait', () => {
  const pause = make();
  for (let at = 0; at < 100; at += 1) {
    assert.is(pause.waitsUntilMs(90_000, at), null);
    pause.sent({ bytes: 90_000, records: 1 });
  }
});

gatherPause('after a group of many the next waits, for its time or until it is large enough', () => {
  const pause = make();
  pause.sent(many);
  assert.is(pause.waitsUntilMs(10_000, 100), 103);
  assert.is(pause.waitsUntilMs(30_000, 102), 103);
  assert.is(pause.waitsUntilMs(40_000, 103), null);
  pause.sent({ bytes: 40_000, records: 40 });
  assert.is(pause.waitsUntilMs(10_000, 104), 107);
  assert.is(pause.waitsUntilMs(100_000, 105), null);
});

gatherPause('a group that is large enough does not begin to wait', () => {
  const pause = make();
  pause.sent(many);
  assert.is(pause.waitsUntilMs(100_000, 100), null);
});

gatherPause('where waiting brings nothing it is left out for a while, then tried again', () => {
  const pause = make();
  pause.sent(many);
  assert.is(pause.waitsUntilMs(50_000, 100), 103);
  assert.is(pause.waitsUntilMs(50_000, 103), null);
  pause.sent(many);
  let atOnce = 0;
  while (pause.waitsUntilMs(50_000, 200) === null) {
    pause.sent(many);
    atOnce += 1;
  }
  assert.is(atOnce, 32);
});

gatherPause('0 milliseconds switch it off', () => {
  const pause = new GatherPause({ msMax: 0, bytesEnough: 100_000 });
  pause.sent(many);
  assert.is(pause.waitsUntilMs(10, 100), null);
});

gatherPause.run();
