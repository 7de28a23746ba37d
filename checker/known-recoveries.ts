/** What nodes found on their disks when they were started again, for whoever asks what a node held at some moment. */
import type { NodeId, SpaceKey } from '../core/identifiers.js';
import type { CopyState, History, LoggedRecord } from './history.js';

export interface KnownRecovery {
  readonly crashedMs: number;
  readonly held: ReadonlyMap<SpaceKey, CopyState['coverage']>;
}

/** In the order in which they happened. */
export function recoveriesByNode({ recoveries }: Pick<History, 'recoveries'>): ReadonlyMap<NodeId, readonly KnownRecovery[]> {
  const byNode = new Map<NodeId, KnownRecovery[]>();
  for (const { node, crashedMs, recovered } of recoveries) {
    const known = { crashedMs, held: new Map(recovered.map(({ space, coverage }) => [space, coverage])) };
    const before = byNode.get(node);
    if (before === undefined) byNode.set(node, [known]);
    else before.push(known);
  }
  return byNode;
}

export function wasFound({ held }: KnownRecovery, { space, author, sequence }: LoggedRecord): boolean {
  return (held.get(space)?.[author] ?? []).some(([from, to]) => from <= sequence && sequence <= to);
}

/** Whether a record that had been durable was not found any more by that restart: there is a hole until it comes back, nobody knows when. */
export function isMissing(last: KnownRecovery | undefined, other: { readonly record: LoggedRecord; readonly durableMs: number }): boolean {
  return last !== undefined && other.durableMs <= last.crashedMs && !wasFound(last, other.record);
}
