/** What operators ask about the moving of copies: what is wanted, to carry it out, to give it up. Who leads the control log does it; other nodes pass the question on. */
import { type ControlState, isMade } from '../../core/control/control-state.js';
import type { Underway } from '../../core/control/rebalancing.js';
import type { WantedStep as CoreStep } from '../../core/control/wanted-moves.js';
import { EngramError } from '../../core/errors.js';
import { type NodeId, type SpaceKey, spaceName } from '../../core/identifiers.js';
import {
  type MoveProgress,
  type RebalanceAnswer,
  type RebalanceRequest,
  RebalanceRequest_Action,
  type WantedStep,
} from '../../core/wire/generated/engram/v1/cluster.js';
import { askNode } from '../grpc/ask-node.js';
import { clusterService } from '../grpc/service-definitions.js';
import type { ControlInspection, NodeHost } from '../node-host.js';

const askMsMax = 5_000;

export const noMoves: RebalanceAnswer = {
  ...{ failure: undefined, steps: [], moves: [], before: undefined, after: undefined, infeasible: [], atWork: false, aborted: 0 },
};

export interface MoveDeskOptions {
  readonly host: Pick<NodeHost, 'inspectControl' | 'rebalance' | 'nodeId'>;
  /** host:port of a member; null: nobody knows. */
  readonly addressOf: (node: NodeId) => string | null;
}

export class MoveDesk {
  readonly #options: MoveDeskOptions;

  constructor(options: MoveDeskOptions) {
    this.#options = options;
  }

  async answer(request: RebalanceRequest): Promise<RebalanceAnswer> {
    const { host, addressOf } = this.#options;
    const control = host.inspectControl();
    if (control === null || !isMade(control.state)) {
      throw new EngramError('CLUSTER_REFUSED', { message: 'this node belongs to no cluster', hint: 'ask a member' });
    }
    const { underway } = control;
    if (underway !== null) return this.#asLeader(request, control, underway);
    const leader = control.raft?.leader ?? null;
    const address = leader === null || leader === host.nodeId ? null : addressOf(leader);
    if (address === null || request.forwarded) {
      const message = 'nobody leads the control log at this moment, or it has not begun to look at the rows';
      throw new EngramError('UNAVAILABLE', { message, hint: 'try again in a moment; see engram cluster log' });
    }
    const question = { method: clusterService.rebalance, request: { ...request, forwarded: true }, deadlineMs: askMsMax };
    return askNode(address, question).catch((error: Error) => {
      throw new EngramError('UNAVAILABLE', { message: `the leader at ${address} does not answer: ${error.message}`, cause: error });
    });
  }

  #asLeader({ action }: RebalanceRequest, { state }: ControlInspection, underway: Underway): RebalanceAnswer {
    const { host } = this.#options;
    const { plan, steps } = underway.wanted();
    const moves = movesOf(state, underway);
    if (action === RebalanceRequest_Action.APPLY) host.rebalance('apply');
    if (action === RebalanceRequest_Action.ABORT) host.rebalance('abort');
    const begun = new Set(moves.map(({ space }) => space));
    const isAborted = action === RebalanceRequest_Action.ABORT;
    return {
      failure: undefined,
      steps: steps.map(stepMessage).filter(({ space }) => !begun.has(space)),
      moves: isAborted ? [] : moves,
      before: { ...plan.before },
      after: { ...plan.after },
      infeasible: plan.infeasible.map((each) => JSON.stringify(each)),
      atWork: action === RebalanceRequest_Action.APPLY || (!isAborted && underway.isAtWork),
      aborted: isAborted ? moves.length : 0,
    };
  }
}

function movesOf({ rows }: ControlState, underway: Underway): MoveProgress[] {
  return Object.values(rows).flatMap(({ space, move }) => {
    if (move === null) return [];
    const missing = underway.progressOf(space as SpaceKey)?.missing;
    return [
      {
        ...{ space: spaceName(space), fromNodeId: move.from ?? '', toNodeId: move.to, stage: move.stage },
        missingRecords: missing === undefined || !Number.isFinite(missing) ? undefined : missing,
      },
    ];
  });
}

function stepMessage(step: CoreStep): WantedStep {
  const { kind, space } = step;
  const bare = { kind, space: spaceName(space), fromNodeId: '', toNodeId: '', bytes: 0 };
  if (step.kind === 'fewer') return bare;
  return { ...bare, fromNodeId: step.from ?? '', toNodeId: step.to, bytes: step.kind === 'copy' ? step.bytes : 0 };
}
