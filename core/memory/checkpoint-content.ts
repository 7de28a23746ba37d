/**
 * What a checkpoint says of this node's store at the moment when it is written.
 */
import type { VersionVector } from '../clock/version-vector.js';
import { controlSpace } from '../control/control-records.js';
import type { Author, SpaceKey } from '../identifiers.js';
import type { CheckpointContent } from '../storage/checkpointer.js';
import type { WriteAheadLog } from '../storage/write-ahead-log.js';
import type { Appended } from './appended.js';
import type { DroppedSpaces } from './dropped-spaces.js';
import type { SpaceStore } from './space-store.js';

export function checkpointContent({
  log,
  spaces,
  dropped,
  lostOfControl,
  ledger,
}: {
  readonly log: WriteAheadLog<Appended>;
  readonly spaces: ReadonlyMap<SpaceKey, SpaceStore>;
  readonly dropped: DroppedSpaces;
  /** A voter that may have forgotten something may not become sure again by being started once more. */
  readonly lostOfControl: VersionVector | null;
  readonly ledger: Uint8Array;
}): CheckpointContent {
  const segments = [...log.segments.values()]
    .sort((left, right) => left.number - right.number)
    .map(({ number, sealed, endBytes, dots }) => ({ number, sealed, endBytes: sealed ? endBytes : log.durableEndOf(number), dots }));
  const horizons = new Map<SpaceKey, ReadonlyMap<Author, number>>();
  const holes = new Map<SpaceKey, VersionVector>();
  const settled = new Map<SpaceKey, VersionVector>();
  if (lostOfControl !== null) holes.set(controlSpace, lostOfControl);
  for (const space of spaces.values()) {
    if (!space.settled.isEmpty()) settled.set(space.key, space.settled);
    if (space.horizon.size === 0) continue;
    horizons.set(space.key, space.horizon);
    const absent = space.holesBelow(space.horizon);
    if (!absent.isEmpty()) holes.set(space.key, absent);
  }
  return { segments, horizons, holes, dropped: dropped.ends(log.segments), ledger, settled };
}
