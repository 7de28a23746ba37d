/**
 * Asymmetric partition: some nodes are heard and hear nothing, or hear and are not heard.
 *
 * After a quiet start a random minority goes deaf: every link from the others into it is cut, every link out of it stays open. It keeps sending,
 * no answer arrives, and the others keep hearing from a node that knows nothing of them. On other seeds it goes mute instead, or every link across the
 * sides fails one way, so that A reaches B while B does not reach A: clients stand on either side. Or one or two links between nodes fail one way by
 * themselves: that parts nobody, and all clients reach all nodes. Then the links heal and all copies must agree.
 *
 * What has gone wrong here in other systems: a deaf primary that keeps its lease because its heartbeats still arrive, and a mute one that
 * everybody waits for.
 */
import { cutLinks, type Fault, healLinks } from './fault-plan.js';
import type { Draws } from './random-streams.js';
import type { PlannedRow } from './run-plan.js';
import { type Scenario, usualCheckers } from './scenario.js';

type Shape = 'deaf' | 'mute' | 'crooked';

/** From one node to another. */
type Link = readonly [string, string];

interface Sides {
  readonly apart: readonly string[];
  readonly together: readonly string[];
  /** Clients of those apart. */
  readonly theirs: readonly string[];
  readonly others: readonly string[];
}

export const asymmetric: Scenario = {
  name: 'asymmetric',
  nodesMin: 3,
  checkers: usualCheckers,

  plan({ nodes, clients, rows, durationMs, random }) {
    const when = random.stream('faults.when');
    const who = random.stream('faults.who');
    const shape = who.weighted<Shape>([
      ['deaf', 0.5],
      ['mute', 0.25],
      ['crooked', 0.25],
    ]);
    const fromMs = Math.round((durationMs * when.integer({ min: 10, max: 30 })) / 100);
    const untilMs = fromMs + Math.round((durationMs * when.integer({ min: 30, max: 55 })) / 100);

    const apart = drawMinority(nodes, rows, who);
    const together = nodes.filter((node) => !apart.includes(node));
    const [theirs, others] = dealOut(clients, who);
    const sides: Sides = { apart, together, theirs, others };
    const links = random.stream('faults.links');
    // A link that fails by itself is seen as such only while others show that its end is well.
    const single = shape === 'crooked' && links.chance(0.5) ? oneOrTwo(crookedLinks(apart, together, who), links) : null;
    const cut = (from: readonly string[], to: readonly string[]): Fault[] => lasting(fromMs, untilMs, from, to);
    return {
      faults: single === null ? partingFaults(shape, sides, cut, who) : single.flatMap(([from, to]) => cut([from], [to])),
      splits:
        single === null
          ? [
              {
                fromMs,
                untilMs,
                sides: [
                  { nodes: apart, clients: theirs },
                  { nodes: together, clients: others },
                ],
              },
            ]
          : [],
      rest: shape === 'mute' ? 'mute' : 'deaf',
      families: ['partition'],
    };
  },
};

/** Clients of one side do not reach the other side at all: what crosses is only what the nodes say to each other, one way. */
function partingFaults(
  shape: Shape,
  { apart, together, theirs, others }: Sides,
  cut: (from: readonly string[], to: readonly string[]) => Fault[],
  who: Draws,
): Fault[] {
  const clientsApart = [...cut(theirs, together), ...cut(others, apart)];
  if (shape === 'deaf') return [...clientsApart, ...cut(together, apart)];
  if (shape === 'mute') return [...clientsApart, ...cut(apart, together)];
  return [...clientsApart, ...crookedLinks(apart, together, who).flatMap(([from, to]) => cut([from], [to]))];
}

function lasting(fromMs: number, untilMs: number, from: readonly string[], to: readonly string[]): Fault[] {
  return [cutLinks({ atMs: fromMs, from, to }), healLinks({ atMs: untilMs, from, to })];
}

/** Less than half of the nodes, such that most spaces have a copy on either side, as far as chance offers. */
function drawMinority(nodes: readonly string[], rows: readonly PlannedRow[], who: Draws): string[] {
  const size = { min: 1, max: Math.max(1, Math.floor((nodes.length - 1) / 2)) };
  const enough = Math.ceil(rows.length * 0.6);
  let best: string[] = [];
  let bestSpanning = -1;
  for (let attempt = 0; attempt < 50 && bestSpanning < enough; attempt += 1) {
    const minority = who.subset(nodes, size);
    const spanning = rows.filter((row) => spans(row, minority)).length;
    if (spanning > bestSpanning) [best, bestSpanning] = [minority, spanning];
  }
  return best;
}

function spans(row: PlannedRow, side: readonly string[]): boolean {
  return row.copies.some((copy) => side.includes(copy)) && row.copies.some((copy) => !side.includes(copy));
}

/** Every pair across the sides fails in exactly one direction, drawn for each. */
function crookedLinks(apart: readonly string[], together: readonly string[], who: Draws): Link[] {
  return apart.flatMap((one) => together.map((other): Link => (who.chance(0.5) ? [one, other] : [other, one])));
}

function oneOrTwo(links: readonly Link[], draws: Draws): readonly Link[] {
  return draws.shuffled(links).slice(0, draws.integer({ min: 1, max: 2 }));
}

function dealOut(clients: readonly string[], who: Draws): [string[], string[]] {
  const order = who.shuffled(clients);
  const middle = Math.ceil(order.length / 2);
  return [order.slice(0, middle), order.slice(middle)];
}
