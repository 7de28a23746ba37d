/** Makes the snapshot of what membership knows. */
import { compareText } from '../identifiers.js';
import type { Address } from './address.js';
import type { MemberInspection, MembershipInspection, PartitionState } from './inspection.js';
import type { Links } from './links.js';
import type { Member } from './member-table.js';
import { incarnationOf, type MembershipServices } from './membership-services.js';

interface Known {
  readonly seeds: readonly Address[];
  readonly partition: PartitionState;
  readonly reach: { readonly reachable: number; readonly total: number };
  readonly links: Links;
}

export function inspectMembership(services: MembershipServices, { seeds, partition, reach, links }: Known): MembershipInspection {
  const members = [...services.table.all()].sort((left, right) => compareText(left.id, right.id));
  return {
    node: services.self.id,
    members: members.map((member) => inspectMember(member, services, links)),
    localHealth: services.health.score,
    partition,
    reachable: reach.reachable,
    total: reach.total,
    brokenLinks: links.brokenLinks(),
    seeds,
    hasLeft: services.hasLeft,
    counters: services.counters.snapshot(),
  };
}

function inspectMember(member: Member, services: MembershipServices, links: Links): MemberInspection {
  const isSelf = member === services.self;
  const { inbound, outbound } = isSelf ? ({ inbound: 'works', outbound: 'works' } as const) : links.states(member);
  return {
    node: member.id,
    isSelf,
    state: member.state,
    isPrivate: member.isPrivate,
    incarnation: incarnationOf(member),
    address: member.description.address,
    metadata: member.description.metadata,
    sinceMs: member.sinceMs,
    heardMs: member.heardMs === Number.NEGATIVE_INFINITY ? null : member.heardMs,
    roundTripMs: member.roundTripMs,
    inbound,
    outbound,
  };
}
