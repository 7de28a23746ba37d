/** Narrations: sentences of one moment are joined, what is synced where is counted, and filters leave what they say. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scenarioOf } from '../../scenarios/catalogue.js';
import type { Scenario } from '../../scenarios/scenario.js';
import { runSeed } from '../run-seed.js';
import { lineText, type NarrationFilter, narrate, tellAll, titleLines } from './narration.js';
import type { NarratedLine } from './narrator.js';
import { RecordedRun } from './recorded-run.js';

const narration = suite('narration');
const run = new RecordedRun();
runSeed({ scenario: scenarioOf('crash-restart') as Scenario, seed: 5, durationMs: 12_000, sink: run });

function told(filter: Partial<NarrationFilter> = {}): NarratedLine[] {
  return [...narrate(run.about, run.events, { ...tellAll, ...filter })];
}

narration("goes forward in time and tells nobody's story twice", () => {
  const lines = told({ detail: 'full' });
  for (const [at, line] of lines.entries()) assert.ok(at === 0 || line.us >= lines[at - 1].us);
  assert.is(new Set(lines.map(({ i }) => i)).size, lines.length);
});

narration('every domain event of the run has its sentence', () => {
  const full = told({ detail: 'full' });
  const known = new Set(full.map(({ i }) => i));
  const notes = run.events.filter(({ kind }) => kind === 'note');
  assert.ok(notes.length > 100);
  assert.ok(notes.every(({ i }) => known.has(i)));
});

narration('a record that is pushed to two copies is pushed once', () => {
  assert.ok(told().some(({ text }) => /^pushes .* to n\d and n\d$/.test(text)));
});

narration('counts the copies on which a record is synced', () => {
  const texts = told().map(({ text }) => text);
  for (const count of [1, 2, 3]) assert.ok(texts.some((text) => text.endsWith(`: on ${count} of 3 copies`)));
});

narration('less detail tells a part of what more detail tells', () => {
  const brief = told({ detail: 'brief' });
  const normal = told();
  const full = told({ detail: 'full' });
  assert.ok(brief.length > 20 && brief.length < normal.length && normal.length < full.length);
  const known = new Set(full.map(({ i, text }) => `${i} ${text}`));
  assert.ok(normal.every(({ i, text }) => known.has(`${i} ${text}`)));
  assert.ok(brief.some(({ text }) => text.startsWith('loses power')));
  assert.not.ok(brief.some(({ text }) => /^asks n\d/.test(text)));
});

narration('of one space: what speaks of it, and what speaks of none', () => {
  const [{ space }] = run.about.rows;
  const lines = told({ spaces: [space] });
  assert.ok(lines.some(({ spaces }) => spaces.includes(space)));
  assert.ok(lines.some(({ text }) => text.startsWith('loses power')));
  assert.ok(lines.every(({ spaces }) => spaces.length === 0 || spaces.includes(space)));
});

narration('of one node: what it does, and what is done to it or to all', () => {
  const lines = told({ nodes: ['n2'] });
  assert.ok(lines.some(({ at }) => at === 'n2') && lines.some(({ at }) => at === 'world'));
  assert.ok(lines.every(({ at, who }) => at === 'world' || who.includes('n2')));
});

narration('of one memory: nothing of any other', () => {
  const id = told().find(({ ids }) => ids.length === 1)?.ids[0] as string;
  const lines = told({ ids: [id] });
  assert.ok(lines.some(({ ids }) => ids.includes(id)));
  assert.ok(lines.every(({ ids, spaces }) => spaces.length === 0 || ids.includes(id)));
});

narration('of a window: both ends belong to it', () => {
  const { loadStartUs } = run.about;
  const lines = told({ fromMs: 1_000, untilMs: 2_000 });
  assert.ok(lines.length > 10);
  assert.ok(lines.every(({ us }) => us >= loadStartUs + 1_000_000 && us <= loadStartUs + 2_000_000));
});

narration('a line says when, who and what in columns', () => {
  const line: NarratedLine = { i: 1, us: 2_001_260, at: 'n1', text: 'serves', detail: 'brief', who: ['n1'], spaces: [], ids: [] };
  assert.is(lineText(line, { loadStartUs: 2_000_000, decimals: 1 }), '      1.2  n1     serves');
  assert.is(lineText({ ...line, us: 1_999_900 }, { loadStartUs: 2_000_000, decimals: 0 }), '      -1  n1     serves');
  assert.match(titleLines(run.about)[0], /^crash-restart, seed 5: n1 n2 n3 n4 n5, 60 clients, 12 s under load/);
});

narration.run();
