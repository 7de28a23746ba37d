/** What is wanted and under way as JSON: the same on the command line and over HTTP. */
import type { MigrateAnswer, RebalanceAnswer, StandingOrder } from '../../core/wire/generated/engram/v1/cluster.js';

/** `nameOf` gives a node's name for its id. */
export function rebalanceJson(answer: RebalanceAnswer, nameOf: (nodeId: string) => string): object {
  const { steps, moves, before, after, infeasible, atWork, aborted, order, bytes, aboutMs } = answer;
  const named = <Move extends Ends>(move: Move): object => ({ ...move, ...endsJson(move, nameOf) });
  const cannot = infeasible.map((each) => JSON.parse(each) as object);
  return {
    atWork,
    order: orderJson(order, nameOf),
    aborted,
    bytes,
    aboutMs,
    before,
    after,
    infeasible: cannot,
    steps: steps.map(named),
    moves: moves.map(named),
  };
}

/** What an operator ordered last; null: nothing. */
function orderJson(order: StandingOrder | undefined, nameOf: (nodeId: string) => string): object | null {
  if (order === undefined) return null;
  const { order: said, index, atMs, byNodeId } = order;
  return { order: said, index, at: new Date(atMs).toISOString(), by: nameOf(byNodeId), byNodeId };
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
