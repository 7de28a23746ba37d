/** What is wanted and under way as JSON: the same on the command line and over HTTP. */
import type { MigrateAnswer, RebalanceAnswer } from '../../core/wire/generated/engram/v1/cluster.js';

/** `nameOf` gives a node's name for its id. */
export function rebalanceJson(answer: RebalanceAnswer, nameOf: (nodeId: string) => string): object {
  const { steps, moves, before, after, infeasible, atWork, aborted } = answer;
  const named = <Move extends Ends>(move: Move): object => ({ ...move, ...endsJson(move, nameOf) });
  const cannot = infeasible.map((each) => JSON.parse(each) as object);
  return { atWork, aborted, before, after, infeasible: cannot, steps: steps.map(named), moves: moves.map(named) };
}

export function migrateJson({ space, index, ...ends }: MigrateAnswer, nameOf: (nodeId: string) => string): object {
  return { space, fromNodeId: ends.fromNodeId, toNodeId: ends.toNodeId, ...endsJson(ends, nameOf), index };
}

interface Ends {
  readonly fromNodeId: string;
  readonly toNodeId: string;
}

function endsJson({ fromNodeId, toNodeId }: Ends, nameOf: (nodeId: string) => string): object {
  return { from: fromNodeId === '' ? null : nameOf(fromNodeId), to: toNodeId === '' ? null : nameOf(toNodeId) };
}
