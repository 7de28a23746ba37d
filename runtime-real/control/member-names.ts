/** Members as operators name them: by id or by name. */
import { type ControlMember, type ControlState, membersInOrder } from '../../core/control/control-state.js';
import { EngramError } from '../../core/errors.js';
import type { NodeId } from '../../core/identifiers.js';
import { suggestion } from '../../core/nearest-names.js';

export function memberOf({ members }: ControlState, name: string): ControlMember | undefined {
  return members[name as NodeId] ?? Object.values(members).find((member) => member.name === name);
}

/** Throws NOT_FOUND with the nearest names, or CLUSTER_REFUSED for one that was removed. */
export function memberNamed(state: ControlState, name: string, field = 'node_id'): ControlMember {
  const member = memberOf(state, name);
  if (member !== undefined) return member;
  const at = state.removed[name as NodeId];
  if (at !== undefined) throw refused(`${name} was removed already, by entry ${at}`, 'nothing is to be done');
  const names = membersInOrder(state).map((each) => each.name);
  throw new EngramError('NOT_FOUND', { message: `no member ${JSON.stringify(name)}`, field, hint: suggestion(name, names) });
}

export function refused(message: string, hint: string): EngramError {
  return new EngramError('CLUSTER_REFUSED', { message, hint });
}
