/** Charts of distributions and of calibration. Distributions have a logarithmic axis: its steps are the buckets themselves. */

import { bucketOf } from './histogram.js';
import { escaped, grouped, msText, svg } from './html-text.js';
import type { PooledCalibration } from './pooled-calibration.js';
import type { DistributionReport } from './report.js';

const [width, height] = [320, 130];
const [left, right, top, bottom] = [8, 8, 18, 18];
/** Buckets to a bar: two tenths and a half wide each. */
const bucketsPerBar = 3;

/** Axes are shared by the charts of one figure, so that scenarios can be compared. */
export interface Axis {
  readonly from: number;
  readonly to: number;
}

export function axisOf(distributions: readonly DistributionReport[]): Axis {
  const edges = distributions.flatMap(({ buckets }) => buckets.map(([, high]) => barOf(high)));
  return { from: Math.min(...edges), to: Math.max(...edges) + 1 };
}

export function distributionChart(id: string, name: string, scenario: string, distribution: DistributionReport, axis: Axis): string {
  const { count, p50, p90, p99, max } = distribution;
  const bars = new Map<number, number>();
  for (const [, high, runs] of distribution.buckets) bars.set(barOf(high), (bars.get(barOf(high)) ?? 0) + runs);
  const tallest = Math.max(...bars.values());
  const step = (width - left - right) / Math.max(1, axis.to - axis.from);
  const x = (bar: number): number => left + (bar - axis.from) * step;
  const room = height - top - bottom;
  const rects = [...bars].map(([bar, runs]) => {
    const tall = Math.max(1, (runs / tallest) * room);
    return `<rect class="bar" x="${round(x(bar))}" y="${round(height - bottom - tall)}" width="${round(Math.max(0.8, step - 0.8))}" height="${round(tall)}"/>`;
  });
  const line = (value: number, label: string, y: number): string => {
    const at = round(x(barOf(value)) + step / 2);
    const anchor = at > width * 0.75 ? 'end' : 'start';
    return `<path class="quantile" d="M${at} ${top - 8}V${height - bottom}"/><text x="${at + (anchor === 'end' ? -3 : 3)}" y="${y}" text-anchor="${anchor}">${label}</text>`;
  };
  const content = [
    `<path class="axis" d="M${left} ${height - bottom}H${width - right}"/>`,
    ...rects,
    ...ticks(axis).map((value) => `<text x="${round(x(barOf(value)))}" y="${height - 5}" text-anchor="middle">${msText(value)}</text>`),
    line(p50, 'p50', top - 1),
    ...(barOf(p99) === barOf(p50) ? [] : [line(p99, 'p99', top + 9)]),
  ].join('\n');
  const description = `${count} values: median ${msText(p50)}, 90 % within ${msText(p90)}, 99 % within ${msText(p99)}, at most ${msText(max)}.`;
  const picture = svg({ id, title: `${name}, ${scenario}`, description, width, height, content });
  return `<figure><figcaption><b>${escaped(scenario)}</b> <span class="soft">${grouped(count)} · p50 ${msText(p50)} · p99 ${msText(p99)} · max ${msText(max)}</span></figcaption>${picture}</figure>`;
}

/** What was claimed against what came true; on the diagonal a claim is honest. */
export function calibrationChart(id: string, { name, bins, claims, calibrationError, skill }: PooledCalibration): string {
  const size = 260;
  const [from, to] = [30, size - 12];
  const at = (share: number): number => round(from + share * (to - from));
  const up = (share: number): number => round(size - at(share));
  const filled = bins.filter(([claims]) => claims > 0);
  const points = filled.map(([count, claimed, happened]) => ({
    claimed: claimed / count,
    happened: happened / count,
    share: count / claims,
  }));
  const path = points.map(({ claimed, happened }, index) => `${index === 0 ? 'M' : 'L'}${at(claimed)} ${up(happened)}`).join('');
  const dots = points.map(({ claimed, happened, share }) => {
    const radius = round(2 + 6 * Math.sqrt(share));
    const text = `claimed ${claimed.toFixed(3)}, came true ${happened.toFixed(3)}, ${(share * 100).toFixed(1)} % of the claims`;
    return `<circle class="bar" cx="${at(claimed)}" cy="${up(happened)}" r="${radius}"><title>${text}</title></circle>`;
  });
  const error = `expected calibration error ${calibrationError.toFixed(4)}`;
  const worth = skill === null ? 'no skill to tell' : `Brier skill ${skill.toFixed(3)}`;
  const labels = [0, 0.5, 1].flatMap((share) => [
    `<text x="${at(share)}" y="${size - 12}" text-anchor="middle">${share}</text>`,
    `<text x="${from - 6}" y="${up(share) + 3}" text-anchor="end">${share}</text>`,
  ]);
  const content = [
    `<path class="axis" d="M${from} ${up(1)}V${up(0)}H${at(1)}"/><path class="even" d="M${at(0)} ${up(0)}L${at(1)} ${up(1)}"/>`,
    `<path class="curve" d="${path}"/>`,
    ...dots,
    ...labels,
  ].join('\n');
  const description = `${claims} claims; ${error}; ${worth}. Across: the probability that was claimed. Up: the share that came true.`;
  const picture = svg({ id, title: `Calibration of ${name}`, description, width: size, height: size, content });
  return `<figure><figcaption><b>${escaped(name)}</b> <span class="soft">${grouped(claims)} claims · ${error} · ${worth}</span></figcaption>${picture}</figure>`;
}

function ticks(axis: Axis): number[] {
  return [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000].filter((value) => barOf(value) >= axis.from && barOf(value) < axis.to);
}

function barOf(value: number): number {
  return Math.floor(bucketOf(value) / bucketsPerBar);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
