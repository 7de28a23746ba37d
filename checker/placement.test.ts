import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { PlacedRow, PlacementRecord, Verdict } from './history.js';
import { HistoryBuilder, node, space } from './history-builder.js';
import { placement } from './placement.js';

const rows = suite('placement');
const endedMs = 100;
const whole = { fromMs: 0, untilMs: endedMs };

const row = (copies: string, atMs = 0, of = space): PlacedRow => ({ space: of, copies: [...copies].map(node), atMs });

/** a and b are in zone 1, c in zone 2, d in zone 3. */
function judged(told: Partial<PlacementRecord>): Verdict {
  const zones = { a: '1', b: '1', c: '2', d: '3' };
  const recorded: PlacementRecord = {
    replicationFactor: 3,
    copiesPerNodeMax: 2,
    primariesPerNodeMax: 1,
    nodes: Object.entries(zones).map(([letter, zone]) => ({ node: node(letter), zone, ...whole })),
    rows: [row('acd')],
    serving: [{ space, node: node('a'), ...whole }],
    ...told,
  };
  return placement(new HistoryBuilder().build({ placement: recorded, endedMs }));
}

function broken(told: Partial<PlacementRecord>, reason: RegExp): void {
  const verdict = judged(told);
  assert.is(verdict.verdict, 'violation');
  assert.match(verdict.verdict === 'violation' ? verdict.reason : '', reason);
}

rows('copies, zones and caps', () => {
  assert.is(judged({}).verdict, 'ok');
  broken({ rows: [row('ac')] }, /2 copies of 3/);
  broken({ rows: [row('aac')] }, /two copies on one node/);
  broken({ rows: [row('abc')] }, /2 zones of 3/);
  const others = [row('acd', 0), row('cad', 10, 'more#1' as PlacedRow['space'])];
  const serving = others.map((each) => ({ space: each.space, node: node('a'), ...whole }));
  assert.is(judged({ rows: others, serving }).verdict, 'ok');
  broken({ rows: [others[0] as PlacedRow, row('adc', 10, 'more#1' as PlacedRow['space'])], serving }, /primary of 2 spaces of 1/);
  broken({ rows: others, serving, copiesPerNodeMax: 1 }, /holds 2 copies of 1/);
});

rows('nobody asks for more copies than there are nodes', () => {
  const nodes = [{ node: node('a'), zone: '1', ...whole }];
  assert.is(judged({ nodes, rows: [row('a')] }).verdict, 'ok');
});

rows('some copy serves at every instant of a move', () => {
  const moved = [row('acd'), row('bcd', 50)];
  const span = (letter: string, fromMs: number, untilMs: number) => ({ space, node: node(letter), fromMs, untilMs });
  assert.is(judged({ rows: moved, serving: [span('a', 0, 60), span('b', 55, endedMs)] }).verdict, 'ok');
  broken({ rows: moved, serving: [span('b', 55, endedMs), span('a', 0, 50)] }, /no copy of notes#1 served from 50 to 55 ms/);
  broken({ rows: moved, serving: [span('a', 0, 50)] }, /to the end/);
});

rows('nothing recorded is nothing judged', () => {
  assert.is(placement(new HistoryBuilder().build()).verdict, 'not-applicable');
  assert.is(judged({ rows: [] }).verdict, 'unknown');
});

rows.run();
