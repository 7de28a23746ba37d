/**
 * A history: what clients asked, what they were told, and what the disks held, on the checker's own monotonic clock. Every checker is a pure
 * function of one of these and knows neither runtime.
 *
 * Every write carries a unique value, so that a read says by its values which writes it saw.
 */
import type { PartitionPolicy } from '../core/control/entries.js';
import type { Author, NodeId, SpaceKey } from '../core/identifiers.js';
import type { ControlTrace } from './control-observations.js';

/** `ok`: certainly happened. `fail`: certainly had no effect. `info`: unknown, open for ever. */
export type Outcome = 'ok' | 'fail' | 'info';

export interface Operation {
  /** Position in the history: evidence names operations by it. */
  readonly index: number;
  /** The client; does one thing at a time. After an `info` it retires and another takes its place. */
  readonly process: string;
  readonly kind: 'remember' | 'update' | 'forget' | 'get' | 'final-read' | 'recall' | 'final-recall';
  readonly space: SpaceKey;
  /** Of a recall: what is asked for; the cue is made of it (embedding-of.ts). */
  readonly id: string;
  /** Of a remember or update: its unique value. */
  readonly value: string | null;
  readonly ack: 'local' | 'one' | 'quorum' | 'all';
  readonly invokedMs: number;
  /** Infinity while open. */
  readonly completedMs: number;
  readonly outcome: Outcome;
  /** Code of the failure, when there was one. */
  readonly error: string | null;
  /** Who answered last. */
  readonly node: NodeId | null;
  readonly answeredAs: 'confirmed' | 'provisional' | 'replica' | null;
  /** Of an ok write: its version, `sequence@author`. */
  readonly version: string | null;
  /** Of an ok read: all maximal live versions seen, the readable one first; empty when there is no such memory. */
  readonly seen: readonly SeenVersion[];
  /** True when the write was sent with a causal context of its own reads. */
  readonly withContext: boolean;
  /** Of a write: as in the records that its tries left in logs. It is what ties an `info` Forget to its tombstone. */
  readonly requestId?: string;
  /** Of an ok read: maximal live versions that the answer counted and did not list. Above 0, the read proves no absence. */
  readonly unlisted?: number;
  /** Index of the operation whose answer gave the session token that this one presented; absent or null when it presented none. */
  readonly sessionOf?: number | null;
  /** Of an answer to an operation that presented a token: whether it says to have seen as much. */
  readonly sessionSatisfied?: boolean;
  /** Acknowledged by a node without a copy, which keeps the write until a copy is in reach: no copy can know of it before. */
  readonly hinted?: boolean | undefined;
  /** Of an answer: how far its copy at most lags behind what had been acknowledged, in milliseconds; null when it cannot tell, absent when it did not say. */
  readonly lagMs?: number | null;
  /** Of an ok read that saw something: P(no newer acknowledged version exists), as answered. */
  readonly noNewerVersion?: number;
  /** Of a remember or update: the confidence that it came with. */
  readonly confidence?: number;
  /** Of a remember or update: whether its episode has an embedding, made of its value (embedding-of.ts). */
  readonly embedded?: boolean;
  /** Of a recall: how many memories were asked for. */
  readonly limit?: number;
  /** Of an ok recall: what was answered, best first. */
  readonly recalled?: readonly RecalledMemory[];
  /** Of an ok recall: why something may be missing; empty when all that the copy holds was searched. */
  readonly partial?: readonly string[];
}

export interface RecalledMemory extends SeenVersion {
  readonly id: string;
  /** Cosine similarity to the cue. */
  readonly score: number;
  readonly noNewerVersion: number;
}

export interface SeenVersion {
  readonly value: string;
  readonly version: string;
}

/** A record on a node's disk, in the order of its log: rebuilt from disk bytes, not from anything that the node says. */
export interface LoggedRecord {
  readonly space: SpaceKey;
  readonly author: Author;
  readonly sequence: number;
  readonly kind: 'episode' | 'update' | 'tombstone' | 'other';
  readonly id: string;
  readonly contentHash: string;
  /** Causal context carried by the record: author to greatest included sequence of this id. */
  readonly context: Readonly<Record<string, number>>;
  readonly requestId: string;
  /** The unique value that the record's payload carries, read from its bytes; null for a tombstone. */
  readonly value?: string | null;
}

/** What one copy of a space holds at one moment. */
export interface CopyState {
  readonly node: NodeId;
  readonly space: SpaceKey;
  /** Retained versions: maximal ones, alternates, beaten ones and tombstones. */
  readonly versions: readonly CopyVersion[];
  /** Verified sequences per author, as inclusive ranges. */
  readonly coverage: Readonly<Record<string, readonly (readonly [number, number])[]>>;
}

