/**
 * The events of a trace as plain data: an event is one line of the trace file, as it stands. docs/trace.md lists every field.
 *
 * Every event names the event that caused it, so that the trace is a forest: its roots are what the plan ordered, everything else follows from something.
 * A message keeps one number, that of the line of its sending, from the sender to every copy of it that arrives or is dropped.
 */
import type { Fault } from '../../scenarios/fault-plan.js';
import type { PlannedLiveness, PlannedRow } from '../../scenarios/run-plan.js';

/** Raised when a line changes its meaning. */
export const traceFormat = 2;

/** The first line: what run this is, and who is who. */
export interface TraceHeader {
  readonly trace: number;
  readonly scenario: string;
  readonly seed: number | string;
  readonly nodes: readonly { readonly name: string; readonly id: string }[];
  readonly clients: readonly string[];
  readonly rows: readonly PlannedRow[];
  /** Virtual time at which the load begins; the plan's and the checkers' milliseconds count from here. */
  readonly loadStartUs: number;
  /** Time under load. */
  readonly durationMs: number;
  /** Who is healed first after the load, and in which way the rest stays broken. */
  readonly liveness: PlannedLiveness;
}

export interface TraceEventBase {
  /** Position in the trace, from 1. */
  readonly i: number;
  /** Virtual time in whole microseconds since the first node could start; never goes back from line to line. */
  readonly us: number;
  /** Where: a node, a client, a reader of the end (`reader-n1`), or `world`. */
  readonly at: string;
  /** Of a node: which of its processes, from 1; 0 before the first. */
  readonly incarnation?: number;
  /** The event that this one follows from; null for what the plan ordered. */
  readonly cause: number | null;
}

/** A record as it stands in a message or a group of the log. */
export interface TracedRecord {
  /** `sequence@author`, the author being `node.boot`. */
  readonly dot: string;
  readonly space: string;
  readonly id: string;
  readonly type: 'episode' | 'update' | 'tombstone' | 'other';
  readonly value: string | null;
}

/** Per author the sequences, as `1-7 9`. */
export type TracedRanges = Readonly<Record<string, string>>;

/** What a message between nodes says. */
export type PeerContents =
  | {
      readonly kind: 'ping';
      readonly number: number;
      /** The last ping of the receiver that it answers; null before any was heard. */
      readonly hears: number | null;
      /** What is not named is as this ping of the sender left it; 0: it is not held. */
      readonly base: number;
      readonly spaces: readonly TracedReport[];
    }
  | ({
      readonly kind: 'run';
      readonly space: string;
      readonly author: string;
      /** The fetch that it answers, by the asker's number; null when pushed. */
      readonly answers: number | null;
    } & RecordList)
  | { readonly kind: 'acknowledge'; readonly space: string; readonly author: string; readonly end: number }
  | { readonly kind: 'fetch'; readonly number: number; readonly space: string; readonly cursor: number; readonly holds: TracedRanges }
  | { readonly kind: 'fetched'; readonly answers: number; readonly space: string; readonly runs: number }
  | ({
      readonly kind: 'snapshot';
      readonly answers: number;
      readonly space: string;
      readonly cursor: number;
      /** 0 at the end. */
      readonly next: number;
      readonly horizon: Readonly<Record<string, number>>;
      readonly holes: TracedRanges;
    } & RecordList)
  /** Between control logs, in words up to its receiver; routine: heartbeats and answers to them. */
  | { readonly kind: 'control'; readonly text: string; readonly name: string; readonly isRoutine: boolean }
  /** A packet, question or answer of membership: who is there, and who is not. */
  | { readonly kind: 'membership'; readonly over: MembershipChannel }
  /** Bytes that are no message of this version, and why. */
  | { readonly kind: 'unreadable'; readonly why: string };

/** Packets may be lost; questions, answers and refusals go over a connection. */
export type MembershipChannel = 'packet' | 'question' | 'answer' | 'refusal';

/** Records, at most 64 of them listed. */
export interface RecordList {
  readonly records: readonly TracedRecord[];
  readonly recordsTotal: number;
}

export interface TracedReport {
  readonly space: string;
  /** `generation.index` of a row, `generation.index+counter` of a provisional term; null when the sender holds none. */
  readonly term: string | null;
  readonly holds: TracedRanges;
  readonly lost: TracedRanges;
}

/** What a client asks. */
export interface RequestContents {
  readonly call: string;
  readonly space: string;
  readonly id: string | null;
  readonly value: string | null;
  readonly ack: string;
  readonly withContext: boolean;
  readonly withSession: boolean;
}

/** What a client is told. */
export interface ReplyContents {
  readonly answer: string;
  readonly as: 'confirmed' | 'provisional' | 'replica' | null;
  /** `sequence@author` of what was written. */
  readonly version: string | null;
  readonly duplicate: boolean;
  readonly superseded: boolean;
  /** Values that a Get saw, the readable one first. */
  readonly seen: readonly string[];
  /** Of a failure. */
  readonly code: string | null;
  readonly outcomeUnknown: boolean;
  /** Where to go instead. */
  readonly redirect: string | null;
}

