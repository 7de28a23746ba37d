/**
 * How a violation came about: the events that led to it, told in the order in which they happened.
 *
 * The story starts at its end, at the operations that the checker's evidence names and the records that they wrote. From there it goes back: along the
 * causes of their events (happened-before, Lamport 1978), along every message and disk operation that carried one of the records or failed to, and to what
 * was done from outside to the nodes that hold the space. What is left is told by the narrator of traces; the last lines say where each record is in the end.
 */

import type { History, Operation } from '../checker/history.js';
import { isRecall } from '../checker/recall.js';
import { spaceName } from '../core/identifiers.js';
import { type RunOptions, type RunResult, runSeed } from './run-seed.js';
import { violationOf } from './shrink/violation-kind.js';
import { lineText } from './trace/narration.js';
import { type NarratedLine, Narrator } from './trace/narrator.js';
import { RecordedRun, recordsOf } from './trace/recorded-run.js';
import { ShortNames } from './trace/short-names.js';
import type { TraceEvent } from './trace/trace-events.js';

/** Records followed, and lines told at most: a chain that nobody can read explains nothing. */
const recordsMax = 4;
const operationsMax = 8;
const linesMax = 80;
const retriesMax = 6;
/** Of the lines left out: what was done to the nodes is told all the same. */
const faultsMax = 20;

interface Told {
  readonly text: string;
  readonly retries: boolean;
  readonly isFault: boolean;
}

/** A record that the evidence is about, by its names in the trace. */
interface Subject {
  readonly space: string;
  /** `sequence@node.boot`. */
  readonly dot: string;
  /** As the checkers write it. */
  readonly version: string;
}

/** Runs it, and tells how its violation came about. */
export function runExplained(options: RunOptions): { readonly run: RunResult; readonly chain: readonly string[] } {
  const recorded = new RecordedRun();
  const run = runSeed({ ...options, sink: recorded });
  return { run, chain: causalChain(run, recorded) };
}

