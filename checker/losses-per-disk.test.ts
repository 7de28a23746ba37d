/** What went with a disk is counted per acknowledgement level, and from the oldest promise on. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeId } from '../core/identifiers.js';
import type { DestroyedDisk, Operation } from './history.js';
import { HistoryBuilder } from './history-builder.js';
import { acknowledgedPerLevel, lossesPerDisk } from './losses-per-disk.js';

const losses = suite('losses per disk');
const node = nodeId('a'.repeat(32));

function diskWith(diedMs: number, writes: readonly Operation[], isolated = false): DestroyedDisk {
  return { node, diedMs, isolated, lost: writes.map(({ space, version }) => ({ space, version: version as string })) };
}

losses('each disk has what went with it, by level, and the time since the oldest of it', () => {
  const told = new HistoryBuilder();
  const [kept, first, second] = [told.remember('w', 'v0'), told.remember('x', 'v1'), told.remember('y', 'v2', { ack: 'one' })];
  const disks = [diskWith(second.completedMs + 40, [first, second], true), diskWith(second.completedMs + 90, [])];
  assert.equal(lossesPerDisk(told.build({ destroyedDisks: disks })), [
    { isolated: true, lost: { local: 1, one: 1, quorum: 0, all: 0 }, windowMs: second.completedMs + 40 - first.completedMs },
    { isolated: false, lost: { local: 0, one: 0, quorum: 0, all: 0 }, windowMs: 0 },
  ]);
  assert.is(kept.outcome, 'ok');
});

losses('what nobody was promised, or only later, is no loss of the disk', () => {
  const told = new HistoryBuilder();
  const write = told.remember('x', 'v1');
  const [loss] = lossesPerDisk(told.build({ destroyedDisks: [diskWith(write.completedMs - 1, [write])] }));
  assert.is(loss?.lost.local, 0);
});

losses('acknowledged writes are counted by level, reads are not', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1');
  told.remember('y', 'v2', { ack: 'all' });
  told.finalReads('x', ['v1']);
  assert.equal(acknowledgedPerLevel(told.build()), { local: 1, one: 0, quorum: 0, all: 1 });
});

losses.run();
