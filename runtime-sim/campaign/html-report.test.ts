/** The report for people: whole, without network, and safe whatever the reasons say. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runRecord } from '../test-support/run-records.js';
import type { CampaignOptions } from './campaign-options.js';
import { htmlReport } from './html-report.js';
import { durationText, progressText } from './progress.js';
import { reportOf } from './report.js';
import type { RunRecord } from './run-record.js';
import { Tally } from './tally.js';

const html = suite('campaign report');

function page(seeds: number, records: readonly RunRecord[], changes: Partial<CampaignOptions> = {}): string {
  const options: CampaignOptions = {
    ...{
      seeds: [{ first: 1, last: seeds }],
      scenarios: ['clean-split'],
      nodes: null,
      durationMs: 60_000,
      plant: null,
      checkDeterminism: false,
      controlLog: true,
    },
    ...changes,
  };
  const tally = new Tally(options);
  for (const record of records) tally.add(record);
  return htmlReport(reportOf({ options, code: 'c0ffee', pending: ['swarm'], tally, errors: [], wallMs: 61_000 }, 'out/report.json'));
}

const calibrations = {
  'newest version': {
    bins: [
      [10, 1, 1, 0.9],
      [90, 85.5, 81, 8.3],
    ],
  },
} as const;
const records = [
  runRecord(1, { calibrations }),
  runRecord(2, { verdict: 'violation', reason: 'loss: <script>alert("x")</script> & more', replay: "bin/engram-sim replay 'a b'" }),
];

html('it needs nothing from elsewhere and runs nothing', () => {
  const text = page(3, records);
  for (const wish of ['<script', 'http:', 'https:', 'url(', '@import', '<link', '<img', 'src=']) assert.not.match(text, wish);
  assert.match(text, 'prefers-color-scheme: dark');
  assert.match(text, '&#60;script&#62;alert(&#34;x&#34;)&#60;/script&#62; &#38; more');
});

html('elements are closed, and ids are unique', () => {
  const text = page(3, records).replace(/<style>.*<\/style>/s, '');
  const open: string[] = [];
  for (const [, closing, name, self] of text.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*?(\/?)>/g)) {
    if (closing === '/') assert.is(open.pop(), name);
    else if (self !== '/' && !['meta', 'br'].includes(name)) open.push(name);
  }
  assert.equal(open, []);
  const ids = [...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  assert.is(new Set(ids).size, ids.length);
  const targets = [...text.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id);
  assert.ok(targets.length > 0 && targets.every((target) => ids.includes(target)));
});

html('every picture says what it shows', () => {
  const pictures = [...page(3, records).matchAll(/<svg role="img" aria-labelledby="(\S+) (\S+)".*?<\/svg>/gs)];
  assert.is(pictures.length, 3, 'matrix, one distribution, one calibration');
  for (const [text, title, description] of pictures) {
    assert.match(text, new RegExp(`<title id="${title}">[^<]+</title><desc id="${description}">[^<]+</desc>`));
  }
});

html('verdicts, marks, pending scenarios and replays are told', () => {
  const text = page(3, records);
  assert.match(text, 'clean-split, seed 2: violation, loss:');
  assert.match(text, 'pending, skipped: swarm');
  assert.match(text, 'bin/engram-sim replay &#39;a b&#39;');
  assert.match(text, '2 of 3');
  assert.match(text, 'expected calibration error 0.0450');
});

html('many seeds share cells, and the worst of them shows', () => {
  const many = Array.from({ length: 12_000 }, (_, at) => runRecord(at + 1, at === 7_001 ? { verdict: 'unknown', reason: 'why' } : {}));
  const text = page(12_000, many);
  assert.match(text, '3 seeds to a cell');
  assert.match(text, 'clean-split, seed 7002: unknown, why');
  assert.ok(text.length < 400_000, `${text.length} characters`);
});

html('an empty campaign has a report too', () => {
  assert.match(page(3, []), '0 of 3');
});

html('progress tells rate and remaining time of this session', () => {
  const state = { total: 1_000, failed: 3, sessionMs: 60_000 };
  assert.is(progressText({ ...state, done: 450, sessionDone: 310 }), '45 % of 1000 runs, 3 failed, 310 a minute, 1:46 left');
  assert.is(progressText({ ...state, failed: 0, done: 450, sessionDone: 0 }), '45 % of 1000 runs');
  assert.is(durationText(7_389_000), '2:03:09');
});

html.run();