export interface CopyVersion {
  readonly id: string;
  /** `sequence@author`. */
  readonly version: string;
  readonly tombstone: boolean;
  /** True when no other version includes it; false for a tombstone kept after a later Remember. */
  readonly maximal: boolean;
  /** True when Get would answer with it or list it as an alternate. */
  readonly live: boolean;
  readonly contentHash: string;
}

/** A crash and what the restarted node found: for the durability checker. */
export interface Recovery {
  readonly node: NodeId;
  readonly crashedMs: number;
  readonly recoveredMs: number;
  /** Dots (`sequence@author`, by space) that the node had released as durable before the crash: acknowledged to a client or to a peer. */
  readonly released: readonly { readonly space: SpaceKey; readonly version: string }[];
  /** Dots verified on its disk after recovery: coverage per space. */
  readonly recovered: readonly CopyState[];
  /** Dots on sectors that the fault plan damaged on this disk: excused here, and owed by another copy. */
  readonly damaged: readonly { readonly space: SpaceKey; readonly version: string }[];
  /** Dots that it had let go of before, when the copies of their row held them: owed by those. Absent: none. */
  readonly handedOver?: readonly { readonly space: SpaceKey; readonly version: string }[];
  /** When it let go so of what it held of a space, what it had not acknowledged yet among it. Absent: never. */
  readonly letGo?: readonly { readonly space: SpaceKey; readonly atMs: number }[];
}

/** Acknowledging and term changes, for the split-brain checker. */
export interface TermSpan {
  readonly space: SpaceKey;
  readonly node: NodeId;
  readonly confirmed: boolean;
  readonly term: { readonly generation: number; readonly index: number; readonly counter: number };
  readonly fromMs: number;
  /** Infinity while it lasts. */
  readonly untilMs: number;
  /** When its holder began to ask others for what they held; absent: it asked nobody. */
  readonly claimedMs?: number;
}

/** Samples of the copies' states after load has stopped. */
export interface ConvergenceSample {
  readonly atMs: number;
  readonly phase: 'majority-only' | 'all-healed';
  /** Live copies that count in this phase. */
  readonly copies: readonly CopyState[];
  /** Live copies that count in this phase and are not in `copies`: they hold nothing of the space yet, or cannot say what they hold. */
  readonly silent?: readonly { readonly node: NodeId; readonly space: SpaceKey }[];
}

export interface FaultRecord {
  /** As in the plan, for people. */
  readonly fault: string;
  readonly family: string;
  readonly atMs: number;
  /** Whether it changed anything: a cut that dropped no message, a crash of a dead node did not. */
  readonly tookEffect: boolean;
  /** The fault model alone kept it from striking: a majority of the voters keeps its control logs, and who is no member has nothing to damage. */
  readonly withheld?: true;
}

export interface SplitRecord {
  readonly fromMs: number;
  readonly untilMs: number;
  /** The sides that had something to serve, each with the acknowledged writes it gave during the cut. */
  readonly sides: readonly {
    readonly nodes: readonly NodeId[];
    readonly acknowledged: number;
    /** While copies move, as much of the least number of acknowledgements as it can be asked for (served-share.ts); absent: all. */
    readonly servedShare?: number;
    /** Too few of it vote, and the policy is `reject`: it only reads. */
    readonly readsOnly?: boolean;
  }[];
}

/** A committed row: who holds a space from a moment on, the primary first. */
export interface PlacedRow {
  readonly space: SpaceKey;
  readonly copies: readonly NodeId[];
  readonly atMs: number;
}

/** Where spaces were to be and where they were served, for the placement checker. */
export interface PlacementRecord {
  readonly replicationFactor: number;
  readonly copiesPerNodeMax: number;
  readonly primariesPerNodeMax: number;
  /** Members, each with its zone and from when until when it could be placed on. */
  readonly nodes: readonly { readonly node: NodeId; readonly zone: string; readonly fromMs: number; readonly untilMs: number }[];
  readonly rows: readonly PlacedRow[];
  /** Copies that answer reads: a node serves a space from one moment to another. Nodes that a fault took down serve on here: their loss is no move's. */
  readonly serving: readonly { readonly space: SpaceKey; readonly node: NodeId; readonly fromMs: number; readonly untilMs: number }[];
}

/** What a node says of another one: nobody but the member itself may take back that it is dead. */
export type SeenState = 'alive' | 'suspect' | 'dead' | 'left';

/** One process of a node, from the moment from which it takes part. */
export interface MemberLife {
  readonly node: NodeId;
  /** Name of the machine: who has lost a disk comes back under it as another node. */
  readonly place: string;
  /** Counter of the boot. */
  readonly boot: number;
  readonly fromMs: number;
  /** Infinity while it lasts. */
  readonly untilMs: number;
  /** When it said that it would be absent; Infinity when it did not. */
  readonly leftMs: number;
  /** What ended it: the process alone, or the machine's power; absent while it lasts. */
  readonly endedBy?: 'kill' | 'crash';
}

