/** Why membership holds somebody to be suspect or dead, in words for people: made from the core's events, which say it as data. */
import type { DomainEvent } from '../../core/domain-events.js';
import type { NodeId } from '../../core/identifiers.js';
import type { FailedPaths } from '../../core/membership/domain-events.js';

export type NameOf = (node: NodeId) => string;

/** Null: the event is no reason to distrust anybody. */
export function reasonOf(event: DomainEvent, nameOf: NameOf): string | null {
  switch (event.kind) {
    case 'member.suspected': {
      const { paths, accuser, isPrivate, timeoutMs } = event;
      const why = paths === null ? `suspected by ${nameOf(accuser)}` : pathsText(paths, nameOf);
      return `${why}; it has ${timeoutMs} ms to say otherwise${isPrivate ? '; this node reaches nobody, and keeps it to itself' : ''}`;
    }
    case 'suspicion.confirmed': {
      const { paths, accuser, confirmations, timeoutMs } = event;
      const why = paths === null ? `suspected by ${nameOf(accuser)} too` : pathsText(paths, nameOf);
      return `${why}; ${confirmations} confirmed it, ${timeoutMs} ms are left in all`;
    }
    case 'member.declared-dead': {
      const { confirmedBy, paths, isPrivate, suspectedForMs } = event;
      const who = confirmedBy.length === 0 ? '' : `; suspected by ${confirmedBy.map(nameOf).join(', ')}`;
      const how = paths === null ? '' : `; ${pathsText(paths, nameOf)}`;
      return `it said nothing for ${suspectedForMs} ms of suspicion${who}${how}${isPrivate ? '; this node reaches nobody, and keeps it to itself' : ''}`;
    }
    case 'member.died':
      return `declared dead by ${nameOf(event.declaredBy)}`;
    default:
      return null;
  }
}

function pathsText({ directMs, indirect, nacks, reliable, localHealth }: FailedPaths, nameOf: NameOf): string {
  const direct = `no answer to a ping within ${directMs} ms`;
  const others =
    indirect.length === 0 ? 'nobody to ask for another' : `nor over ${indirect.map(nameOf).join(', ')}${nacksText(nacks, nameOf)}`;
  return `${direct}, ${others}, over TCP ${reliable} (local health ${localHealth})`;
}

function nacksText(nacks: readonly NodeId[], nameOf: NameOf): string {
  return nacks.length === 0 ? '' : ` (${nacks.map(nameOf).join(', ')}: no answer there either)`;
}
