/**
 * The events of somebody else's history, from JSON lines or EDN: who began or ended what, in which order. Lines of the nemesis are left out: what was done
 * to the system is no answer that it gave.
 */
import { briefly, type Datum, DatumMap, exactInteger, MalformedHistory, Named } from './datum.js';
import { readEdn } from './edn.js';

export type EventType = 'invoke' | 'ok' | 'fail' | 'info';

export interface ForeignEvent {
  /** In the file, from 1. */
  readonly line: number;
  /** As the file numbers it, else its position in the file from 0. */
  readonly index: number;
  /** A number, or a name. */
  readonly process: number | string;
  readonly type: EventType;
  readonly f: string;
  readonly key: Datum | undefined;
  readonly value: Datum | undefined;
  /** In whatever unit; null when the line has none. */
  readonly time: number | null;
}

const eventTypes: ReadonlySet<string> = new Set(['invoke', 'ok', 'fail', 'info']);
/** Digits that a number may not be able to tell apart. */
const longInteger = /\d{16}/;
const stringOrInteger = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const exactMark = '\u0000exact integer';

/** Reads JSON lines. Throws MalformedHistory. */
export function eventsOfJsonLines(lines: Iterable<string>): ForeignEvent[] {
  const events: ForeignEvent[] = [];
  let line = 0;
  let position = 0;
  for (const text of lines) {
    line += 1;
    if (text.trim() === '') continue;
    const fields = objectOf(text, line);
    const event = eventOf((name) => (Object.hasOwn(fields, name) ? fields[name] : undefined), line, position);
    position += 1;
    if (event !== null) events.push(event);
  }
  return events;
}

/** Reads Jepsen's EDN: a map for each event. Throws MalformedHistory. */
export function eventsOfEdn(text: string): ForeignEvent[] {
  const events: ForeignEvent[] = [];
  let position = 0;
  for (const { datum, line } of readEdn(text)) {
    if (!(datum instanceof DatumMap)) throw new MalformedHistory(line, `an event is a map, not ${briefly(datum)}`);
    const fields = new Map<string, Datum>();
    for (const [key, value] of datum.entries) {
      const name = key instanceof Named ? key.text : typeof key === 'string' ? `:${key}` : '';
      if (fields.has(name) && name !== '') throw new MalformedHistory(line, `the event has two ${name}`);
      fields.set(name, value);
    }
    const event = eventOf((name) => fields.get(`:${name}`), line, position);
    position += 1;
    if (event !== null) events.push(event);
  }
  return events;
}

function objectOf(text: string, line: number): Readonly<Record<string, Datum>> {
  let parsed: unknown;
  try {
    parsed = longInteger.test(text) ? parseExactly(text) : JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new MalformedHistory(line, `no JSON: ${why.length > whyCharactersMax ? `${why.slice(0, whyCharactersMax)}…` : why}`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed) || parsed instanceof Named) {
    throw new MalformedHistory(line, 'a line is one JSON object: {"process": 0, "type": "invoke", "f": "read"}');
  }
  return parsed as Readonly<Record<string, Datum>>;
}

const whyCharactersMax = 120;

/** As JSON.parse, but integers beyond 2^53 keep their digits: two of them may differ where their numbers do not. */
function parseExactly(text: string): unknown {
  const marked = text.replace(stringOrInteger, (token) => {
    const isInteger = /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token));
    // JSON.stringify escapes the mark's first character: no text of the file itself reads so unescaped by chance.
    return isInteger ? JSON.stringify({ [exactMark]: token }) : token;
  });
  return JSON.parse(marked, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, exactMark)) return value;
    const digits = (value as Record<string, unknown>)[exactMark];
    return typeof digits === 'string' && /^-?\d+$/.test(digits) ? exactInteger(digits) : value;
  });
}

/** One event, or null for one of the nemesis. */
function eventOf(field: (name: string) => Datum | undefined, line: number, position: number): ForeignEvent | null {
  const by = processOf(field('process'), line);
  if (by === null) return null;
  const type = nameOf(field('type'));
  if (type === null || !eventTypes.has(type)) {
    throw new MalformedHistory(line, `type is invoke, ok, fail or info, not ${briefly(field('type'))}`);
  }
  const f = nameOf(field('f'));
  if (f === null) throw new MalformedHistory(line, `f names an operation, not ${briefly(field('f'))}`);
  return {
    line,
    index: indexOf(field('index'), line) ?? position,
    process: by,
    type: type as EventType,
    f,
    key: field('key'),
    value: field('value'),
    time: timeOf(field('time'), line),
  };
}

/** Null for the nemesis. */
function processOf(datum: Datum | undefined, line: number): number | string | null {
  const name = nameOf(datum);
  if (name === 'nemesis') return null;
  if (name !== null && name !== '') return name;
  if (typeof datum === 'number' && Number.isSafeInteger(datum)) return datum;
  throw new MalformedHistory(line, `process is a whole number or a name, not ${briefly(datum)}`);
}

function indexOf(datum: Datum | undefined, line: number): number | null {
  if (datum === undefined || datum === null) return null;
  if (typeof datum === 'number' && Number.isSafeInteger(datum) && datum >= 0) return datum;
  throw new MalformedHistory(line, `index is a whole number from 0 on, not ${briefly(datum)}`);
}

function timeOf(datum: Datum | undefined, line: number): number | null {
  if (datum === undefined || datum === null) return null;
  // Nanoseconds since 1970 are beyond 2^53: what is lost is below a microsecond.
  const time = datum instanceof Named && /^-?\d+$/.test(datum.text) ? Number(datum.text) : datum;
  if (typeof time === 'number' && Number.isFinite(time)) return time;
  throw new MalformedHistory(line, `time is a number, not ${briefly(datum)}`);
}

function nameOf(datum: Datum | undefined): string | null {
  if (typeof datum === 'string') return datum;
  return datum instanceof Named && datum.text.startsWith(':') ? datum.text.slice(1) : null;
}
