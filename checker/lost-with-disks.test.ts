/** Destroyed disks excuse what one copy alone had promised, and nothing else. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nodeId } from '../core/identifiers.js';
import { convergence } from './convergence.js';
import type { History, Operation, Verdict } from './history.js';
import { HistoryBuilder } from './history-builder.js';
import { loss } from './loss.js';

const disks = suite('lost with disks');
type Figures = Verdict & Record<string, unknown>;

function lostWith(...writes: readonly Operation[]): Pick<History, 'destroyedDisks'> {
  const lost = writes.map(({ space, version }) => ({ space, version: version as string }));
  return { destroyedDisks: [{ node: nodeId('a'.repeat(32)), diedMs: 500, isolated: false, lost }] };
}

disks('a write that one copy alone acknowledged may go with its disk, and is counted', () => {
  const told = new HistoryBuilder();
  const write = told.remember('x', 'v1');
  told.finalReads('x', []);
  assert.is(loss(told.build()).verdict, 'violation');
  const verdict = loss(told.build(lostWith(write))) as Figures;
  assert.is(verdict.verdict, 'ok', JSON.stringify(verdict));
  assert.is(verdict.goneWithDisks, 1);
});

disks('a write that more copies acknowledged may not go, whatever was destroyed', () => {
  for (const ack of ['one', 'quorum', 'all'] as const) {
    const told = new HistoryBuilder();
    const write = told.remember('x', 'v1', { ack });
    told.finalReads('x', []);
    assert.is(loss(told.build(lostWith(write))).verdict, 'violation', ack);
  }
});

disks('a write that a lost one had taken the place of is owed for itself', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { ack: 'all' });
  const later = told.remember('x', 'v2');
  told.finalReads('x', []);
  assert.is(loss(told.build(lostWith(later))).verdict, 'violation');
  const kept = new HistoryBuilder();
  kept.remember('x', 'v1', { ack: 'all' });
  const gone = kept.remember('x', 'v2');
  kept.finalReads('x', ['v1']);
  assert.is(loss(kept.build(lostWith(gone))).verdict, 'ok');
});

disks('a forget that one copy alone acknowledged may be undone with its disk', () => {
  const told = new HistoryBuilder();
  told.remember('x', 'v1', { ack: 'all' });
  const forget = told.forget('x');
  told.finalReads('x', ['v1']);
  assert.is(loss(told.build()).verdict, 'violation');
  assert.is(loss(told.build(lostWith(forget))).verdict, 'ok');
});

disks('copies need not contain what is gone, and must contain the rest', () => {
  const told = new HistoryBuilder();
  const [kept, gone] = [told.remember('x', 'v1'), told.remember('y', 'v2')];
  told.ship(kept, 'bc');
  const healedMs = 1_000;
  const samples = [healedMs, healedMs + 61_000].map((atMs) => ({
    atMs,
    phase: 'all-healed' as const,
    copies: ['b', 'c'].map((letter) => told.copy(letter, [kept])),
  }));
  const parts = { samples, healedMs, endedMs: healedMs + 62_000 };
  assert.is(convergence(told.build(parts)).verdict, 'violation');
  assert.is(convergence(told.build({ ...parts, ...lostWith(gone) })).verdict, 'ok');
  assert.is(convergence(told.build({ ...parts, ...lostWith(kept) })).verdict, 'violation');
});

disks.run();
