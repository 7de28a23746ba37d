/**
 * What a node says of itself: its log, and each space that something is held of, in whatever role.
 */
import type { Now } from '../events.js';
import type { NodeServices } from '../node-services.js';
import { Role, type SpaceStatus, type StatusReport } from '../wire/generated/engram/v1/service.js';
import type { CopyStanding } from './answers.js';
import type { SpaceStore } from './space-store.js';

export function statusReport({ store }: NodeServices, copies: CopyStanding, now: Now): StatusReport {
  const usage = store.log.usage();
  return {
    spaces: [...store.spaces()].map((space) => spaceStatus(space, copies, now)),
    logBytes: usage.bytes,
    liveBytes: usage.liveBytes,
    segments: store.log.segments.size,
    damagedRanges: store.recovered?.damagedRanges ?? 0,
    writable: store.log.writable,
    reason: store.log.full || store.blocked ? 'the disk is full' : store.log.writable ? '' : 'the log is not open yet',
    boot: store.recovered?.boot.counter ?? 0,
  };
}

function spaceStatus(space: SpaceStore, copies: CopyStanding, now: Now): SpaceStatus {
  const { index } = space;
  const { tombstones, durableVersions } = index;
  const term = copies.term(space.key, now);
  const lag = copies.lag(space.key, now);
  const memories = space.vectors.searchableRows;
  return {
    name: space.name,
    memories,
    tombstones,
    alternates: Math.max(0, durableVersions - tombstones - memories),
    dimensions: space.vectors.dimensions,
    embedder: space.search.embedder,
    role: term === null ? Role.ROLE_REPLICA : Role.ROLE_PRIMARY,
    epoch: term === null ? undefined : { generation: term.generation, index: term.index, provisionalCounter: term.counter },
    missingRecords: lag.records,
    lagMs: lag.ms ?? undefined,
    otherDimension: space.search.otherDimension,
    digest: index.digest,
  };
}
