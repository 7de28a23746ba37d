/** Space-time diagrams: what they show of a run, how time is folded, and that the drawing stands by itself. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { moments } from '../transcripts/moments.js';
import { runMoment } from '../transcripts/transcript.js';
import { diagramOf } from './diagram-model.js';
import { diagramPage } from './diagram-page.js';
import type { DiagramChoice, DiagramModel } from './diagram-parts.js';
import { timeScale } from './diagram-scale.js';
import { diagramSvg } from './diagram-svg.js';
import { RecordedRun } from './recorded-run.js';

const diagram = suite('space-time diagram');
const run = new RecordedRun();
const stranded = moments.find(({ name }) => name.startsWith('stranded-tail'));
if (stranded === undefined) throw new Error('the moments have a stranded tail');
runMoment(stranded, run);

const whole: DiagramChoice = { space: null, nodes: [], fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY, pings: false };
const scale = { linear: false, heightPx: null };

function modelOf(choice: Partial<DiagramChoice> = {}): DiagramModel {
  return diagramOf(run.about, run.events, { ...whole, ...choice });
}

diagram('shades the split while it lasts, each side by itself', () => {
  const [cut] = modelOf().cuts;
  assert.is((cut.fromUs - run.about.loadStartUs) / 1_000, 500);
  assert.is((cut.untilUs - run.about.loadStartUs) / 1_000, 5_000);
  const [clients, n1, n2, n3] = cut.sides;
  assert.is(clients, -1);
  assert.ok(n2 === n3 && n1 !== n2 && n1 >= 0 && n2 >= 0);
});

diagram("ends the first primary's term and life with its crash", () => {
  const { terms, lives, marks } = modelOf();
  const crash = marks.find(({ kind }) => kind === 'crash');
  assert.ok(crash !== undefined);
  assert.ok(terms.some(({ column, untilUs }) => column === crash.column && untilUs === crash.us));
  assert.ok(lives.some(({ column, untilUs }) => column === crash.column && untilUs === crash.us));
  assert.ok(marks.some(({ kind, column, us }) => kind === 'start' && column === crash.column && us > crash.us));
});

diagram('draws records that the cut has swallowed as lost, and those that arrive later as arrived', () => {
  const records = modelOf().arrows.filter(({ kind }) => kind === 'records');
  assert.ok(records.some(({ dropped, title }) => dropped === 'on-the-way' && title.includes('the link is cut')));
  assert.ok(records.some(({ dropped, untilUs, fromUs }) => dropped === null && untilUs > fromUs));
});

diagram('marks writes where they are appended, synced and acknowledged', () => {
  const kinds = new Set(modelOf().marks.map(({ kind }) => kind));
  for (const kind of ['append', 'synced', 'acknowledged', 'answered', 'note'] as const) assert.ok(kinds.has(kind), kind);
});

diagram('keeps to its window, with what began before it', () => {
  const { arrows, marks, terms, fromUs, untilUs } = modelOf({ fromMs: 1_500, untilMs: 1_900 });
  assert.is(untilUs - fromUs, 400_000);
  assert.ok(marks.length > 0 && marks.every(({ us }) => us >= fromUs && us <= untilUs));
  assert.ok(arrows.every((arrow) => arrow.fromUs <= untilUs && arrow.untilUs >= fromUs));
  assert.ok(terms.some((term) => term.fromUs < fromUs));
});

diagram('shows pings only when asked', () => {
  assert.not.ok(modelOf().arrows.some(({ kind }) => kind === 'ping'));
  assert.ok(modelOf({ pings: true }).arrows.some(({ kind }) => kind === 'ping'));
});

diagram('shows the chosen columns only', () => {
  assert.equal(modelOf({ nodes: ['n3', 'n1'] }).columns, ['clients', 'n3', 'n1']);
});

diagram('folds quiet time and keeps the order of moments', () => {
  const model = modelOf();
  const folded = timeScale(model, scale);
  const linear = timeScale(model, { linear: true, heightPx: 1_000 });
  assert.ok(folded.folds.length > 5 && linear.folds.length === 0);
  for (const at of [folded, linear]) {
    let before = -1;
    for (const us of model.marks.map((mark) => mark.us).sort((left, right) => left - right)) {
      assert.ok(at.y(us) >= before);
      before = at.y(us);
    }
    assert.is(Math.round(at.y(model.untilUs)), Math.round(at.heightPx));
    assert.is(at.y(model.fromUs - 1_000), 0);
  }
  assert.is(linear.y((model.fromUs + model.untilUs) / 2), 500);
  assert.is(Math.round(timeScale(model, { linear: false, heightPx: 700 }).heightPx), 700);
});

/** Whether tags are closed in the order in which they were opened: what a reader of XML asks for. */
function wellFormed(text: string): boolean {
  const open: string[] = [];
  for (const [, closing, name, rest] of text.matchAll(/<(\/?)([\w]+)([^<>]*)>/g)) {
    if (closing === '/') {
      if (open.pop() !== name) return false;
    } else if (!rest.endsWith('/')) open.push(name);
  }
  return open.length === 0;
}

diagram('the image stands by itself: well formed, no script, nothing from elsewhere', () => {
  const model = modelOf();
  const svg = diagramSvg({ ...model, title: 'a <b> & "c"' }, scale);
  assert.ok(wellFormed(svg));
  assert.ok(svg.includes('<title>a &#60;b&#62; &#38; &#34;c&#34;</title>'));
  assert.match(svg, /prefers-color-scheme:dark/);
  for (const page of [svg, diagramPage(model, scale)]) {
    assert.not.match(page, /<script|NaN|undefined|Infinity/);
    assert.equal(
      [...page.matchAll(/https?:[^"']*/g)].map(([url]) => url).filter((url) => url !== 'http://www.w3.org/2000/svg'),
      [],
    );
  }
});

diagram.run();