export type DiskOperationKind = 'list' | 'read' | 'reserve' | 'write' | 'sync' | 'replace' | 'remove';

/** `cut`, `loss` and `queue-full` strike on the way; the others say that nobody was there any more who was meant, or who waited. */
export type DropReason = 'cut' | 'loss' | 'queue-full' | 'receiver-down' | 'receiver-restarted' | 'given-up';
/** `sending`: it never left. `under-way`: between the two. `waiting`: it had arrived, and waited for the processor. */
export type DropPlace = 'sending' | 'under-way' | 'waiting';

/** What can travel: between nodes, from client to node, from node to client. */
export type Carrier = 'message' | 'request' | 'reply';

interface Sent {
  /** The number of the line itself: what arrives and what is dropped names it. */
  readonly message: number;
  readonly to: string;
  readonly bytes: number;
  /** When it leaves, the sender's processor being busy until then. */
  readonly departsUs: number;
  /** How many of it are on their way: 0 when dropped at once, 2 when doubled. */
  readonly copies: number;
}

interface Received {
  readonly message: number;
  readonly from: string;
}

export type Happening =
  | { readonly kind: 'process.started' }
  | { readonly kind: 'process.crashed'; readonly operationsInFlight: number; readonly sectorsAtStake: number }
  /** The process ended, the machine went on; `unsynced`: whether writes are left that no sync covers. */
  | { readonly kind: 'process.killed'; readonly unsynced: boolean }
  /** The core stopped its own process. */
  | { readonly kind: 'process.halted'; readonly reason: string }
  /** An exception out of the core: a bug. */
  | { readonly kind: 'process.threw'; readonly reason: string }
  | ({ readonly kind: 'message.sent'; readonly what: PeerContents } & Sent)
  | ({ readonly kind: 'request.sent'; readonly what: RequestContents; readonly operation: number | null } & Sent)
  | ({
      readonly kind: 'reply.sent';
      readonly what: ReplyContents;
      readonly answers: number | null;
      readonly operation: number | null;
    } & Sent)
  /** The core is given it; `waitedUs` after its arrival, when the processor was free. */
  | ({ readonly kind: 'message.received' | 'request.received'; readonly waitedUs: number } & Received)
  /** `late`: the client no longer waited for it. */
  | ({ readonly kind: 'reply.received'; readonly late: boolean } & Received)
  | {
      readonly kind: 'message.dropped' | 'request.dropped' | 'reply.dropped';
      readonly message: number;
      readonly from: string;
      readonly to: string;
      readonly why: DropReason;
      readonly where: DropPlace;
    }
  | {
      readonly kind: 'operation.invoked';
      /** As in the history that checkers judge. */
      readonly operation: number;
      readonly process: string;
      readonly call: string;
      readonly space: string;
      readonly id: string;
      readonly value: string | null;
      readonly ack: string;
    }
  | {
      readonly kind: 'operation.ended';
      readonly operation: number;
      readonly outcome: 'ok' | 'fail' | 'info';
      readonly error: string | null;
      readonly node: string | null;
      readonly answeredAs: ReplyContents['as'];
      readonly version: string | null;
      readonly seen: readonly string[];
    }
  /** A try was not answered in time; `asked` is null when the client only waited to try again. */
  | { readonly kind: 'try.timed-out'; readonly operation: number; readonly asked: string | null }
  | { readonly kind: 'timer.fired'; readonly name: string }
  | ({ readonly kind: 'disk.asked' } & DiskOperationTraced & Partial<RecordList>)
  | ({
      readonly kind: 'disk.done';
      /** `done`, `read`, `listed`, or the code of the failure. */
      readonly result: string;
      readonly message: string | null;
      /** Bytes that a read gave. */
      readonly got: number | null;
    } & DiskOperationTraced)
  | { readonly kind: 'scan.done' }
  /** `fault` as in the plan; a lasting one ends in a line of its own. */
  | { readonly kind: 'fault.began' | 'fault.ended'; readonly fault: Fault; readonly text: string }
  /** What a fault did to bytes on a disk. */
  | {
      readonly kind: 'disk.rotted';
      readonly file: string;
      readonly offset: number;
      readonly bytes: number;
      readonly dots: readonly string[];
    }
  | { readonly kind: 'phase.began'; readonly phase: string }
  /** Who runs the cluster asks a node, the leader of the control log as far as anybody knows, to have an entry committed. */
  | { readonly kind: 'operator.asked'; readonly node: string; readonly entry: string }
  /** A domain event of the node; nodes and authors in it by their names in this trace. */
  | { readonly kind: 'note'; readonly note: { readonly kind: string; readonly [field: string]: unknown } };

interface DiskOperationTraced {
  /** Ties the two ends of one operation. */
  readonly disk: number;
  readonly operation: DiskOperationKind;
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

export type TraceEvent = TraceEventBase & Happening;
export type TraceEventKind = Happening['kind'];
export type EventOf<Kind extends TraceEventKind> = TraceEventBase & Extract<Happening, { kind: Kind }>;

/** Takes a trace while it happens: a file, or the memory. */
export interface TraceSink {
  header(header: TraceHeader): void;
  event(event: TraceEvent): void;
}
