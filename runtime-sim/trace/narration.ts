/** A narration as text: who and when in columns, and only what was asked for. */
import { type NarratedLine, Narrator } from './narrator.js';
import { type Detail, details } from './note-sentences.js';
import type { TraceEvent, TraceHeader } from './trace-events.js';

/** What is told. An empty list of spaces, nodes or ids does not filter by that. */
export interface NarrationFilter {
  readonly detail: Detail;
  readonly spaces: readonly string[];
  /** Names of nodes or clients: they do it, or it is done to them. What is done to all is told as well. */
  readonly nodes: readonly string[];
  /** Memory ids: then only what speaks of one, or of no space at all. */
  readonly ids: readonly string[];
  /** Since the start of load; both included. */
  readonly fromMs: number;
  readonly untilMs: number;
}

export const tellAll: NarrationFilter = {
  detail: 'normal',
  spaces: [],
  nodes: [],
  ids: [],
  fromMs: Number.NEGATIVE_INFINITY,
  untilMs: Number.POSITIVE_INFINITY,
};

/** What has no space in it is told whatever space was asked for: a crash concerns all of them. */
export function isTold(line: NarratedLine, filter: NarrationFilter, loadStartUs: number): boolean {
  const { detail, spaces, nodes, ids, fromMs, untilMs } = filter;
  const atMs = (line.us - loadStartUs) / 1_000;
  if (atMs < fromMs || atMs > untilMs || details.indexOf(line.detail) > details.indexOf(detail)) return false;
  if (nodes.length > 0 && line.at !== 'world' && !line.who.some((name) => nodes.includes(name))) return false;
  if (spaces.length > 0 && line.spaces.length > 0 && !line.spaces.some((space) => spaces.includes(space))) return false;
  return ids.length === 0 || line.spaces.length === 0 || line.ids.some((id) => ids.includes(id));
}

/** The sentences that pass the filter, in the order of events. */
export function* narrate(header: TraceHeader, events: Iterable<TraceEvent>, filter: NarrationFilter): Generator<NarratedLine, void> {
  const narrator = new Narrator(header);
  for (const line of told(narrator, events)) if (isTold(line, filter, header.loadStartUs)) yield line;
}

function* told(narrator: Narrator, events: Iterable<TraceEvent>): Generator<NarratedLine, void> {
  for (const event of events) yield* narrator.take(event);
  yield* narrator.end();
}

/** What run it is, and who is who. */
export function titleLines({ scenario, seed, rows, nodes, clients, durationMs }: TraceHeader): string[] {
  const names = nodes.map(({ name }) => name).join(' ');
  return [
    `${scenario}, seed ${seed}: ${names}, ${clients.length} clients, ${durationMs / 1_000} s under load; times in ms since its start`,
    ...rows.map(({ space, copies }) => `  ${space}: ${copies.join(' ')}`),
    '',
  ];
}

/** Milliseconds since the start of load; then who, then what. */
export function lineText({ us, at, text }: NarratedLine, style: { readonly loadStartUs: number; readonly decimals: number }): string {
  const { loadStartUs, decimals } = style;
  const unitUs = decimals === 0 ? 1_000 : 100;
  const time = (Math.floor((us - loadStartUs) / unitUs) * unitUs) / 1_000;
  return `${time.toFixed(decimals).padStart(8 + decimals)}  ${at.padEnd(5)}  ${text}`;
}
