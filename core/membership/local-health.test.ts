import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAddress } from './address.js';
import { LocalHealth } from './local-health.js';

const health = suite('local health');

health('goes up and down between its bounds, and tells of changes only', () => {
  const told: string[] = [];
  const tested = new LocalHealth({ localHealth: true, localHealthMax: 3 }, (from, to) => told.push(`${from} ${to}`));
  for (const by of [-1, 1, 1, 5, 1, -1]) tested.change(by);
  assert.equal(told, ['0 1', '1 2', '2 3', '3 2']);
  assert.is(tested.multiplier, 3);
});

health('stays well when it is switched off', () => {
  const tested = new LocalHealth({ localHealth: false, localHealthMax: 8 }, () => assert.unreachable('nothing changes'));
  tested.change(8);
  assert.is(tested.multiplier, 1);
});

health('addresses: what is one, and what is none', () => {
  for (const text of ['host:1', '10.0.0.1:7946', '[::1]:65535', 'a-b.example.org:80']) assert.is(parseAddress(text), text);
  assert.is(parseAddress('HOST:1'), 'host:1');
  for (const text of ['host', 'host:0', 'host:65536', ':80', '::1:80', 'a b:1', '[::1]', `${'x'.repeat(300)}:1`])
    assert.is(parseAddress(text), null);
});

health.run();
