/** The answers of ClusterService to what operators and other nodes ask of the control log. What the desk refuses is an answer like another. */
import { EngramError, failure } from '../../core/errors.js';
import type { Failure } from '../../core/wire/generated/engram/v1/service.js';
import type { ControlSource } from '../grpc/cluster-calls.js';
import type { Answered, Asked } from '../grpc/service-definitions.js';
import type { ClusterControl } from './cluster-control.js';
import { noMoves } from './move-desk.js';

export class ControlAnswers implements ControlSource {
  readonly #control: ClusterControl;

  constructor(control: ClusterControl) {
    this.#control = control;
  }

  async init(): Promise<Answered<'init'>> {
    const done = await settled(this.#control.desk.init());
    return typeof done === 'string' ? { failure: undefined, clusterId: done } : { failure: done, clusterId: '' };
  }

  async addNode(request: Asked<'addNode'>): Promise<Answered<'addNode'>> {
    const done = await settled(this.#control.desk.add(request));
    return 'code' in done ? { failure: done, nodeId: '', index: 0 } : { failure: undefined, nodeId: done.node, index: done.index };
  }

  async removeNode(request: Asked<'removeNode'>): Promise<Answered<'removeNode'>> {
    const done = await settled(this.#control.desk.remove(request));
    return 'code' in done ? { failure: done, nodeId: '', index: 0 } : { failure: undefined, nodeId: done.node, index: done.index };
  }

  async changeSettings(request: Asked<'changeSettings'>): Promise<Answered<'changeSettings'>> {
    const done = await settled(this.#control.desk.changeSettings(request));
    return 'code' in done ? { failure: done, settings: undefined } : { failure: undefined, settings: { ...done } };
  }

  async drain(request: Asked<'drain'>): Promise<Answered<'drain'>> {
    const done = await settled(this.#control.desk.drain(request));
    if ('code' in done) return { failure: done, nodeId: '', index: 0, copies: 0 };
    return { failure: undefined, nodeId: done.node, index: done.index, copies: done.copies };
  }

  async rebalance(request: Asked<'rebalance'>): Promise<Answered<'rebalance'>> {
    const done = await settled(this.#control.moves.answer(request));
    return 'code' in done ? { ...noMoves, failure: done } : done;
  }

  async migrate(request: Asked<'migrate'>): Promise<Answered<'migrate'>> {
    const done = await settled(this.#control.moves.migrate(request));
    return 'code' in done ? { failure: done, space: request.space, fromNodeId: '', toNodeId: '', index: 0 } : done;
  }

  async recover({ acceptRisk }: Asked<'recover'>): Promise<Answered<'recover'>> {
    const done = await settled(this.#control.desk.recover(acceptRisk));
    if ('code' in done) return { ...noRecovery, failure: done };
    const { isDamaged: damaged, committed, doubtful, reached, toldBy } = done.basis;
    return { failure: undefined, generation: done.generation, damaged, committed, doubtful, reached, toldByNodeId: toldBy ?? '' };
  }

  propose(request: Asked<'propose'>): Promise<Answered<'propose'>> {
    return this.#control.proposer.take(request);
  }

  getControl({ withoutRows }: Asked<'getControl'>): Promise<Answered<'getControl'>> {
    return this.#control.report(withoutRows);
  }

  async getReceipts(request: Asked<'getReceipts'>): Promise<Answered<'getReceipts'>> {
    return this.#control.receipts(request);
  }
}

const noRecovery = { generation: 0, damaged: false, committed: 0, doubtful: 0, reached: 0, toldByNodeId: '' };

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
