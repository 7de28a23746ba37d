/**
 * Everything about a node that is chosen rather than learned. One flat record, every field with unit, meaning and bound; defaults suit a
 * production node. The simulator draws extreme values so that rare paths run often: the core has no other test switch.
 */

import type { ControlLogOptions } from './control/control-log-options.js';
import type { ControlView } from './control/members-and-rows.js';
import type { NodeId } from './identifiers.js';
import type { MembershipOptions } from './membership/options.js';

export interface NodeConfiguration {
  /** For people; identity is the NodeId. */
  readonly name: string;
  /** 64 hexadecimal digits or fewer; messages of another cluster are refused. */
  readonly clusterId: string;
  /** Members and rows. Given here until the control log fills it. `self` stands for a node whose id is only known once its directory was opened. */
  readonly control: (self: NodeId) => ControlView;
  readonly storage: StorageOptions;
  readonly memory: MemoryOptions;
  readonly replication: ReplicationOptions;
  /** Absent: members and rows are those of `control`, and every term is provisional. */
  readonly controlLog?: ControlLogOptions;
  /** null: a node on its own. Nothing is sent, nobody is known. */
  readonly membership: MembershipOptions | null;
}

export interface StorageOptions {
  /** Size of one log segment, reserved when it is opened. A larger group gets a segment of its own size. */
  readonly segmentBytes: number;
  /** The next segment is reserved in steps of this size while the one before fills: a sync waits for no more than one step. */
  readonly reserveStepBytes: number;
  /** Most record bytes in one append and sync. */
  readonly groupBytesMax: number;
  /** Most bytes of episodes in writes that wait for room in the log, one of any size apart; beyond, writes are answered OVERLOADED. */
  readonly gatherBytesMax: number;
  /** While many write at once a group waits at most this long for more records; 0: never. A lone write does not wait. */
  readonly gatherPauseMsMax: number;
  /** Bytes of record values kept in memory. */
  readonly cacheBytesMax: number;
  /** A sealed segment whose live share is at or below this may be compacted. In (0, 1). */
  readonly compactLiveShareMax: number;
  /** Retained log beyond what lagging copies may still need is kept until garbage exceeds this. */
  readonly retainGarbageBytesMax: number;
  /** After this long without a write the durable watermark is put on disk by an empty group. */
  readonly watermarkAfterQuietMs: number;
  /** A refused reservation is tried again this often. */
  readonly fullRetryMs: number;
  /** A walk over all that is stored, to find what has rotted, begins so long after the last one, or after the start, and reads no faster than this; 0: never. */
  readonly scrubEveryMs: number;
  readonly scrubBytesPerSecond: number;
}

export interface MemoryOptions {
  readonly textBytesMax: number;
  readonly dimensionsMax: number;
  readonly recallLimitMax: number;
  readonly alternatesListedMax: number;
  /** Request ids are remembered this long, by hybrid logical time, for recognising retries. */
  readonly retryWindowMs: number;
  readonly supersededRequestIdsMax: number;
  readonly deadlineMsDefault: number;
  readonly deadlineMsMax: number;
  /** How long a request waits for its session token to be met before it is answered with session_satisfied = false. */
  readonly sessionWaitMs: number;
  readonly requestsWaitingMax: number;
  /** A foreign timestamp moves our hybrid clock at most this far ahead of our own wall clock. */
  readonly foreignClockAheadMsMax: number;
}

export interface ReplicationOptions {
  readonly pingIntervalMs: number;
  /** A copy that has not answered its own round trip for this long is out of reach (SPEC section 3: 1 s). */
  readonly reachableMs: number;
  readonly messageBytesMax: number;
  /** Unacknowledged pushed bytes per peer; beyond, the peer fetches what it misses. */
  readonly pushWindowBytes: number;
  /** Bytes that one fetch asks for. */
  readonly fetchCreditBytes: number;
  /** A fetch without progress for this long is given up and started again. */
  readonly fetchTimeoutMs: number;
  /** What is missing is fetched once it has been missing for this long: reordered messages fill most gaps by themselves. */
  readonly gapGraceMs: number;
  /** Records and bytes that a node keeps as hints for spaces of others; beyond, such writes are answered OVERLOADED. */
  readonly hintRecordsMax: number;
  readonly hintBytesMax: number;
}

export const defaultStorageOptions: StorageOptions = {
  segmentBytes: 16 * 2 ** 20,
  reserveStepBytes: 2 ** 20,
  groupBytesMax: 4 * 2 ** 20,
  gatherBytesMax: 32 * 2 ** 20,
  gatherPauseMsMax: 3,
  cacheBytesMax: 64 * 2 ** 20,
  compactLiveShareMax: 0.5,
  retainGarbageBytesMax: 256 * 2 ** 20,
  watermarkAfterQuietMs: 1_000,
  fullRetryMs: 1_000,
  scrubEveryMs: 24 * 3_600_000,
  scrubBytesPerSecond: 8 * 2 ** 20,
};

export const defaultMemoryOptions: MemoryOptions = {
  textBytesMax: 2 ** 20,
  dimensionsMax: 8_192,
  recallLimitMax: 1_000,
  alternatesListedMax: 8,
  retryWindowMs: 60_000,
  supersededRequestIdsMax: 32,
  deadlineMsDefault: 5_000,
  deadlineMsMax: 60_000,
  sessionWaitMs: 500,
  requestsWaitingMax: 100_000,
  foreignClockAheadMsMax: 60_000,
};

export const defaultReplicationOptions: ReplicationOptions = {
  pingIntervalMs: 250,
  reachableMs: 1_000,
  messageBytesMax: 4 * 2 ** 20,
  pushWindowBytes: 8 * 2 ** 20,
  fetchCreditBytes: 2 * 2 ** 20,
  fetchTimeoutMs: 1_000,
  gapGraceMs: 100,
  hintRecordsMax: 100_000,
  hintBytesMax: 64 * 2 ** 20,
};