/** From now on a process says this of a member; of itself as well. */
export interface MemberChange {
  readonly atMs: number;
  /** Position of the observing process in `lives`. */
  readonly observer: number;
  readonly member: NodeId;
  /** `forgotten`: it no longer speaks of it. */
  readonly state: SeenState | 'forgotten';
  readonly boot: number;
  readonly refutation: number;
  /** Of a death: the time to refute has run out at the observer itself; it has not heard of it from another. */
  readonly isDeclared?: boolean;
  /** Concluded while it reached nobody, and kept to itself: taken back as soon as it reaches somebody. */
  readonly isPrivate: boolean;
}

/** Time during which a fault stood on the way from one machine to another: a cut, rates of its own, a clog. */
export interface BrokenLink {
  readonly from: string;
  readonly to: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Nothing passes, what passes does so at other rates, or it is held back until the end; absent where nobody asks. */
  readonly how?: 'cut' | 'rates' | 'clog';
}

/** What a process shows of its members when the run ends. */
export interface MemberView {
  /** Position in `lives`. */
  readonly observer: number;
  readonly members: readonly (Pick<MemberChange, 'member' | 'boot' | 'refutation' | 'isPrivate'> & { readonly state: SeenState })[];
}

/** Who took part, and what each said of the others, for the membership checker. */
export interface MembershipRecord {
  readonly lives: readonly MemberLife[];
  readonly changes: readonly MemberChange[];
  readonly broken: readonly BrokenLink[];
  readonly views: readonly MemberView[];
}

/** A disk that is gone for good, and what went with it. */
export interface DestroyedDisk {
  readonly node: NodeId;
  /** When its node last ran: at the destruction, or before. */
  readonly diedMs: number;
  /** No other node that ran could be reached from there any more: what was acknowledged last had no way out. */
  readonly isolated: boolean;
  /** Dots that were on this disk and had never become durable on another one. */
  readonly lost: readonly { readonly space: SpaceKey; readonly version: string }[];
}

export interface History {
  readonly operations: readonly Operation[];
  /** Absent where nobody takes part in a membership. */
  readonly membership?: MembershipRecord;
  /** Under `reject` nobody takes writes whom the control log has not confirmed. Absent: `accept`. */
  readonly partitionPolicy?: PartitionPolicy;
  /** What control logs were seen to do; absent where nodes keep none. */
  readonly control?: ControlTrace;
  /** Absent where rows do not change. */
  readonly placement?: PlacementRecord;
  /**
   * Per node: every record that was ever durable on its disk, in the order in which it first was. Compaction, a removed segment and later damage take
   * nothing away; what a crash took back before it was synced is not in it.
   */
  readonly logs: ReadonlyMap<NodeId, readonly LoggedRecord[]>;
  /**
   * Per node: of each record in its log, when it became durable there. Absent: whatever stands before a record in a log was durable when that one was made.
   */
  readonly logDurableMs?: ReadonlyMap<NodeId, readonly number[]>;
  /** How many copies a space has. */
  readonly copies?: ReadonlyMap<SpaceKey, number>;
  /** Where rows do not change: the nodes that ever held a copy, also those that came in the place of one whose disk was lost. */
  readonly copyHolders?: ReadonlyMap<SpaceKey, ReadonlySet<NodeId>>;
  readonly recoveries: readonly Recovery[];
  readonly terms: readonly TermSpan[];
  readonly samples: readonly ConvergenceSample[];
  readonly faults: readonly FaultRecord[];
  readonly splits: readonly SplitRecord[];
  /** Confirmed end of the last fault, load already stopped. */
  readonly healedMs: number;
  /** When a majority alone was healed; without it the first sample of that phase counts as that moment. */
  readonly majorityHealedMs?: number;
  readonly endedMs: number;
  readonly destroyedDisks?: readonly DestroyedDisk[];
  /** False when the plan damaged more copies than the fault model allows: only safety is judged then. */
  readonly insideFaultModel: boolean;
  /** Least acknowledgements on each side of a split for the run to count (SPEC section 6.9); 0 without a split. */
  readonly acknowledgementsPerSideMin: number;
  /** For how long a version knows the requests that it took the place of (SPEC section 3); without it, for ever. */
  readonly retryWindowMs?: number;
  /** Fault families that this run was to exercise. */
  readonly familiesDrawn: readonly string[];
}

/** A checker's answer. `unknown` says why; `not-applicable` does not count. */
export type Verdict =
  | { readonly verdict: 'ok'; readonly [figure: string]: unknown }
  | { readonly verdict: 'violation'; readonly reason: string; readonly operations?: readonly number[]; readonly [figure: string]: unknown }
  | { readonly verdict: 'unknown'; readonly reason: string; readonly [figure: string]: unknown }
  | { readonly verdict: 'not-applicable'; readonly reason?: string; readonly [figure: string]: unknown };

export type Checker = (history: History) => Verdict;
