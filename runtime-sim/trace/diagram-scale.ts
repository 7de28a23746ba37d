/**
 * Where a moment stands on the time axis. Proportional time makes a protocol unreadable: messages take two milliseconds, what they are about takes five
 * seconds. So by default quiet stretches are folded: between two moments at which something happens the axis goes on in proportion, up to a bound.
 */
import type { DiagramModel } from './diagram-parts.js';

export interface TimeScale {
  readonly heightPx: number;
  /** Pixels below the first moment; what lies outside the window is at its edge. */
  y(us: number): number;
  readonly ticks: readonly { readonly us: number; readonly label: string }[];
  /** Stretches that are shorter on paper than their time. */
  readonly folds: readonly { readonly fromUs: number; readonly untilUs: number }[];
}

export interface ScaleChoice {
  /** Time in proportion all along. */
  readonly linear: boolean;
  /** Null: as high as is readable. */
  readonly heightPx: number | null;
}

const pxPerMs = 5;
const foldedPx = 44;
const stepPxMin = 1;
const heightPxMax = 12_000;
const tickPxMin = 15;
const linearTickPxMin = 60;

export function timeScale(model: DiagramModel, { linear, heightPx }: ScaleChoice): TimeScale {
  return linear ? linearScale(model, heightPx ?? linearHeightPx(model)) : foldedScale(model, heightPx);
}

/** Some ten pixels for each message, within bounds; a quiet window is not blown up. */
function linearHeightPx({ fromUs, untilUs, arrows }: DiagramModel): number {
  return Math.round(Math.min(heightPxMax, Math.max(500, Math.min((untilUs - fromUs) / 50, arrows.length * 10))));
}

function linearScale({ fromUs, untilUs, loadStartUs }: DiagramModel, heightPx: number): TimeScale {
  const stepUs = tickUs((untilUs - fromUs) * (linearTickPxMin / heightPx));
  const first = Math.ceil((fromUs - loadStartUs) / stepUs) * stepUs + loadStartUs;
  const ticks: { us: number; label: string }[] = [];
  for (let us = first; us <= untilUs; us += stepUs) ticks.push({ us, label: timeText(us - loadStartUs, stepUs) });
  const y = (us: number): number => ((Math.min(untilUs, Math.max(fromUs, us)) - fromUs) / (untilUs - fromUs)) * heightPx;
  return { heightPx, y, ticks, folds: [] };
}

function foldedScale(model: DiagramModel, heightPx: number | null): TimeScale {
  const knots = momentsOf(model);
  const places = [0];
  const folds: { fromUs: number; untilUs: number }[] = [];
  for (let at = 1; at < knots.length; at += 1) {
    const naturalPx = ((knots[at] - knots[at - 1]) / 1_000) * pxPerMs;
    if (naturalPx > foldedPx) folds.push({ fromUs: knots[at - 1], untilUs: knots[at] });
    places.push(places[at - 1] + Math.min(foldedPx, Math.max(stepPxMin, naturalPx)));
  }
  const naturalPx = places[places.length - 1];
  const scale = (heightPx ?? Math.min(heightPxMax, Math.max(300, naturalPx))) / naturalPx;
  const y = (us: number): number => place(us, knots, places) * scale;
  const ticks: { us: number; label: string }[] = [];
  for (const us of knots) {
    const last = ticks[ticks.length - 1];
    if (last === undefined || y(us) - y(last.us) >= tickPxMin) ticks.push({ us, label: timeText(us - model.loadStartUs, 1_000) });
  }
  return { heightPx: naturalPx * scale, y, ticks, folds };
}

/** Moments at which something begins, ends or happens, in order, the edges of the window among them. */
function momentsOf({ fromUs, untilUs, arrows, marks, terms, cuts, world }: DiagramModel): number[] {
  const moments = [
    fromUs,
    untilUs,
    ...arrows.flatMap((arrow) => [arrow.fromUs, arrow.untilUs]),
    ...marks.map(({ us }) => us),
    ...terms.flatMap((term) => [term.fromUs, term.untilUs]),
    ...cuts.flatMap((cut) => [cut.fromUs, cut.untilUs]),
    ...world.map(({ us }) => us),
  ];
  return [...new Set(moments.filter((us) => us >= fromUs && us <= untilUs))].sort((left, right) => left - right);
}

/** Between two knots in proportion. */
function place(us: number, knots: readonly number[], places: readonly number[]): number {
  let low = 0;
  let high = knots.length - 1;
  if (us <= knots[low]) return places[low];
  if (us >= knots[high]) return places[high];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (knots[middle] <= us) low = middle;
    else high = middle;
  }
  return places[low] + ((us - knots[low]) / (knots[high] - knots[low])) * (places[high] - places[low]);
}

/** The next of 1, 2, 5, 10 … that is no shorter. */
function tickUs(leastUs: number): number {
  for (let unit = 10; ; unit *= 10) {
    for (const times of [1, 2, 5]) if (unit * times >= leastUs) return unit * times;
  }
}

function timeText(us: number, stepUs: number): string {
  if (stepUs >= 100_000) return `${(us / 1_000_000).toFixed(stepUs >= 1_000_000 ? 0 : 1)} s`;
  return `${(us / 1_000).toFixed(stepUs >= 1_000 ? 0 : 2)} ms`;
}
