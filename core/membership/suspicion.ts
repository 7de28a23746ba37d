/**
 * How long a suspect has. It is dead when its time has run out, here as everywhere: whoever hears of a suspicion sets a deadline of its own.
 * The time shrinks with each member that confirms it, as in Lifeguard (section IV-B):
 *
 *   shortest = suspicionMultiplier · scale(n) · probeTimeoutMs
 *   longest  = suspicionMaxMultiplier · shortest
 *   timeout  = max(shortest, longest − (longest − shortest) · log(C + 1) / log(K + 1))
 *
 * C counts the accusers after the first; K = min(suspicionMultiplier − 1, n − 2), the others that could confirm. A lone accuser is never decisive soon: with
 * two members the timeout is the longest. What was only heard of from somebody's table is no accusation, and confirms nothing.
 */
import type { NodeId } from '../identifiers.js';
import type { FailedPaths } from './domain-events.js';
import { clusterScale, log2 } from './logarithms.js';
import type { MembershipParameters } from './options.js';

export interface Suspicion {
  startedMs: number;
  /** Who found it out of reach, the first first. */
  readonly accusers: NodeId[];
  /** This node's own findings, if it is one of them. */
  paths: FailedPaths | null;
  readonly confirmationsMax: number;
  readonly shortestMs: number;
  readonly longestMs: number;
  timeoutMs: number;
}

type Parameters = Pick<MembershipParameters, 'suspicionMultiplier' | 'suspicionMaxMultiplier' | 'probeTimeoutMs'>;

/** Among so many live members, the suspect and this node included. */
export function newSuspicion(options: Parameters, members: number, nowMs: number): Suspicion {
  const shortestMs = Math.round(options.suspicionMultiplier * clusterScale(members) * options.probeTimeoutMs);
  const longestMs = shortestMs * options.suspicionMaxMultiplier;
  const confirmationsMax = Math.max(0, Math.min(options.suspicionMultiplier - 1, members - 2));
  return { startedMs: nowMs, accusers: [], paths: null, confirmationsMax, shortestMs, longestMs, timeoutMs: longestMs };
}

/** Whether the accuser is new and counts. */
export function accuse(suspicion: Suspicion, accuser: NodeId): boolean {
  const { accusers, confirmationsMax } = suspicion;
  if (accusers.length > confirmationsMax || accusers.includes(accuser)) return false;
  accusers.push(accuser);
  suspicion.timeoutMs = suspicionTimeoutMs(suspicion, accusers.length - 1);
  return true;
}

export function suspicionTimeoutMs(
  { shortestMs, longestMs, confirmationsMax }: Pick<Suspicion, 'shortestMs' | 'longestMs' | 'confirmationsMax'>,
  confirmations: number,
): number {
  if (confirmationsMax === 0 || confirmations <= 0) return longestMs;
  const share = log2(confirmations + 1) / log2(confirmationsMax + 1);
  return Math.max(shortestMs, Math.round(longestMs - (longestMs - shortestMs) * share));
}
