/** Too few nodes for the copies that are wanted: what that means, and what helps. */
import type { ControlReport } from '../../../core/wire/generated/engram/v1/cluster.js';
import { plural } from '../output.js';

/** Members that may hold copies; `without` one of them. */
export function holdersOf({ members }: Pick<ControlReport, 'members'>, without?: string): number {
  return members.filter(({ nodeId, draining }) => nodeId !== without && !draining).length;
}

/** Why the node cannot be rid of all its copies as things are; null when it can. */
export function drainShortage(report: ControlReport, nodeId: string): string | null {
  const others = holdersOf(report, nodeId);
  const copies = report.settings?.replicationFactor ?? 1;
  if (others >= copies || report.spaces === 0) return null;
  const left = others === 1 ? 'one other node is' : `${others} other nodes are`;
  return `${left} left for ${copies} copies: add another node, or want fewer copies (engram cluster settings --replication-factor ${Math.max(1, others)})`;
}

/** What it means that there are fewer nodes than copies of a space; null when there are enough. */
export function copiesShortage({ copies, nodes }: { readonly copies: number; readonly nodes: number }): string | null {
  if (nodes >= copies || nodes === 0) return null;
  const quorum = Math.floor(copies / 2) + 1;
  const refused = quorum > nodes ? 'quorum and --ack all are' : 'all is';
  const needed = quorum > nodes ? '' : `, --ack quorum waits for ${quorum === nodes ? `all ${nodes}` : `${quorum} of them`}`;
  const held = `${copies} copies are wanted of each space, and ${plural(nodes, 'node')} can hold ${nodes === 1 ? 'one' : 'them'}`;
  const help = `add ${plural(copies - nodes, 'node')} (engram cluster add), or want fewer copies (--replication-factor ${nodes})`;
  return `${held}: there are ${nodes} of ${copies}. Until there are ${copies}, --ack ${refused} refused${needed}: ${help}`;
}
