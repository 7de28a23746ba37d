/**
 * Pairs of events: each operation with its moment of invocation and of completion in the total order of events. What cannot have happened is refused
 * with the line that shows it.
 */
import { briefly, canonicalText, type Datum, MalformedHistory } from './datum.js';
import type { ForeignEvent } from './events.js';

export interface ForeignOperation {
  /** Of its invocation, as the file names it. */
  readonly index: number;
  /** Of its invocation and of its completion, for messages. */
  readonly line: number;
  completedOn: number;
  readonly f: string;
  readonly key: Datum | undefined;
  /** What the invocation carried, and what the completion did. */
  readonly asked: Datum | undefined;
  answered: Datum | undefined;
  /** `open` when its end is unknown or not in the history. */
  outcome: 'ok' | 'fail' | 'open';
  /** Positions in the order of events; Infinity while open. */
  readonly invoked: number;
  completed: number;
  /** Time of the invocation and of the completion; null without. */
  readonly invokedAt: number | null;
  completedAt: number | null;
}

/** Puts events in order and pairs them. Throws MalformedHistory. */
export function pairEvents(events: readonly ForeignEvent[]): ForeignOperation[] {
  const operations: ForeignOperation[] = [];
  const running = new Map<string | number, ForeignOperation>();
  /** Processes that do not know what became of their last operation, and the line that says so. */
  const retired = new Map<string | number, number>();
  const moments: { readonly operation: ForeignOperation; readonly isEnd: boolean; readonly time: number | null }[] = [];
  const inTheirOrder = isOrderedByTime(events) ? events : sortedByTime(events);
  for (const event of inTheirOrder) {
    const { line } = event;
    const by = event.process;
    const current = running.get(by);
    const lastLine = retired.get(by);
    if (lastLine !== undefined) {
      throw new MalformedHistory(
        line,
        `process ${by} goes on, though since line ${lastLine} nobody knows what became of its last operation`,
      );
    }
    if (event.type === 'invoke') {
      if (current !== undefined)
        throw new MalformedHistory(line, `process ${by} begins another operation: that of line ${current.line} has not ended`);
      const made = operationOf(event);
      running.set(by, made);
      operations.push(made);
      moments.push({ operation: made, isEnd: false, time: event.time });
      continue;
    }
    if (current === undefined) throw new MalformedHistory(line, `process ${by} ends an operation (${event.f}) that it never began`);
    end(current, event);
    running.delete(by);
    if (event.type === 'info') retired.set(by, line);
    if (event.type === 'ok') moments.push({ operation: current, isEnd: true, time: event.time });
  }
  if (inTheirOrder !== events) endsAfterBeginningsOfTheSameTime(moments);
  moments.forEach(({ operation, isEnd }, moment) => {
    const placed = operation as { invoked: number; completed: number };
    if (isEnd) placed.completed = moment;
    else placed.invoked = moment;
  });
  return operations;
}

/** Lines in the order of time, or without times for all: then they are the order. */
function isOrderedByTime(events: readonly ForeignEvent[]): boolean {
  let latest = Number.NEGATIVE_INFINITY;
  let isOrdered = true;
  let timed = 0;
  for (const { time } of events) {
    if (time === null) continue;
    timed += 1;
    if (time < latest) isOrdered = false;
    latest = Math.max(latest, time);
  }
  if (isOrdered || timed === events.length) return isOrdered;
  const untimed = events.find(({ time }) => time === null) as ForeignEvent;
  throw new MalformedHistory(untimed.line, 'the event has no time, and the times of the others are not in the order of the lines');
}

function sortedByTime(events: readonly ForeignEvent[]): ForeignEvent[] {
  return events.toSorted((left, right) => (left.time as number) - (right.time as number) || left.line - right.line);
}

/** When lines say nothing about order, nothing says which of two at the same time was first: they overlap. */
function endsAfterBeginningsOfTheSameTime(moments: { readonly isEnd: boolean; readonly time: number | null }[]): void {
  moments.sort((left, right) => (left.time as number) - (right.time as number) || Number(left.isEnd) - Number(right.isEnd));
}

function operationOf({ index, line, f, key, value, time }: ForeignEvent): ForeignOperation {
  return {
    index,
    line,
    completedOn: 0,
    f,
    key,
    asked: value,
    answered: undefined,
    outcome: 'open',
    invoked: 0,
    completed: Number.POSITIVE_INFINITY,
    invokedAt: time,
    completedAt: null,
  };
}

function end(operation: ForeignOperation, event: ForeignEvent): void {
  const { line, type, f, key, value, time } = event;
  const by = event.process;
  if (f !== operation.f)
    throw new MalformedHistory(line, `process ${by} ends a ${f}, but on line ${operation.line} it began a ${operation.f}`);
  if (key !== undefined && canonicalText(key) !== canonicalText(operation.key ?? null)) {
    throw new MalformedHistory(
      line,
      `the ${f} ends on key ${briefly(key)}, but on line ${operation.line} it began on key ${briefly(operation.key)}`,
    );
  }
  operation.completedOn = line;
  operation.answered = value;
  operation.outcome = type === 'info' ? 'open' : (type as 'ok' | 'fail');
  operation.completedAt = time;
}
