/**
 * Clean split: the cluster falls into two halves that cannot hear each other, and both go on.
 *
 * Once or twice in a run the nodes part, two against three or three against two, and the clients with them; both halves take writes for as long
 * as they hold a copy. On some seeds one node stands between the halves and hears both: a bridge, over which nothing must be lost or made up.
 * Then the links heal, and what each half wrote must be found on every copy.
 *
 * What has gone wrong here in other systems: the half that "loses" the election throws its acknowledged writes away.
 */
import { type Fault, split } from './fault-plan.js';
import type { Draws } from './random-streams.js';
import type { PlannedRow, PlannedSplit } from './run-plan.js';
import { type Scenario, usualCheckers } from './scenario.js';

interface Halves {
  readonly left: readonly string[];
  readonly right: readonly string[];
}

export const cleanSplit: Scenario = {
  name: 'clean-split',
  nodesMin: 3,
  checkers: usualCheckers,

  plan({ nodes, clients, rows, durationMs, random }) {
    const when = random.stream('faults.when');
    const who = random.stream('faults.who');
    const cuts = cutMoments(durationMs, when);

    const faults: Fault[] = [];
    const splits: PlannedSplit[] = [];
    for (const { fromMs, untilMs } of cuts) {
      const halves = drawHalves(nodes, rows, who);
      const [leftClients, rightClients] = dealOut(clients, who);
      faults.push(...split({ fromMs, untilMs, left: [...halves.left, ...leftClients], right: [...halves.right, ...rightClients] }));
      splits.push({
        fromMs,
        untilMs,
        sides: [
          { nodes: halves.left, clients: leftClients },
          { nodes: halves.right, clients: rightClients },
        ],
      });
    }
    return { faults, splits, rest: 'cut', families: ['partition'] };
  },
};

/** One long cut, or two shorter ones with a breath between. */
function cutMoments(durationMs: number, when: Draws): { fromMs: number; untilMs: number }[] {
  const at = (share: number): number => Math.round(durationMs * share);
  if (when.chance(0.5)) {
    const from = when.integer({ min: 10, max: 30 }) / 100;
    return [{ fromMs: at(from), untilMs: at(from + when.integer({ min: 30, max: 55 }) / 100) }];
  }
  const [first, second] = [when.integer({ min: 6, max: 14 }) / 100, when.integer({ min: 52, max: 60 }) / 100];
  const length = (): number => when.integer({ min: 26, max: 34 }) / 100;
  return [
    { fromMs: at(first), untilMs: at(first + length()) },
    { fromMs: at(second), untilMs: at(second + length()) },
  ];
}

/**
 * Two halves with as many spaces as chance offers that both can serve by themselves; on a third of the seeds a bystander is in neither. Where the bystander
 * holds a copy, both halves may leave the writing to it: such spaces do not count.
 */
function drawHalves(nodes: readonly string[], rows: readonly PlannedRow[], who: Draws): Halves {
  const withBystander = nodes.length >= 5 && who.chance(0.35);
  const contestedEnough = Math.ceil(rows.length * (withBystander ? 0.5 : 0.6));
  let best: Halves | null = null;
  let bestContested = -1;
  for (let attempt = 0; attempt < 50 && bestContested < contestedEnough; attempt += 1) {
    const bystander = withBystander ? who.pick(nodes) : null;
    const order = who.shuffled(nodes.filter((node) => node !== bystander));
    const smaller = Math.floor(order.length / 2);
    const cutAt = who.chance(0.5) ? smaller : order.length - smaller;
    const halves = { left: order.slice(0, cutAt), right: order.slice(cutAt) };
    const contested = rows.filter((row) => contestedBetween(row, halves, bystander)).length;
    if (contested > bestContested) [best, bestContested] = [halves, contested];
  }
  return best as Halves;
}

function contestedBetween({ copies }: PlannedRow, { left, right }: Halves, bystander: string | null): boolean {
  return (
    copies.every((copy) => copy !== bystander) && copies.some((copy) => left.includes(copy)) && copies.some((copy) => right.includes(copy))
  );
}

function dealOut(clients: readonly string[], who: Draws): [string[], string[]] {
  const order = who.shuffled(clients);
  const middle = Math.ceil(order.length / 2);
  return [order.slice(0, middle), order.slice(middle)];
}
