/**
 * Cascading: one failure leads to the next, and what is left has to carry more and more.
 *
 * Nodes fail in turn, k of n, each a few seconds after the one before: time enough for its spaces to find another primary, which then is the next to
 * go. They stay down until the last has fallen; then they come back, first the one that fell first, or the one that fell last, or in any order.
 * On other seeds nobody dies: links clog one after another and hold back what is sent, seconds long, and unclog in another order than they clogged,
 * so that old messages arrive in bursts behind newer ones. And on some seeds both.
 *
 * What has gone wrong here in other systems: the survivors' catch-up traffic that fells the next one, the node that fell first and comes back
 * first taking the lead with an old log, and a stalled connection's old promise believed after it was overtaken.
 */
import { clogLinks, crash, type Fault, restart } from './fault-plan.js';
import type { Draws } from './random-streams.js';
import type { PlannedRow } from './run-plan.js';
import { type Scenario, type Stage, usualCheckers } from './scenario.js';

export const cascading: Scenario = {
  name: 'cascading',
  nodesMin: 2,
  checkers: usualCheckers,

  plan(stage) {
    const shape = stage.random.stream('cascade.shape').weighted<readonly string[]>([
      [['crash'], 0.5],
      [['clog'], 0.25],
      [['crash', 'clog'], 0.25],
    ]);
    const faults = [...(shape.includes('crash') ? drawCascade(stage) : []), ...(shape.includes('clog') ? drawClogs(stage) : [])];
    return { faults, splits: [], rest: 'down', families: shape };
  },
};

/** One or two cascades: the fall takes up to a half of the time there is, the way back as much. */
export function drawCascade({ nodes, rows, durationMs, random }: Stage): Fault[] {
  const when = random.stream('cascade.when');
  const who = random.stream('cascade.who');
  const cascades = when.pick([1, 1, 2]);
  const share = 0.9 / cascades;
  return Array.from({ length: cascades }, (_, at) => {
    const fallen = drawOrder(nodes, rows, who);
    const fromMs = durationMs * (0.04 + share * at);
    const stepMs = (durationMs * share * 0.45) / fallen.length;
    const risen = who.weighted([
      [fallen, 0.3],
      [fallen.toReversed(), 0.3],
      [who.shuffled(fallen), 0.4],
    ]);
    const moment = (step: number): number => Math.round(fromMs + stepMs * (step + when.fraction() * 0.8));
    return [
      ...fallen.map((node, step) => crash({ atMs: moment(step), node, ...(who.chance(0.4) ? { amid: 'write' } : {}) })),
      ...risen.map((node, step) => restart({ atMs: moment(fallen.length + step), node })),
    ];
  }).flat();
}

/** Two to all nodes: in the order in which one space would look for its next primary, or in any. */
function drawOrder(nodes: readonly string[], rows: readonly PlannedRow[], who: Draws): string[] {
  const count = who.integer({ min: 2, max: nodes.length });
  const shuffled = who.shuffled(nodes);
  if (rows.length === 0 || who.chance(0.5)) return shuffled.slice(0, count);
  const { copies } = who.pick(rows);
  return [...copies, ...shuffled.filter((node) => !copies.includes(node))].slice(0, count);
}

/** Some links between nodes clog in one order and unclog in another, two to five times over. */
export function drawClogs({ nodes, durationMs, random }: Stage): Fault[] {
  const when = random.stream('clogs.when');
  const who = random.stream('clogs.who');
  const rounds = when.integer({ min: 2, max: 5 });
  const share = 0.92 / rounds;
  return Array.from({ length: rounds }, (_, round) => {
    const links = drawPairs(nodes, who);
    const at = (part: number): number => Math.round(durationMs * (0.03 + share * (round + part)));
    const unclogged = who.shuffled(links.map((_, order) => order));
    return links.map(([from, to], order) =>
      clogLinks({
        atMs: at((0.4 * (order + when.fraction())) / links.length),
        untilMs: at(0.5 + (0.45 * ((unclogged[order] as number) + when.fraction())) / links.length),
        from: [from],
        to: [to],
      }),
    );
  }).flat();
}

/** A third to all of the directed links between nodes. */
function drawPairs(nodes: readonly string[], who: Draws): [string, string][] {
  const pairs = nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to): [string, string] => [from, to]));
  return who.shuffled(pairs).slice(0, who.integer({ min: Math.ceil(pairs.length / 3), max: pairs.length }));
}
