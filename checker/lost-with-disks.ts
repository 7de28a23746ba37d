/**
 * What is promised of a write when disks are destroyed for good. k copies lose nothing while fewer than k of those disks are destroyed; so a write that
 * one copy alone has acknowledged, and one that nobody has acknowledged at all, may go with the only disk that it was on. One that was shipped and
 * synced elsewhere by then may not, nor one that was acknowledged by more.
 */
import type { History, Operation } from './history.js';
import type { Step } from './memory-traces.js';

type Destroyed = History['destroyedDisks'];

/** Whether an acknowledged write is still owed. */
export function unlessLostWithDisk(disks: Destroyed): (operation: Operation) => boolean {
  const dots = dotsOf(disks);
  return ({ ack, space, version }) => ack !== 'local' || version === null || !dots.has(`${space} ${version}`);
}

/** Whether every record of a write was on disks that are gone, each on that one alone, and nobody was promised more. */
export function goneWithDisk(disks: Destroyed): (write: Step) => boolean {
  const dots = dotsOf(disks);
  if (dots.size === 0) return () => false;
  return ({ operation, made }) => {
    if (operation === null || (operation.outcome === 'ok' && operation.ack !== 'local')) return false;
    const versions = new Set(made.map(({ sequence, author }) => `${sequence}@${author}`));
    if (operation.version !== null) versions.add(operation.version);
    return versions.size > 0 && [...versions].every((version) => dots.has(`${operation.space} ${version}`));
  };
}

function dotsOf(disks: Destroyed): ReadonlySet<string> {
  return new Set(disks?.flatMap(({ lost }) => lost.map(({ space, version }) => `${space} ${version}`)));
}
