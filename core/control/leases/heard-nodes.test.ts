import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Now } from '../../events.js';
import { type NodeId, nodeId } from '../../identifiers.js';
import { applyEntry } from '../apply-entry.js';
import { defaultAuthorityOptions } from '../control-log-options.js';
import { emptyControlState } from '../control-state.js';
import { defaultClusterSettings } from '../entries.js';
import { HeardNodes } from './heard-nodes.js';

const evidence = suite('evidence of dead nodes');
const [leader, second, third, fourth, fifth] = [1, 2, 3, 4, 5].map((n) => nodeId(`${n}${n}`.repeat(16))) as [
  NodeId,
  NodeId,
  NodeId,
  NodeId,
  NodeId,
];
const all = [leader, second, third, fourth, fifth];
const configuration = { voters: all, learners: [] };
const founders = all.map((id, at) => ({ id, name: `n${at + 1}`, zone: '', rack: '', address: '' }));
const made = { kind: 'cluster-made' as const, clusterId: 'aa'.repeat(16), founders, settings: defaultClusterSettings };
const { state } = applyEntry(emptyControlState, made, 1);
const { doubtedAfterMs, calledForMs, silentAfterMs } = defaultAuthorityOptions;
const leased = { isLeased: true, needsTerms: false };
const at = (monotonicMs: number): Now => ({ monotonicMs, wallMs: 0 });

/** A leader that has heard all of them at the moment 0, and from then on all but the fifth. */
function leaderMissingFifth(untilMs: number): HeardNodes {
  const heard = new HeardNodes(defaultAuthorityOptions);
  heard.begin(state, at(0));
  for (const node of all) heard.asked(node, leased, at(node === fifth ? 0 : untilMs));
  return heard;
}

evidence('whom the leader misses is dead once it has been silent for long enough and a majority does not hear it', () => {
  const untilMs = silentAfterMs + 1;
  const heard = leaderMissingFifth(untilMs);
  assert.equal(heard.missed(state, at(untilMs)), [fifth]);
  heard.reported(second, [fifth], at(untilMs));
  assert.not(heard.dead(state, configuration, at(untilMs))(fifth));
  heard.reported(third, [fifth], at(untilMs));
  assert.ok(heard.dead(state, configuration, at(untilMs))(fifth));
  assert.not(heard.dead(state, configuration, at(untilMs))(fourth));
});

evidence('two voters and a leader that misses it for a moment only depose nobody; nor does what was said long ago', () => {
  const heard = leaderMissingFifth(doubtedAfterMs + 1);
  heard.reported(second, [fifth], at(doubtedAfterMs));
  heard.reported(third, [fifth], at(doubtedAfterMs));
  assert.not(heard.dead(state, configuration, at(doubtedAfterMs + 1))(fifth));
  const laterMs = doubtedAfterMs + silentAfterMs + 1;
  for (const node of all) if (node !== fifth) heard.asked(node, leased, at(laterMs));
  assert.not(heard.dead(state, configuration, at(laterMs))(fifth));
});

evidence('who asks without a lease is as good as silent', () => {
  const untilMs = silentAfterMs + 1;
  const heard = leaderMissingFifth(untilMs);
  heard.asked(fifth, { isLeased: false, needsTerms: false }, at(untilMs));
  assert.equal(heard.missed(state, at(untilMs)), [fifth]);
});

evidence('a voter calls whom the leader misses, and reports it only if it does not answer', () => {
  const heard = new HeardNodes(defaultAuthorityOptions);
  assert.is(heard.report(second, at(0)), null);
  assert.equal(heard.doubted([fourth, fifth, second], at(0)), [fourth, fifth, second]);
  heard.asked(fourth, leased, at(5));
  assert.equal(heard.report(second, at(10))?.nodes, []);
  assert.equal(heard.report(second, at(calledForMs))?.nodes, [fifth]);
  // Of nobody any more: that is said once.
  assert.equal(heard.report(second, at(10_000))?.nodes, []);
  assert.is(heard.report(second, at(10_001)), null);
});

evidence('who has answered is not silent because nobody asks again; doubted anew it has time to answer once more', () => {
  const heard = new HeardNodes(defaultAuthorityOptions);
  heard.doubted([fifth], at(0));
  heard.asked(fifth, leased, at(20));
  // The leader has heard it meanwhile, and names it no more.
  assert.equal(heard.report(second, at(20 + calledForMs))?.nodes, []);
  assert.equal(heard.doubted([fifth], at(300)), [fifth]);
  assert.equal(heard.report(second, at(310))?.nodes, []);
  assert.equal(heard.report(second, at(300 + calledForMs))?.nodes, [fifth]);
});

evidence('a leader that is lost is reported at once: its silence counts from when it spoke', () => {
  const heard = new HeardNodes(defaultAuthorityOptions);
  heard.leaderSpoke(leader, at(100));
  assert.equal(heard.doubted([leader, fifth], at(450)), [leader, fifth]);
  assert.equal(heard.report(second, at(450))?.nodes, [leader]);
  const successor = new HeardNodes(defaultAuthorityOptions);
  successor.leaderSpoke(leader, at(100));
  successor.begin(state, at(450));
  assert.equal(successor.missed(state, at(450)), [leader]);
});

evidence.run();
