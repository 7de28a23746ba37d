/**
 * Faults that belong together: a cut and its heal, a crash and its restart, rates and the return to the usual ones. Left out together first, since one
 * without the other is another story.
 */
import type { Fault } from '../../scenarios/fault-plan.js';

/** In the order of their first faults; every fault is in one group. */
export function faultGroups(faults: readonly Fault[]): readonly (readonly Fault[])[] {
  const groups: Fault[][] = [];
  const open = new Map<string, Fault[]>();
  for (const fault of faults) {
    const ended = endOf(fault);
    const group = ended === null ? undefined : open.get(ended);
    if (group !== undefined && ended !== null) {
      group.push(fault);
      open.delete(ended);
      continue;
    }
    const begun = [fault];
    groups.push(begun);
    const key = beginningOf(fault);
    if (key !== null) open.set(key, begun);
  }
  return groups;
}

function beginningOf(fault: Fault): string | null {
  if (fault.kind === 'cutLinks' || (fault.kind === 'setLinkRates' && fault.rates !== null)) return links(fault);
  return fault.kind === 'crash' || fault.kind === 'kill' ? fault.node : null;
}

function endOf(fault: Fault): string | null {
  if (fault.kind === 'healLinks' || (fault.kind === 'setLinkRates' && fault.rates === null)) return links(fault);
  return fault.kind === 'restart' ? fault.node : null;
}

function links({ kind, from, to }: Extract<Fault, { readonly from: readonly string[] }>): string {
  return `${kind === 'setLinkRates' ? 'rates' : 'cut'} ${from.join()}>${to.join()}`;
}
