/**
 * For how long moves keep writes waiting, over many seeds (move-pauses.ts):
 *
 *     npm run move-figures -- --seeds 1..100
 *
 * Prints one line of JSON for near links and one for far ones: moves committed; pauses of primaries, how many of them ended with the move given up, and their lengths in milliseconds; and
 * spaces that were taken from primaries held for dead. Exit code 1 when a space never took a write again after a pause, 2
 * when the command is wrong.
 */
import { parseArgs } from 'node:util';
import { measureMovePauses } from './move-pauses.js';

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1..100' } } });
const range = /^(\d+)\.\.(\d+)$/.exec(values.seeds);
if (range === null) {
  process.stderr.write('move-figures: --seeds takes A..B\n');
  process.exit(2);
}
const first = Number(range[1]);
const measured = Array.from({ length: Number(range[2]) - first + 1 }, (_, at) => measureMovePauses(first + at));
for (const links of ['near', 'far'] as const) {
  const ofThese = measured.filter(({ isFar }) => isFar === (links === 'far'));
  const pauses = ofThese.flatMap(({ pausesMs }) => pausesMs).sort((left, right) => left - right);
  const at = (share: number): number | null => pauses[Math.min(pauses.length - 1, Math.ceil(share * pauses.length) - 1)] ?? null;
  const sumOf = (what: 'moves' | 'givenUp' | 'heldForDead'): number => ofThese.reduce((sum, each) => sum + each[what], 0);
  const figures = {
    links,
    seeds: ofThese.length,
    moves: sumOf('moves'),
    pauses: pauses.length,
    givenUp: sumOf('givenUp'),
    heldForDead: sumOf('heldForDead'),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
  process.stdout.write(`${JSON.stringify(figures, (_, value) => (typeof value === 'number' ? Math.round(value) : value))}\n`);
  if (pauses.some((pause) => !Number.isFinite(pause))) process.exitCode = 1;
}
