/** The verdict matrix: a block per scenario, a cell per seed, a hundred cells to a row. Failures stand out by colour and by sign, and link to what is told of them. */
import { type SeedRange, seedAt, seedCount } from './campaign-options.js';
import { escaped, svg } from './html-text.js';
import type { FailureReport, ScenarioReport } from './report.js';

const columns = 100;
const pitch = 9.6;
const cell = 8;
const left = 58;
const nameHeight = 20;
const gap = 12;
/** With more seeds a cell stands for several, and shows the worst of them. */
const cellsMax = 5_000;
const badness = '.-UNDV';

/** What a cell's character means, in the order of the legend. */
export const cellMeanings: readonly (readonly [character: string, meaning: string])[] = [
  ['.', 'ok'],
  ['V', 'violation'],
  ['N', 'not converged'],
  ['U', 'unknown'],
  ['D', 'not deterministic'],
  ['-', 'not run'],
];

const signs: Readonly<Record<string, string>> = { V: 'M2 2L6 6M6 2L2 6', N: 'M2 4H6', U: 'M4 2V4.5M4 6V6.4', D: 'M2 6L6 2' };

export function matrixChart(scenarios: readonly ScenarioReport[], seeds: readonly SeedRange[], failures: readonly FailureReport[]): string {
  const told = new Map(failures.map((failure) => [failureId(failure), failure]));
  const parts: string[] = [];
  let top = 0;
  for (const scenario of scenarios) {
    const block = scenarioBlock(scenario, seeds, told, top);
    parts.push(block.content);
    top += block.height;
  }
  const failed = scenarios.reduce((sum, { runs, ok }) => sum + runs - ok, 0);
  return svg({
    id: 'matrix',
    title: 'Verdicts of all runs, by scenario and seed',
    description: `${scenarios.length} scenarios of ${seedCount(seeds)} seeds each; ${failed} runs are not ok and listed under failures.`,
    width: left + columns * pitch + 4,
    height: Math.max(top, 1),
    content: parts.join('\n'),
  });
}

/** Where a failure is told in the page. */
export function failureId({ scenario, seed }: Pick<FailureReport, 'scenario' | 'seed'>): string {
  return `failure-${scenario}-${seed}`;
}

export function legend(): string {
  const items = cellMeanings.map(
    ([character, meaning]) => `<li><svg viewBox="0 0 8 8" aria-hidden="true">${cellShape(character, 0, 0)}</svg>${meaning}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>`;
}

interface Block {
  readonly content: string;
  readonly height: number;
}

function scenarioBlock(
  scenario: ScenarioReport,
  seeds: readonly SeedRange[],
  told: ReadonlyMap<string, FailureReport>,
  top: number,
): Block {
  const { name, runs, ok, matrix } = scenario;
  const perCell = Math.ceil(matrix.length / cellsMax);
  const cells = Array.from({ length: Math.ceil(matrix.length / perCell) }, (_, at) =>
    worst(matrix.slice(at * perCell, (at + 1) * perCell)),
  );
  const place = (at: number): [number, number] => [left + (at % columns) * pitch, top + nameHeight + Math.floor(at / columns) * pitch];
  const rows = Math.ceil(cells.length / columns);
  const labels = Array.from({ length: rows }, (_, row) => {
    const seed = seedAt(seeds, row * columns * perCell);
    return `<text x="${left - 6}" y="${round(place(row * columns)[1] + cell - 1)}" text-anchor="end">${seed}</text>`;
  });
  const quiet = (character: string, className: string): string => {
    const squares = cells.flatMap((found, at) =>
      found === character ? [`M${place(at).map(round).join(' ')}h${cell}v${cell}h-${cell}z`] : [],
    );
    return squares.length === 0 ? '' : `<path class="${className}" d="${squares.join('')}"/>`;
  };
  const loud = cells.flatMap((found, at) => {
    if (found === '.' || found === '-') return [];
    const [x, y] = place(at);
    const seed = firstOf(matrix, found, at * perCell, seeds);
    const failure = told.get(failureId({ scenario: name, seed }));
    const text = `${name}, seed ${seed}: ${failure === undefined ? meaningOf(found) : `${failure.verdict}, ${failure.reason}`}`;
    const shape = `<g><title>${escaped(text)}</title>${cellShape(found, x, y)}</g>`;
    return [failure === undefined ? shape : `<a href="#${failureId(failure)}" aria-label="${escaped(text)}">${shape}</a>`];
  });
  const several = perCell > 1 ? `, ${perCell} seeds to a cell` : '';
  const header = `<text class="name" x="0" y="${top + 12}">${escaped(name)}<tspan font-weight="400"> ${ok} of ${runs} ok${several}</tspan></text>`;
  return {
    content: [header, ...labels, quiet('.', 'cell-ok'), quiet('-', 'cell-none'), ...loud].filter(Boolean).join('\n'),
    height: nameHeight + rows * pitch + gap,
  };
}

function cellShape(character: string, x: number, y: number): string {
  const className = character === '.' ? 'cell-ok' : character === '-' ? 'cell-none' : `cell-${character}`;
  const square = `<rect class="${className}" width="${cell}" height="${cell}"/>`;
  const sign = signs[character] === undefined ? '' : `<path class="sign" d="${signs[character]}"/>`;
  return `<g transform="translate(${round(x)} ${round(y)})">${square}${sign}</g>`;
}

function worst(cells: string): string {
  return [...cells].reduce((left, right) => (badness.indexOf(right) > badness.indexOf(left) ? right : left), '.');
}

function firstOf(matrix: string, character: string, from: number, seeds: readonly SeedRange[]): number {
  return seedAt(seeds, matrix.indexOf(character, from));
}

function meaningOf(character: string): string {
  return cellMeanings.find(([known]) => known === character)?.[1] ?? character;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
