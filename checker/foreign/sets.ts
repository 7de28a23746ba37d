/**
 * The model `set`: elements are added and the whole set is read. Judged per element, by the definitions of the loss checker of our own runs (after
 * Jepsen's set-full, Kingsbury): an element is *known* from the earlier of its acknowledgement and the end of the first read that saw it, and *lost*
 * when the latest read that misses it was invoked after it was known and after the latest read that sees it.
 */
import { briefly, canonicalText, type Datum, DatumSet, MalformedHistory } from './datum.js';
import type { ForeignOperation } from './pairing.js';

export interface SetFinding {
  readonly what: 'lost' | 'phantom' | 'duplicated' | 'failed but visible';
  readonly element: Datum;
  /** The add, if there was one, and the read that shows it; by index. */
  readonly operations: readonly number[];
}

export interface SetJudgement {
  readonly findings: readonly SetFinding[];
  readonly elements: number;
  readonly reads: number;
  /** Known elements that some read judged; of those: found in the last read, but missed by an earlier one after they were known. */
  readonly judged: number;
  readonly stale: number;
  /** Known elements that no read judged. */
  readonly neverRead: number;
}

interface Element {
  readonly datum: Datum;
  /** Every add that may have taken effect, the earliest invocation first; and the ones that failed. */
  readonly adds: ForeignOperation[];
  readonly failed: ForeignOperation[];
  isInitial: boolean;
  /** Moment from which it is known. */
  known: number;
  /** Reads, by position in the order of invocation; -1 without. */
  lastSeen: number;
  lastMissed: number;
}

/** Judges the operations of one key. Throws MalformedHistory on a value that does not fit its operation. */
export function judgeSet(operations: readonly ForeignOperation[], initial: readonly Datum[]): SetJudgement {
  const elements = new Map<string, Element>();
  const elementOf = (datum: Datum, line: number): Element => {
    const text = canonicalText(datum);
    if (text === null) throw new MalformedHistory(line, 'an element nests too deep');
    const known = elements.get(text);
    if (known !== undefined) return known;
    const made: Element = {
      datum,
      adds: [],
      failed: [],
      isInitial: false,
      known: Number.POSITIVE_INFINITY,
      lastSeen: -1,
      lastMissed: -1,
    };
    elements.set(text, made);
    return made;
  };
  for (const datum of initial) {
    const element = elementOf(datum, 0);
    element.isInitial = true;
    element.known = Number.NEGATIVE_INFINITY;
  }
  for (const operation of operations) if (operation.f === 'add') noteAdd(operation, elementOf);
  const reads = operations.filter(({ f, outcome }) => f === 'read' && outcome === 'ok').sort((left, right) => left.invoked - right.invoked);
  const findings: SetFinding[] = [];
  const contents = reads.map((read, at) => noteRead(read, at, elementOf, findings));
  noteMisses(contents, [...elements.values()]);
  return judged([...elements.values()], reads, findings);
}

type ElementOf = (datum: Datum, line: number) => Element;

function noteAdd(operation: ForeignOperation, elementOf: ElementOf): void {
  const { asked, line, outcome } = operation;
  if (asked === undefined || asked === null)
    throw new MalformedHistory(line, `an add needs the element that it adds, not ${briefly(asked)}`);
  const element = elementOf(asked, line);
  if (outcome === 'fail') {
    element.failed.push(operation);
    return;
  }
  element.adds.push(operation);
  if (outcome === 'ok') element.known = Math.min(element.known, operation.completed);
}

/** What a read saw, and what it cannot have seen. */
function noteRead(read: ForeignOperation, at: number, elementOf: ElementOf, findings: SetFinding[]): ReadonlySet<Element> {
  const seen = new Set<Element>();
  for (const datum of itemsOf(read)) {
    const element = elementOf(datum, read.completedOn);
    if (seen.has(element)) findings.push({ what: 'duplicated', element: datum, operations: [read.index] });
    if (seen.has(element)) continue;
    seen.add(element);
    element.lastSeen = at;
    const cause = element.adds.find((add) => add.invoked < read.completed);
    if (cause === undefined && !element.isInitial) {
      const failed = element.failed.find((add) => add.invoked < read.completed);
      const what = failed === undefined ? 'phantom' : 'failed but visible';
      findings.push({ what, element: datum, operations: failed === undefined ? [read.index] : [failed.index, read.index] });
    }
    element.known = Math.min(element.known, read.completed);
  }
  return seen;
}

function itemsOf({ answered, completedOn }: ForeignOperation): readonly Datum[] {
  if (answered instanceof DatumSet) return answered.items;
  if (Array.isArray(answered)) return answered as readonly Datum[];
  throw new MalformedHistory(completedOn, `a read of a set answers with a list, not ${briefly(answered)}`);
}

/** The latest read that misses each element: backwards, an element is looked for only as long as every later read has seen it. */
function noteMisses(contents: readonly ReadonlySet<Element>[], elements: readonly Element[]): void {
  let everSince = elements;
  for (let at = contents.length - 1; at >= 0 && everSince.length > 0; at -= 1) {
    const content = contents[at] as ReadonlySet<Element>;
    if (content.size === everSince.length && everSince.every((element) => content.has(element))) continue;
    for (const element of everSince) if (!content.has(element)) element.lastMissed = at;
    everSince = everSince.filter((element) => content.has(element));
  }
}

function judged(elements: readonly Element[], reads: readonly ForeignOperation[], findings: readonly SetFinding[]): SetJudgement {
  const found = [...findings];
  let [judgedCount, stale, neverRead] = [0, 0, 0];
  for (const element of elements) {
    const { known, lastSeen, lastMissed } = element;
    if (known === Number.POSITIVE_INFINITY) continue;
    const missedBy = reads[lastMissed];
    const isMissedLate = missedBy !== undefined && missedBy.invoked > known;
    if (lastSeen < 0 && !isMissedLate) {
      neverRead += 1;
      continue;
    }
    judgedCount += 1;
    if (!isMissedLate) continue;
    if (lastSeen > lastMissed) stale += 1;
    else {
      const add = element.adds.find(({ outcome }) => outcome === 'ok') ?? element.adds[0];
      const operations = add === undefined ? [missedBy.index] : [add.index, missedBy.index];
      found.push({ what: 'lost', element: element.datum, operations });
    }
  }
  return { findings: found, elements: elements.length, reads: reads.length, judged: judgedCount, stale, neverRead };
}
