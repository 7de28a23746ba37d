/**
 * The plan of one run: everything that was drawn before it starts, as plain data. A run is a function of (code, seed, plan); the seed then only
 * feeds what happens per message and per disk operation. Seed files carry this, shrinking deletes from it.
 */
import type { MemoryOptions, ReplicationOptions, StorageOptions } from '../core/configuration.js';
import type { PartitionPolicy } from '../core/control/entries.js';
import type { RebalancingOptions } from '../core/control/moves/rebalancing-options.js';
import type { MembershipParameters } from '../core/membership/options.js';
import type { FaultPlan, LinkRates } from './fault-plan.js';
import type { PlannedOperation } from './workload.js';

/** Raised when a field changes its meaning: a file of another format is refused, not misread. */
export const planFormat = 1;

export interface RunPlan {
  readonly format: number;
  /** Names `n1` …; identity comes from the seed and the name. */
  readonly nodes: readonly string[];
  /** Names `c1` …. */
  readonly clients: readonly string[];
  /** Time under load. */
  readonly durationMs: number;
  readonly rows: readonly PlannedRow[];
  readonly configuration: PlannedConfiguration;
  /** What every link does, unless a fault says otherwise. */
  readonly background: LinkRates;
  readonly disk: DiskRates;
  readonly clocks: readonly PlannedClock[];
  /** Names of the nodes whose addresses every node starts from when it looks for the others; without it those of all. */
  readonly seeds?: readonly string[];
  /** How long a node that stopped itself stays down. */
  readonly restartAfterMs: number;
  readonly faults: FaultPlan;
  readonly splits: readonly PlannedSplit[];
  readonly liveness: PlannedLiveness;
  /** Fault families that this run is to exercise. */
  readonly families: readonly string[];
  /** Least acknowledgements on each side of a split for the run to count; 0 without a split. */
  readonly acknowledgementsPerSideMin: number;
  readonly operations: readonly PlannedOperation[];
}

/** Where a space lives, by node name, the preferred primary first. */
export interface PlannedRow {
  readonly space: string;
  readonly copies: readonly string[];
}

/** What differs from the simulator's own defaults (configuration-draw.ts). */
export interface PlannedConfiguration {
  readonly storage: Partial<StorageOptions>;
  readonly memory: Partial<MemoryOptions>;
  readonly replication: Partial<ReplicationOptions>;
  /** What differs from the preset for one site; nothing without it. */
  readonly membership?: PlannedMembership;
  /** The nodes keep a control log, founded by all of them; without it rows are those of the plan for ever, and every term is provisional. */
  readonly controlLog?: PlannedControlLog;
}

/** What an operator asks for, from that moment on until it is so. */
export interface ClusterChange {
  /**
   * `join`: a member only from now on. `drain`: gives up what it holds. `remove`: that, and then it is no member any more. `expel`: is away, and is removed without being asked
   * as soon as no row names it; it may come back. `hold`: no copy is moved from then on, `apply`: copies move again; `node` is where that was said.
   */
  readonly kind: 'join' | 'drain' | 'remove' | 'expel' | 'hold' | 'apply';
  readonly atMs: number;
  readonly node: string;
}

/** What is chosen about the control log that the nodes keep. */
export interface PlannedControlLog {
  readonly partitionPolicy: PartitionPolicy;
  /** A snapshot takes the place of the entries once so many stand behind the one before. */
  readonly snapshotEveryEntries: number;
  /** Departures from the core's own defaults; without it nothing is moved but by entries that an operator proposes. */
  readonly rebalancing?: Partial<RebalancingOptions>;
  /** Nodes with a `join` are neither founders nor in the plan's rows. */
  readonly changes?: readonly ClusterChange[];
}

/** The parameters of membership that are drawn. */
export type PlannedMembership = Partial<Pick<MembershipParameters, 'pushPullIntervalMs' | 'gossipIntervalMs' | 'confirmingProbes'>>;

/** Latencies are uniform between the two ends. */
export interface DiskRates {
  readonly writeUs: readonly [number, number];
  readonly syncUs: readonly [number, number];
  readonly readUs: readonly [number, number];
  /** Chance that an operation takes twenty times its latency. */
  readonly slow: number;
}

export interface PlannedClock {
  readonly node: string;
  /** Wall clock minus true time at the start. */
  readonly offsetMs: number;
  readonly driftPpm: number;
}

/** Two sides that cannot both be reached by anybody; bystanders are on neither. Links are cut by faults: this only says who counts where. */
export interface PlannedSplit {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly sides: readonly { readonly nodes: readonly string[]; readonly clients: readonly string[] }[];
}

/** After load: this majority is healed, the rest left broken in one way; then everything is healed. */
export interface PlannedLiveness {
  readonly majority: readonly string[];
  /** `cut` both ways, `deaf` hears nobody, `mute` is heard by nobody, `down` has no power. */
  readonly rest: 'cut' | 'deaf' | 'mute' | 'down';
}
