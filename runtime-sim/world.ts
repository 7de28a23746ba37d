/**
 * What the parts of a simulation share: the time, the heap of events to come, the network between all endpoints, the trace, and the observer who
 * writes down what happened. Endpoints are numbered: nodes first, then clients.
 */
import type { SpaceKey } from '../core/identifiers.js';
import type { RandomStreams, Seed } from '../scenarios/random-streams.js';
import type { RunPlan } from '../scenarios/run-plan.js';
import type { Addresses } from './addresses.js';
import type { EventHeap } from './event-heap.js';
import type { Exchanges } from './exchanges.js';
import type { HistoryRecorder } from './history-recorder.js';
import type { NetworkModel } from './network-model.js';
import type { Tracer } from './trace/tracer.js';
import type { Trace } from './trace.js';

export interface World {
  readonly seed: Seed;
  readonly plan: RunPlan;
  readonly random: RandomStreams;
  readonly heap: EventHeap;
  readonly network: NetworkModel;
  /** Where nodes are found, and their requests to each other over connections. */
  readonly addresses: Addresses;
  readonly exchanges: Exchanges;
  readonly trace: Trace;
  readonly recorder: HistoryRecorder;
  /** Null unless the run is traced. */
  readonly tracer: Tracer | null;
  readonly endpoints: readonly string[];
  /** Virtual time, whole microseconds since the first node started. */
  nowUs: number;
  /** Milliseconds since the start of load, of a virtual time. */
  loadMs(us: number): number;
  /** The virtual time of milliseconds since the start of load. */
  loadUs(ms: number): number;
  /** The endpoint of the node with that id; null for none of ours. */
  nodeOf(id: string): number | null;
}

/** A request on its way: the bytes that cross the network, and the connection on which the answer comes back. */
export interface Call {
  readonly client: number;
  /** Counts the client's tries: an answer to an earlier try is nobody's any more. */
  readonly attempt: number;
  readonly bytes: Uint8Array;
  readonly space: SpaceKey;
}

export interface Answer {
  readonly attempt: number;
  readonly node: number;
  readonly bytes: Uint8Array;
}
