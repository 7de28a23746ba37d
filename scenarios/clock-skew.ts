/**
 * Clock skew: no two clocks agree, and while a space changes hands they jump.
 *
 * From the start the wall clocks are off, by seconds on most seeds and by up to two days on some, and both clocks of a node run fast or slow by up to two
 * parts in a hundred. In the course of the run rates change and wall clocks jump, forth and back, now and then to and fro within a second. Several times
 * the first copy of a space crashes, and the clocks of the others jump while they find the next primary; that of the crashed one has jumped as well
 * when it comes back.
 *
 * What has gone wrong here in other systems: a lease judged by the wall clock, a timestamp from the future that wins every later conflict, and a
 * timer that waits for a moment in the past.
 */
import { clockDrift, clockJump, crash, type Fault, restart } from './fault-plan.js';
import type { Draws } from './random-streams.js';
import type { PlannedClock, PlannedRow } from './run-plan.js';
import { type Scenario, type Stage, usualCheckers } from './scenario.js';

export const clockSkew: Scenario = {
  name: 'clock-skew',
  nodesMin: 1,
  checkers: usualCheckers,

  plan(stage) {
    const failovers = drawFailovers(stage);
    return {
      faults: [...drawSkew(stage), ...failovers],
      splits: [],
      rest: 'down',
      families: ['clock', ...(failovers.length > 0 ? ['crash'] : [])],
      clocks: drawWrongClocks(stage),
    };
  },
};

const hourMs = 3_600_000;

/** Where the clocks stand and how fast they run when the nodes start. */
export function drawWrongClocks({ nodes, random }: Stage): PlannedClock[] {
  const draws = random.stream('skew.clocks');
  const reachMs = draws.pick([500, 10_000, 10_000, hourMs, 48 * hourMs]);
  const driftPpmMax = draws.pick([0, 200, 2_000, 20_000]);
  return nodes.map((node) => ({
    node,
    offsetMs: draws.integer({ min: -reachMs, max: reachMs }),
    driftPpm: draws.integer({ min: -driftPpmMax, max: driftPpmMax }),
  }));
}

/** Three to twelve jumps, some of them taken back within a second, and up to four changes of rate. */
export function drawSkew({ nodes, durationMs, random }: Stage): Fault[] {
  const draws = random.stream('skew.jumps');
  const moment = (): number => Math.round((durationMs * draws.integer({ min: 2, max: 95 })) / 100);
  const jumps = Array.from({ length: draws.integer({ min: 3, max: 12 }) }, () => {
    const [atMs, node, byMs] = [moment(), draws.pick(nodes), drawJumpMs(draws)];
    const backMs = atMs + draws.integer({ min: 10, max: 1_000 });
    const isTakenBack = draws.chance(0.3) && backMs <= durationMs;
    return [clockJump({ atMs, node, byMs }), ...(isTakenBack ? [clockJump({ atMs: backMs, node, byMs: -byMs })] : [])];
  }).flat();
  const rates = random.stream('skew.rates');
  const drifts = Array.from({ length: rates.integer({ min: 0, max: 4 }) }, () =>
    clockDrift({
      atMs: Math.round((durationMs * rates.integer({ min: 5, max: 90 })) / 100),
      node: rates.pick(nodes),
      ppm: rates.pick([-1, 1]) * rates.pick([50, 500, 5_000, 20_000]),
    }),
  );
  return [...jumps, ...drifts];
}

function drawJumpMs(draws: Draws): number {
  return draws.pick([-1, 1]) * draws.pick([20, 500, 5_000, 61_000, hourMs, 24 * hourMs]);
}

/** One to five times: the first copy of a space crashes, and until it is back the clocks of the space's other copies jump. */
export function drawFailovers({ rows, durationMs, random }: Stage): Fault[] {
  const draws = random.stream('skew.failovers');
  if (rows.length === 0 || draws.chance(0.15)) return [];
  const count = draws.integer({ min: 1, max: 5 });
  const share = 0.9 / count;
  return Array.from({ length: count }, (_, at) => {
    const { copies } = draws.pick(rows) as PlannedRow;
    const [first, ...others] = copies as [string, ...string[]];
    const atMs = Math.round(durationMs * (0.05 + share * (at + 0.3 * draws.fraction())));
    const untilMs = atMs + Math.round(durationMs * share * (0.2 + 0.4 * draws.fraction()));
    // The next primary is found about a second later: before, amid and after that.
    const meanwhile = (): number => Math.min(untilMs, atMs + draws.integer({ min: 0, max: 2_500 }));
    return [
      crash({ atMs, node: first }),
      ...others.filter(() => draws.chance(0.7)).map((node) => clockJump({ atMs: meanwhile(), node, byMs: drawJumpMs(draws) })),
      ...(draws.chance(0.5) ? [clockJump({ atMs: untilMs, node: first, byMs: drawJumpMs(draws) })] : []),
      restart({ atMs: untilMs, node: first }),
    ];
  }).flat();
}
