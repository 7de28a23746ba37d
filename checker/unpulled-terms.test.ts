import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeId, SpaceKey } from '../core/identifiers.js';
import type { BrokenLink, FaultRecord, History, LoggedRecord } from './history.js';
import { HistoryBuilder, node } from './history-builder.js';
import { splitBrain } from './split-brain.js';
import { unpulledTerms } from './unpulled-terms.js';

const unpulled = suite('terms taken without pulling');

const claimedMs = 10_000;
const takenMs = 10_400;

interface Scene {
  /** When the other copy had the first write on its disk, and the new primary; Infinity: never. */
  readonly thereMs: number;
  readonly hereMs: number;
  /** When the other copy's process began. */
  readonly otherSinceMs?: number;
  readonly broken?: readonly BrokenLink[];
  readonly faults?: readonly FaultRecord[];
  /** The new primary has what took the write's place instead. */
  readonly overtaken?: boolean;
}

/** b has written; a takes the term. */
function history({ thereMs, hereMs, otherSinceMs = 0, broken = [], faults = [], overtaken = false }: Scene): History {
  const told = new HistoryBuilder('ab');
  const write = told.remember('x', 'v1', { at: 'b' });
  if (hereMs < Number.POSITIVE_INFINITY) told.ship(write, 'a');
  if (overtaken) told.ship(told.remember('x', 'v2', { at: 'b' }), 'a');
  const term = { ...told.term('a', { fromMs: takenMs, untilMs: Number.POSITIVE_INFINITY }), claimedMs };
  const lives = [
    { node: node('a'), place: 'n1', boot: 2, fromMs: 9_000, untilMs: Number.POSITIVE_INFINITY, leftMs: Number.POSITIVE_INFINITY },
    { node: node('b'), place: 'n2', boot: 1, fromMs: otherSinceMs, untilMs: Number.POSITIVE_INFINITY, leftMs: Number.POSITIVE_INFINITY },
  ];
  const membership = { lives, changes: [], broken, views: [] };
  const built = told.build({ terms: [term], membership, faults, endedMs: 20_000 });
  const times = (records: readonly LoggedRecord[], firstMs: number): number[] => records.map((_, at) => (at === 0 ? firstMs : 9_000));
  const logDurableMs = new Map<NodeId, readonly number[]>([
    [node('a'), times(built.logs.get(node('a')) ?? [], overtaken ? 9_000 : hereMs)],
    [node('b'), times(built.logs.get(node('b')) ?? [], thereMs)],
  ]);
  return { ...built, logDurableMs };
}

const early = { thereMs: 5_000, hereMs: Number.POSITIVE_INFINITY };

unpulled('a term without what a copy in reach held violates split-brain, and names the write', () => {
  const verdict = splitBrain(history(early));
  assert.is(verdict.verdict, 'violation');
  assert.match((verdict as { reason: string }).reason, /took a term .* without v1/);
  assert.equal((verdict as { operations?: readonly number[] }).operations, [0]);
});

unpulled('who holds no copy may have hints that no term waits for', () => {
  const told = history(early);
  const held = (...letters: readonly string[]): History => ({
    ...told,
    copyHolders: new Map([[told.terms[0]?.space as SpaceKey, new Set(letters.map((letter) => node(letter)))]]),
  });
  assert.is(unpulledTerms(held('a', 'b')).unpulled.length, 1);
  assert.equal(unpulledTerms(held('a')), { judged: 0, unpulled: [] });
});

unpulled('what came before the term was taken was pulled, what came after it was not', () => {
  assert.equal(unpulledTerms(history({ ...early, hereMs: takenMs })), { judged: 1, unpulled: [] });
  assert.is(unpulledTerms(history({ ...early, hereMs: takenMs + 1 })).unpulled.length, 1);
});

unpulled('what took the place of a write counts for it', () => {
  assert.equal(unpulledTerms(history({ ...early, overtaken: true })), { judged: 1, unpulled: [] });
});

unpulled('what the copy itself had only since the claim is not owed', () => {
  assert.equal(unpulledTerms(history({ ...early, thereMs: claimedMs })), { judged: 1, unpulled: [] });
});

unpulled('a copy that has just started, or is cut off in either direction, is not within reach', () => {
  assert.is(unpulledTerms(history({ ...early, otherSinceMs: 8_000 })).judged, 0);
  for (const [from, to] of [
    ['n1', 'n2'],
    ['n2', 'n1'],
  ] as const) {
    assert.is(unpulledTerms(history({ ...early, broken: [{ from, to, fromMs: 6_000, untilMs: 7_500 }] })).judged, 0);
    assert.is(unpulledTerms(history({ ...early, broken: [{ from, to, fromMs: 1_000, untilMs: 2_000 }] })).unpulled.length, 1);
  }
});

unpulled('where messages are lost by chance or disks are damaged nothing is judged', () => {
  const fault = (family: string, tookEffect: boolean): FaultRecord => ({ fault: family, family, atMs: 0, tookEffect });
  assert.is(unpulledTerms(history({ ...early, faults: [fault('network', true)] })).judged, 0);
  assert.is(unpulledTerms(history({ ...early, faults: [fault('bit-rot', true)] })).judged, 0);
  assert.is(unpulledTerms(history({ ...early, faults: [fault('bit-rot', false), fault('crash', true)] })).unpulled.length, 1);
});

unpulled.run();
