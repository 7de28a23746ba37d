import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Now } from '../../events.js';
import type { SpaceKey } from '../../identifiers.js';
import { someNodes } from '../../test-support/control-entries.js';
import type { ControlRow } from '../control-state.js';
import { MoveReports } from './move-reports.js';

const reports = suite('reports of moves');
const space = 'notes#0' as SpaceKey;
const [one, two, three] = someNodes;
const at = (monotonicMs: number): Now => ({ monotonicMs, wallMs: 0 });

function rowOf(revision: number, stage: 'copying' | 'paused'): ControlRow {
  const move = { from: one, to: three, stage } as ControlRow['move'];
  return { space, epoch: { generation: 0, index: 3 }, revision, copies: [one, two], move } as ControlRow;
}

const wordOn = (revision: number) => ({ space, revision, heldMs: 0, missing: 0, bytes: 700 });

reports('a word about a row that a majority knew sooner than this disk counts once the row is known, and is told once', () => {
  const told = new MoveReports();
  const copying = rowOf(7, 'copying');
  told.copied(copying, wordOn(8), at(1_000));
  assert.equal([told.of(copying, at(1_000)), told.takeEarly({ [space]: copying })], [null, []]);
  const paused = rowOf(8, 'paused');
  assert.equal(told.takeEarly({ [space]: paused }), [paused]);
  assert.equal(told.of(paused, at(1_300)), wordOn(8));
  assert.equal(told.takeEarly({ [space]: paused }), []);
});

reports('a word about an earlier row counts no more, nor one of long ago', () => {
  const told = new MoveReports();
  told.copied(rowOf(8, 'paused'), wordOn(7), at(1_000));
  assert.is(told.of(rowOf(8, 'paused'), at(1_000)), null);
  told.copied(rowOf(8, 'paused'), wordOn(8), at(1_000));
  assert.is(told.of(rowOf(8, 'paused'), at(1_601)), null);
});

reports('a row that became another meanwhile is looked at once, and goes by nothing that was said before', () => {
  const told = new MoveReports();
  told.copied(rowOf(7, 'copying'), wordOn(8), at(1_000));
  const aborted: ControlRow = { ...rowOf(9, 'copying'), move: null };
  assert.equal(told.takeEarly({ [space]: aborted }), [aborted]);
  assert.is(told.of(aborted, at(1_000)), null);
  told.copied(rowOf(9, 'copying'), wordOn(10), at(1_000));
  assert.equal([told.takeEarly({}), told.takeEarly({ [space]: rowOf(10, 'paused') })], [[], []]);
});

reports.run();
