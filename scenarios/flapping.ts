/**
 * Flapping: a cut that comes and goes faster than anybody settles.
 *
 * Ten times in a run some links are cut for three seconds and healed for two or three: time enough for the other side to take over, and too little to
 * get used to it. On other seeds the lengths are drawn, from blinks of a fifth of a second that nobody may notice to six seconds on end. What flaps
 * is the link between two halves, always the same two or others each time; or one node alone; or one node in one direction only. Clients go with
 * their side, or see all nodes all the time.
 *
 * What has gone wrong here in other systems: terms that change hands with each flap and never serve, catch-up that starts from the beginning
 * each time, and a heal in the middle of a failover that leaves two primaries.
 */
import { cutLinks, type Fault, healLinks } from './fault-plan.js';
import type { Draws } from './random-streams.js';
import { type Scenario, type Stage, usualCheckers } from './scenario.js';

type Shape = 'same halves' | 'other halves' | 'one node' | 'one direction';

export const flapping: Scenario = {
  name: 'flapping',
  nodesMin: 2,
  checkers: usualCheckers,

  plan(stage) {
    return { faults: drawFlaps(stage), splits: [], rest: 'cut', families: ['partition'] };
  },
};

interface Flap {
  readonly fromMs: number;
  readonly untilMs: number;
}

type Links = readonly (readonly [from: readonly string[], to: readonly string[]])[];

export function drawFlaps({ nodes, clients, durationMs, random }: Stage): Fault[] {
  const when = random.stream('flaps.when');
  const who = random.stream('flaps.who');
  const shape = who.weighted<Shape>([
    ['same halves', 0.35],
    ['other halves', 0.25],
    ['one node', 0.25],
    ['one direction', 0.15],
  ]);
  const withClients = who.chance(0.5);
  const flaps = when.chance(0.5) ? tenOfThreeSeconds(durationMs) : ofRandomLengths(durationMs, when);
  const always = drawLinks(shape, nodes, withClients ? clients : [], who);
  return flaps.flatMap(({ fromMs, untilMs }) => {
    const links = shape === 'other halves' ? drawLinks(shape, nodes, withClients ? clients : [], who) : always;
    return links.flatMap(([from, to]) => [cutLinks({ atMs: fromMs, from, to }), healLinks({ atMs: untilMs, from, to })]);
  });
}

/** Of a minute: cut for three seconds, healed for 2.4. */
function tenOfThreeSeconds(durationMs: number): Flap[] {
  return Array.from({ length: 10 }, (_, at) => {
    const fromMs = Math.round(durationMs * (0.04 + 0.09 * at));
    return { fromMs, untilMs: fromMs + Math.round(durationMs * 0.05) };
  });
}

/** On and off between a three-hundredth and a tenth of the time under load, as long as it lasts. */
function ofRandomLengths(durationMs: number, when: Draws): Flap[] {
  const length = (): number =>
    Math.round((durationMs * (when.chance(0.5) ? when.integer({ min: 3, max: 30 }) : when.integer({ min: 20, max: 100 }))) / 1_000);
  const flaps: Flap[] = [];
  for (let fromMs = length(); fromMs < durationMs * 0.9; ) {
    const untilMs = Math.min(fromMs + length(), Math.round(durationMs * 0.95));
    flaps.push({ fromMs, untilMs });
    fromMs = untilMs + length();
  }
  return flaps;
}

function drawLinks(shape: Shape, nodes: readonly string[], clients: readonly string[], who: Draws): Links {
  const order = who.shuffled(nodes);
  const size = shape === 'one node' || shape === 'one direction' ? 1 : who.integer({ min: 1, max: Math.floor(nodes.length / 2) });
  const theirs = who.shuffled(clients);
  const middle = Math.ceil(theirs.length / 2);
  const left = [...order.slice(0, size), ...theirs.slice(0, middle)];
  const right = [...order.slice(size), ...theirs.slice(middle)];
  if (shape !== 'one direction')
    return [
      [left, right],
      [right, left],
    ];
  return [who.chance(0.5) ? [left, right] : [right, left]];
}