/** The lines of the story, empty for a run that broke no promise. `recorded` is the trace of that same run. */
export function causalChain(run: RunResult, recorded: RecordedRun): readonly string[] {
  const violation = violationOf(run);
  if (violation === null) return [];
  const header = recorded.about;
  const names = new ShortNames(new Map(header.nodes.map(({ name, id }) => [id, name])));
  const found = run.verdicts[violation.checker] as { readonly reason: string; readonly operations?: readonly number[] };
  const operations = firstCase((found.operations ?? []).map((index) => run.history.operations[index]));
  const named = subjectsOf(operations, found.reason, names);
  const subjects = named.length > 0 ? named : notEverywhere(run.history, names);
  const spaces = [...found.reason.matchAll(/([a-z0-9_-]+)#\d+/g)].map(([, space]) => space);
  const story = new Story(recorded, { subjects, operations, spaces });
  const lines = story.lines().map((line) => ({
    text: lineText(line, { loadStartUs: header.loadStartUs, decimals: 1 }),
    retries: isRetry(line),
    isFault: line.at === 'world',
  }));
  return [
    `${violation.checker}: ${readable(found.reason, names)}`,
    ...operations.map((operation) => `  ${operationText(operation, names)}`),
    '',
    ...shortened(withoutStorms(lines), linesMax),
    '',
    ...subjects.flatMap((subject) => whereabouts(subject, run.history, names)),
  ];
}

/** Where several memories are in the evidence, each is a case like the first. */
function firstCase(operations: readonly Operation[]): Operation[] {
  return operations.filter(({ space, id }) => space === operations[0].space && id === operations[0].id).slice(0, operationsMax);
}

function isRetry({ text }: NarratedLine): boolean {
  return text.startsWith('tries ') || text.startsWith('refuses ');
}

/** A client that is sent back and forth tells its story with the first tries and the last. */
function withoutStorms(lines: readonly Told[]): Told[] {
  const told: Told[] = [];
  for (let at = 0; at < lines.length; ) {
    let end = at;
    while (end < lines.length && lines[end].retries) end += 1;
    if (end > at) told.push(...shortened(lines.slice(at, end), retriesMax).map((text) => ({ text, retries: true, isFault: false })));
    else told.push(lines[at]);
    at = Math.max(end, at + 1);
  }
  return told;
}

/** The beginning and the end, and between them how much is missing and the last faults of it. */
function shortened(lines: readonly Told[], linesAtMost: number): string[] {
  if (lines.length <= linesAtMost) return lines.map(({ text }) => text);
  const half = linesAtMost / 2;
  const faults = lines.slice(half, -half).filter(({ isFault }) => isFault);
  const kept = faults.slice(-faultsMax);
  const left = [`          … ${lines.length - linesAtMost - kept.length} lines more …`, ...kept.map(({ text }) => text)];
  return [...lines.slice(0, half).map(({ text }) => text), ...left, ...lines.slice(-half).map(({ text }) => text)];
}

/** Records that the reason names, that operations of the evidence wrote, and that its reads saw: some verdicts are about a disk and not about a client. */
function subjectsOf(operations: readonly Operation[], reason: string, names: ShortNames): Subject[] {
  const written = operations.flatMap(({ space, version }) => (version === null ? [] : [{ space: space as string, version }]));
  const named = [...reason.matchAll(/([a-z0-9_-]+#\d+) (\d+@[0-9a-f]{56})/g)].map(([, space, version]) => ({ space, version }));
  const seen = operations.flatMap(({ space, seen }) => seen.map(({ version }) => ({ space: space as string, version })));
  const subjects = [...named, ...written, ...seen].map(({ space, version }): [string, Subject] => [
    `${space} ${version}`,
    { space: names.space(space), dot: names.dot(version), version },
  ]);
  return [...new Map(subjects).values()].slice(0, recordsMax);
}

/** Where copies are said to differ: what one of them lists at the end and another does not. */
function notEverywhere({ samples }: History, names: ShortNames): Subject[] {
  const copies = samples.at(-1)?.copies ?? [];
  const missing = copies.flatMap(({ space, versions }) => {
    const others = copies.filter((other) => other.space === space).map((other) => new Set(other.versions.map(({ version }) => version)));
    return versions.filter(({ version }) => others.some((listed) => !listed.has(version))).map(({ version }) => ({ space, version }));
  });
  const subjects = missing.map(({ space, version }): [string, Subject] => [
    `${space} ${version}`,
    { space: names.space(space), dot: names.dot(version), version },
  ]);
  return [...new Map(subjects).values()].slice(0, recordsMax);
}

function readable(reason: string, names: ShortNames): string {
  return reason
    .split('\n')[0]
    .replaceAll(/\b\d+@[0-9a-f]{56}\b/g, (version) => names.dot(version))
    .replaceAll(/\b[0-9a-f]{32}\b/g, (id) => names.node(id));
}

function operationText(
  { index, kind, space, id, value, process, outcome, node, version, seen, recalled = [] }: Operation,
  names: ShortNames,
): string {
  const what = value === null ? `${kind} of ${id}` : `${kind} of ${id} = ${value}`;
  const by = node === null ? '' : ` by ${names.node(node)}`;
  const isRead = kind === 'get' || kind === 'final-read';
  const result = isRecall(kind)
    ? `, recalled ${recalled.length === 0 ? 'nothing' : recalled.map((one) => one.value).join(', ')}`
    : isRead
      ? `, saw ${seen.length === 0 ? 'nothing' : seen.map((one) => one.value).join(' and ')}`
      : version === null
        ? ''
        : ` as ${names.dot(version)}`;
  return `operation ${index}: ${what} in ${spaceName(space)} by ${process}: ${outcome}${by}${outcome === 'ok' ? result : ''}`;
}

/** What the story is to be about; every space when nothing names one. */
interface Evidence {
  readonly subjects: readonly Subject[];
  readonly operations: readonly Operation[];
  readonly spaces: readonly string[];
}

class Story {
  readonly #recorded: RecordedRun;
  readonly #subjects: readonly Subject[];
  readonly #operations: readonly Operation[];
  readonly #events = new Set<number>();
  readonly #spaces: ReadonlySet<string>;
  readonly #ids: ReadonlySet<string>;
  /** Nodes that hold a copy of one of the spaces. */
  readonly #copies: ReadonlySet<string>;

  constructor(recorded: RecordedRun, { subjects, operations, spaces }: Evidence) {
    this.#recorded = recorded;
    this.#subjects = subjects;
    this.#operations = operations;
    const named = new Set([...spaces, ...subjects.map(({ space }) => space), ...operations.map(({ space }) => spaceName(space))]);
    const rows = recorded.about.rows.filter(({ space }) => named.size === 0 || named.has(space));
    this.#spaces = new Set(rows.map(({ space }) => space));
    this.#ids = new Set(operations.map(({ id }) => id));
    this.#copies = new Set(rows.flatMap(({ copies }) => copies));
  }

  lines(): NarratedLine[] {
    this.#collect();
    const lastUs = this.#lastUs();
    const narrator = new Narrator(this.#recorded.about);
    const lines: NarratedLine[] = [];
    for (const event of this.#recorded.events) lines.push(...narrator.take(event));
    lines.push(...narrator.end());
    const told = lines.filter((line) => line.us <= lastUs && this.#isOfIt(line));
    // What compaction moves is worth telling only where there is little else.
    return told.length <= linesMax ? told : told.filter(({ detail }) => detail !== 'full');
  }

  /** The events of the evidence and of its records, with their causes. */
  #collect(): void {
    const ends = [
      ...this.#operations.flatMap(({ index }) => this.#recorded.ofOperation(index)),
      ...this.#subjects.flatMap(({ space, dot }) => this.#recorded.ofDot(space, dot)),
    ];
    for (const event of ends) {
      for (const cause of this.#recorded.chainTo(event)) if (isTelling(cause)) this.#events.add(cause.i);
      if ('message' in event && typeof event.message === 'number')
        for (const part of this.#recorded.journeyOf(event.message)) this.#events.add(part.i);
    }
  }

  /** The story ends with its last event; without any it goes on to the end of the run. */
  #lastUs(): number {
    if (this.#events.size === 0) return Number.POSITIVE_INFINITY;
    let lastUs = 0;
    for (const i of this.#events) lastUs = Math.max(lastUs, this.#recorded.at(i)?.us ?? 0);
    return lastUs;
  }

  #isOfIt(line: NarratedLine): boolean {
    if (line.spaces.length > 0 && !line.spaces.some((space) => this.#spaces.has(space))) return false;
    if (this.#subjects.some(({ space, dot }) => line.spaces.includes(space) && namesDot(line.text, dot))) return true;
    if (this.#events.has(line.i)) return line.ids.length === 0 || this.#ids.size === 0 || line.ids.some((id) => this.#ids.has(id));
    // What changes who is there and who may do what, where the space is.
    return line.detail === 'brief' && (line.at === 'world' || this.#copies.has(line.at));
  }
}

/** Not worth a line of its own in a chain of causes. */
function isTelling(event: TraceEvent): boolean {
  if (event.kind === 'timer.fired') return false;
  if (event.kind === 'disk.asked') return recordsOf(event).length > 0;
  const isHeartbeat = event.kind === 'message.sent' && (event.what.kind === 'ping' || event.what.kind === 'membership');
  return !isHeartbeat || recordsOf(event).length > 0;
}

/** `1@n3.1` is not named by `11@n3.1` or `1@n3.12`. */
function namesDot(text: string, dot: string): boolean {
  for (let at = text.indexOf(dot); at >= 0; at = text.indexOf(dot, at + 1)) {
    if (!/\d/.test(text[at - 1] ?? '') && !/\d/.test(text[at + dot.length] ?? '')) return true;
  }
  return false;
}

/** Where a record is when the run has ended, copy by copy: from the bytes on the disks, and from what the nodes then vouch for. */
function whereabouts({ space, dot, version }: Subject, { logs, samples }: History, names: ShortNames): string[] {
  const [sequence, author] = [Number(version.slice(0, version.indexOf('@'))), version.slice(version.indexOf('@') + 1)];
  const last = samples.at(-1);
  return [...logs].flatMap(([node, log]) => {
    const logged = log.some((record) => names.space(record.space) === space && record.author === author && record.sequence === sequence);
    const copy = last?.copies.find((state) => state.node === node && names.space(state.space) === space);
    if (!logged && copy === undefined) return [];
    const held = copy?.coverage[author]?.some(([from, to]) => from <= sequence && sequence <= to) === true;
    const listed = copy?.versions.some((one) => one.version === version) === true;
    const onDisk = logged ? 'was durable on its disk' : 'was never durable on its disk';
    const inTheEnd = listed ? 'its copy holds it' : held ? 'its copy vouches for it and does not hold it' : 'its copy lacks it';
    return [`in the end, ${dot} of ${space} on ${names.node(node)}: ${onDisk}; ${copy === undefined ? 'it has no copy' : inTheEnd}`];
  });
}
