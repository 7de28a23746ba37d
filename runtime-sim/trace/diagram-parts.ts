/** The parts of a space-time diagram: what of a trace it shows, in virtual time and columns. */

export interface DiagramChoice {
  /** Null: all spaces. Of one space only its copies are shown. */
  readonly space: string | null;
  /** Columns; empty: all nodes, or the copies of the space. */
  readonly nodes: readonly string[];
  /** Since the start of load. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Pings and pongs as well. */
  readonly pings: boolean;
}

export type ArrowKind = 'records' | 'acknowledge' | 'fetch' | 'ping' | 'request' | 'reply';

export interface Arrow {
  readonly kind: ArrowKind;
  readonly from: number;
  readonly to: number;
  readonly fromUs: number;
  readonly untilUs: number;
  /** Where it ends, if it does not arrive: at the sender already, or at a receiver that is not there. */
  readonly dropped: 'on-the-way' | 'at-the-end' | null;
  readonly title: string;
}

export type MarkKind = 'append' | 'synced' | 'acknowledged' | 'answered' | 'refused' | 'crash' | 'start' | 'note' | 'alarm';

export interface Mark {
  readonly kind: MarkKind;
  readonly column: number;
  readonly us: number;
  readonly title: string;
  /** Shown beside the mark where there is room; null for none. */
  readonly label: string | null;
}

export interface Span {
  readonly column: number;
  readonly fromUs: number;
  readonly untilUs: number;
}

export interface TermSpan extends Span {
  readonly space: string;
  /** Counts the terms of all spaces: its colour. */
  readonly number: number;
  readonly label: string;
}

/** Between two changes of cuts. */
export interface CutSpan {
  readonly fromUs: number;
  readonly untilUs: number;
  /** Number of the side, by column; -1 for none. */
  readonly sides: readonly number[];
  readonly title: string;
}

export interface WorldLabel {
  readonly us: number;
  readonly text: string;
}

export interface DiagramModel {
  readonly title: string;
  readonly fromUs: number;
  readonly untilUs: number;
  readonly loadStartUs: number;
  /** The clients' column is the first, and has no life. */
  readonly columns: readonly string[];
  readonly lives: readonly Span[];
  readonly terms: readonly TermSpan[];
  readonly cuts: readonly CutSpan[];
  readonly arrows: readonly Arrow[];
  readonly marks: readonly Mark[];
  readonly world: readonly WorldLabel[];
}

export const clientsColumn = 0;
