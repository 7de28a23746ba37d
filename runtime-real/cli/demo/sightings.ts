/** How a node of the demo is seen by another: asked of its membership, until it is as wanted or the time is up. */
import { type ClusterMember, MemberState } from '../../../core/wire/generated/engram/v1/cluster.js';
import { clusterService } from '../../grpc/service-definitions.js';
import { ask } from '../cluster/node-questions.js';
import type { FleetNode } from './fleet.js';

const seenWithinMs = 15_000;
const askEveryMs = 50;

export interface Sighting {
  readonly member: ClusterMember;
  /** Since the question was asked first. */
  readonly afterMs: number;
}

/** Null: it was not so within fifteen seconds. */
export async function sighting(witness: FleetNode, fits: (member: ClusterMember) => boolean): Promise<Sighting | null> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < seenWithinMs) {
    const found = await ask(witness.address, clusterService.getMembers, {}).catch(() => null);
    const member = found?.members.find(fits);
    if (member !== undefined) return { member, afterMs: performance.now() - startedAt };
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
  return null;
}

export function isDead(nodeId: string): (member: ClusterMember) => boolean {
  return (member) => member.nodeId === nodeId && member.state === MemberState.DEAD;
}

export function isAliveAt(nodeId: string, address: string): (member: ClusterMember) => boolean {
  return (member) => member.nodeId === nodeId && member.state === MemberState.ALIVE && member.address === address;
}
