/**
 * Congestion: nothing is broken, everything is late, and a third of it never arrives.
 *
 * For half of the run messages take half a second, give or take two fifths of that, and three in ten are lost: no round trip ends within the second
 * after which a copy counts as out of reach, so that everybody suspects everybody while everybody is well. On other seeds the links are narrow
 * instead: bytes queue, small messages wait behind large ones, and what the queue has no room for is dropped, which is when retries make it worse. Or
 * both. It is the links of all nodes, of one node, or of the clients alone.
 *
 * What has gone wrong here in other systems: deadlines and heartbeats stuck behind bulk data, retries that multiply the load that caused them, and
 * acknowledgements of an earlier try taken for the later one.
 */
import { type Fault, type LinkRates, setLinkRates } from './fault-plan.js';
import type { Draws } from './random-streams.js';
import { type Scenario, type Stage, usualCheckers } from './scenario.js';

export const congestion: Scenario = {
  name: 'congestion',
  nodesMin: 2,
  checkers: usualCheckers,

  plan(stage) {
    return { faults: drawCongestion(stage), splits: [], rest: 'cut', families: ['congestion'] };
  },
};

/** One to three stretches of bad weather, a half of the run together. */
export function drawCongestion({ nodes, clients, rows, durationMs, random }: Stage): Fault[] {
  const when = random.stream('congestion.when');
  const who = random.stream('congestion.who');
  const stretches = when.integer({ min: 1, max: 3 });
  const share = 0.95 / stretches;
  return Array.from({ length: stretches }, (_, at) => {
    const begin = 0.03 + share * at + when.fraction() * share * 0.3;
    const [atMs, endMs] = [Math.round(durationMs * begin), Math.round(durationMs * (begin + share * 0.6))];
    // Of the links of one node only those matter that something is said on.
    const holders = nodes.filter((node) => rows.some(({ copies }) => copies.includes(node)));
    const [some, others] = drawWhere({ nodes, clients, holders }, who);
    const rates = drawRates(random.stream('congestion.rates'));
    return [
      setLinkRates({ atMs, from: some, to: others, rates }),
      setLinkRates({ atMs, from: others, to: some, rates }),
      setLinkRates({ atMs: endMs, from: some, to: others, rates: null }),
      setLinkRates({ atMs: endMs, from: others, to: some, rates: null }),
    ];
  }).flat();
}

/** Between which names it is bad, both ways. */
function drawWhere(
  {
    nodes,
    clients,
    holders,
  }: { readonly nodes: readonly string[]; readonly clients: readonly string[]; readonly holders: readonly string[] },
  who: Draws,
): readonly [readonly string[], readonly string[]] {
  const everybody = [...nodes, ...clients];
  return who.weighted([
    [[nodes, nodes], 0.4],
    [[everybody, everybody], 0.3],
    [[[who.pick(holders)], everybody], 0.2],
    [[clients, nodes], 0.1],
  ]);
}

function drawRates(draws: Draws): LinkRates {
  const late = { delayUsMin: 300_000, jitterUs: 400_000, loss: 0.3 };
  const early = { delayUsMin: 2_000, jitterUs: 5_000, loss: 0.01 };
  // 1 to 16 KB a second, with room for a half of a second to eight seconds of it.
  const bytesPerUs = (1 << draws.integer({ min: 0, max: 4 })) / 1_000;
  const narrow = { bytesPerUs, queueBytes: Math.round(bytesPerUs * 1_000_000 * draws.pick([0.5, 2, 8])) };
  const wide = { bytesPerUs: 120 };
  const usual = { slow: 0.01, duplicate: draws.pick([0, 0.02]), reorder: 0, reorderUs: 0 };
  return draws.weighted<LinkRates>([
    [{ ...usual, ...late, ...wide }, 0.5],
    [{ ...usual, ...early, ...narrow }, 0.3],
    [{ ...usual, ...late, ...narrow }, 0.2],
  ]);
}
