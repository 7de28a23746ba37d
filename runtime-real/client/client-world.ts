/**
 * What the client takes from the world around it: connections to nodes, time and chance. `connectEngram` brings the real ones; the simulator brings a
 * simulated cluster, so that the very same client runs against both.
 */
import type { EngramError } from '../../core/errors.js';
import type { ClusterHealth } from '../../core/wire/generated/engram/v1/cluster.js';
import type { Reply, Request } from '../../core/wire/generated/engram/v1/service.js';

export interface ClientWorld {
  /** A connection to that address, opened when it is needed. */
  connect(address: string, options: LinkOptions): NodeLink;
  /** Never goes back. */
  nowMs(): number;
  wait(ms: number): Promise<void>;
  /** In [0, 1), for pauses. */
  chance(): number;
  /** 16 bytes that nobody draws twice. */
  requestId(): Uint8Array;
}

export interface LinkOptions {
  /** Calls that the node has and has not answered, at most; the rest waits here. */
  readonly callsInFlightMax: number;
  /** Who answers there, as soon as the node says so. */
  readonly onIdentity: (nodeId: string) => void;
}

/** One try of a request, which hears of its end once, never before `send` has returned. */
export interface Try {
  readonly request: Request;
  /** On the clock of the world. */
  readonly deadlineAtMs: number;
  /** By the node; a failure is an answer too. */
  answered(reply: Reply): void;
  /** UNAVAILABLE, OVERLOADED (certainly not sent), CONNECTION_LOST or DEADLINE_EXCEEDED (unknown). */
  failed(error: EngramError): void;
}

/** The connection to one node, opened again after it broke. */
export interface NodeLink {
  /** Returns a number to `cancel` it by. */
  send(tried: Try): number;
  /** The answer is not wanted any more; the try hears nothing. */
  cancel(number: number): void;
  /** How the node sees its cluster. Rejects with UNAVAILABLE when there is no answer in time. */
  health(deadlineMs: number): Promise<ClusterHealth>;
  /** Takes no more calls, and resolves when those that it took have ended. */
  close(): Promise<void>;
}
