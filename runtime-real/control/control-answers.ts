/** The answers of ClusterService to what operators and other nodes ask of the control log. What the desk refuses is an answer like another. */
import { EngramError, failure } from '../../core/errors.js';
import type {
  AddNodeAnswer,
  AddNodeRequest,
  ChangeSettingsAnswer,
  ChangeSettingsRequest,
  ControlReport,
  ControlRequest,
  DrainAnswer,
  DrainRequest,
  InitAnswer,
  ProposeAnswer,
  ProposeRequest,
  RebalanceAnswer,
  RebalanceRequest,
  RecoverAnswer,
  RecoverRequest,
  RemoveNodeAnswer,
  RemoveNodeRequest,
} from '../../core/wire/generated/engram/v1/cluster.js';
import type { Failure } from '../../core/wire/generated/engram/v1/service.js';
import type { ControlSource } from '../grpc/cluster-calls.js';
import type { ClusterControl } from './cluster-control.js';
import { noMoves } from './move-desk.js';

export class ControlAnswers implements ControlSource {
  readonly #control: ClusterControl;

  constructor(control: ClusterControl) {
    this.#control = control;
  }

  async init(): Promise<InitAnswer> {
    const done = await settled(this.#control.desk.init());
    return typeof done === 'string' ? { failure: undefined, clusterId: done } : { failure: done, clusterId: '' };
  }

  async addNode(request: AddNodeRequest): Promise<AddNodeAnswer> {
    const done = await settled(this.#control.desk.add(request));
    return 'code' in done ? { failure: done, nodeId: '', index: 0 } : { failure: undefined, nodeId: done.node, index: done.index };
  }

  async removeNode(request: RemoveNodeRequest): Promise<RemoveNodeAnswer> {
    const done = await settled(this.#control.desk.remove(request));
    return 'code' in done ? { failure: done, nodeId: '', index: 0 } : { failure: undefined, nodeId: done.node, index: done.index };
  }

  async changeSettings(request: ChangeSettingsRequest): Promise<ChangeSettingsAnswer> {
    const done = await settled(this.#control.desk.changeSettings(request));
    return 'code' in done ? { failure: done, settings: undefined } : { failure: undefined, settings: { ...done } };
  }

  async drain(request: DrainRequest): Promise<DrainAnswer> {
    const done = await settled(this.#control.desk.drain(request));
    if ('code' in done) return { failure: done, nodeId: '', index: 0, copies: 0 };
    return { failure: undefined, nodeId: done.node, index: done.index, copies: done.copies };
  }

  async rebalance(request: RebalanceRequest): Promise<RebalanceAnswer> {
    const done = await settled(this.#control.moves.answer(request));
    return 'code' in done ? { ...noMoves, failure: done } : done;
  }

  async recover({ acceptRisk }: RecoverRequest): Promise<RecoverAnswer> {
    const done = await settled(this.#control.desk.recover(acceptRisk));
    return typeof done === 'number' ? { failure: undefined, generation: done } : { failure: done, generation: 0 };
  }

  propose(request: ProposeRequest): Promise<ProposeAnswer> {
    return this.#control.proposer.take(request);
  }

  report({ withoutRows }: ControlRequest): Promise<ControlReport> {
    return this.#control.report(withoutRows);
  }
}

/** What came of it, or why nothing did. */
async function settled<Value>(value: Promise<Value>): Promise<Value | Failure> {
  try {
    return await value;
  } catch (error) {
    if (!(error instanceof EngramError)) throw error;
    const { code, message, hint, field } = error;
    return failure(code, { message, hint, ...(field === undefined ? {} : { field }) });
  }
}
