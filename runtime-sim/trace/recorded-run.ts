/**
 * A trace in memory, with the questions that are asked of one: what caused this event, what followed from it, where did this message go, what became of
 * this operation, of this write. Happened-before as in Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System" (1978): an event's
 * causes are the events of a chain through messages, timers, disks and processors.
 */
import { invariant } from '../../core/invariant.js';
import type { EventOf, TracedRecord, TraceEvent, TraceHeader, TraceSink } from './trace-events.js';

/** Events kept unless the caller says otherwise: some gigabytes. */
const eventsMaxDefault = 4_000_000;

export class RecordedRun implements TraceSink {
  readonly events: TraceEvent[] = [];
  readonly #eventsMax: number;
  #header: TraceHeader | null = null;
  #followers: number[][] | null = null;
  /** Events that were not kept any more: above 0, later questions are answered for the beginning of the run only. */
  dropped = 0;

  constructor(options: { readonly eventsMax?: number } = {}) {
    this.#eventsMax = options.eventsMax ?? eventsMaxDefault;
  }

  /** Of a trace that was read from a file. */
  static of({ header, events }: { readonly header: TraceHeader; readonly events: readonly TraceEvent[] }): RecordedRun {
    const run = new RecordedRun({ eventsMax: events.length });
    run.header(header);
    for (const event of events) run.event(event);
    return run;
  }

  header(header: TraceHeader): void {
    this.#header = header;
  }

  event(event: TraceEvent): void {
    if (this.events.length === this.#eventsMax) {
      this.dropped += 1;
      return;
    }
    this.events.push(event);
    this.#followers = null;
  }

  get about(): TraceHeader {
    invariant(this.#header !== null, 'a run that was recorded has begun');
    return this.#header;
  }

  /** The event of that number; null when it was not kept. */
  at(i: number): TraceEvent | null {
    return this.events[i - 1] ?? null;
  }

  /** What led to it directly; null for what the plan ordered. */
  causeOf(event: TraceEvent): TraceEvent | null {
    return event.cause === null ? null : this.at(event.cause);
  }

  /** What it led to directly, in order. */
  followersOf(event: TraceEvent): TraceEvent[] {
    this.#followers ??= this.#index();
    return (this.#followers[event.i] ?? []).map((i) => this.events[i - 1]);
  }

  #index(): number[][] {
    const followers: number[][] = [];
    for (const { i, cause } of this.events) {
      if (cause === null) continue;
      followers[cause] ??= [];
      followers[cause].push(i);
    }
    return followers;
  }

  /** From what the plan ordered down to the event itself: every event the cause of the next. */
  chainTo(event: TraceEvent): TraceEvent[] {
    const chain = [event];
    for (let before = this.causeOf(event); before !== null; before = this.causeOf(before)) chain.push(before);
    return chain.reverse();
  }

  /** Where a message, request or reply went: its sending, then each arrival or drop. */
  journeyOf(message: number): TraceEvent[] {
    const sent = this.at(message);
    if (sent === null) return [];
    return [sent, ...this.followersOf(sent).filter((event) => 'message' in event && event.message === message)];
  }

  /** All that a client did and was told about one operation, by its index in the history. */
  ofOperation(operation: number): TraceEvent[] {
    return this.events.filter((event) => 'operation' in event && event.operation === operation);
  }

  /** Every event that carries the record of that dot, `sequence@author` by the names of this trace: its way to disks and over the network. */
  ofDot(space: string, dot: string): TraceEvent[] {
    return this.events.filter((event) => recordsOf(event).some((record) => record.dot === dot && record.space === space));
  }

  /** The domain events of a kind. */
  notes(kind: string): EventOf<'note'>[] {
    return this.events.filter((event): event is EventOf<'note'> => event.kind === 'note' && event.note.kind === kind);
  }
}

/** The records that an event carries: those of a message that was sent, or of a write to a log. */
export function recordsOf(event: TraceEvent): readonly TracedRecord[] {
  if (event.kind === 'message.sent' && 'records' in event.what) return event.what.records;
  return event.kind === 'disk.asked' ? (event.records ?? []) : [];
}
