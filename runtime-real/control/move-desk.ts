/** What operators ask about the moving of copies: what is wanted, to carry it out, to give it up. Who leads the control log does it; other nodes pass the question on. */
import { setTimeout } from 'node:timers/promises';
import { type ControlMember, type ControlRow, type ControlState, isMade, rowsInOrder } from '../../core/control/control-state.js';
import type { RebalancingOrder } from '../../core/control/entries.js';
import { type Copying, outlookOf } from '../../core/control/moves/outlook.js';
import { nodesOf, type Underway } from '../../core/control/moves/rebalancing.js';
import type { WantedStep as CoreStep, Wanted } from '../../core/control/moves/wanted-moves.js';
import { EngramError } from '../../core/errors.js';
import { type NodeId, type SpaceKey, spaceName } from '../../core/identifiers.js';
import {
  type MigrateAnswer,
  type MigrateRequest,
  type MoveProgress,
  type RebalanceAnswer,
  type RebalanceRequest,
  RebalanceRequest_Action,
  type WantedStep,
} from '../../core/wire/generated/engram/v1/cluster.js';
import { askNode } from '../grpc/ask-node.js';
import { clusterService } from '../grpc/service-definitions.js';
import type { ControlInspection, NodeHost } from '../node-host.js';
import { memberNamed, refused } from './member-names.js';
import type { Proposer } from './proposer.js';
import { spaceUnknown } from './space-names.js';

const askMsMax = 5_000;
const lookEveryMs = 5;

export const noMoves: RebalanceAnswer = {
  ...{
    failure: undefined,
    steps: [],
    moves: [],
    before: undefined,
    after: undefined,
    infeasible: [],
    atWork: false,
    aborted: 0,
    order: undefined,
    bytes: 0,
    aboutMs: 0,
  },
};

export interface MoveDeskOptions {
  readonly host: Pick<NodeHost, 'inspectControl' | 'planMoves' | 'nodeId'>;
  readonly proposer: Proposer;
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
    const control = this.#made();
    const { underway } = control;
    if (underway !== null) return this.#asLeader(request, { underway, wanted: await this.#planned(underway) });
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

  async #order(order: RebalancingOrder): Promise<void> {
    const { host, proposer } = this.#options;
    const { outcome } = await proposer.submit({ kind: 'rebalancing-ordered', order, atMs: Date.now(), by: host.nodeId });
    if (outcome.kind === 'refused') throw refused(`the control log has refused it: ${outcome.why}`, 'look at engram cluster log');
  }

  /** Begins one move that an operator wants. Resolves once it stands in the row; who leads goes on with it. */
  async migrate({ space, fromNodeId, toNodeId }: MigrateRequest): Promise<MigrateAnswer> {
    const { state } = this.#made();
    const row = rowNamed(state, space);
    const to = memberNamed(state, toNodeId, 'to_node_id');
    const from = fromNodeId === '' ? null : memberNamed(state, fromNodeId, 'from_node_id');
    const change = { kind: 'started', from: sourceOf(row, { from, to, state }), to: to.id } as const;
    const entry = { kind: 'move-changed', space: row.space, basis: row.revision, change } as const;
    const { index, outcome } = await this.#options.proposer.submit(entry);
    if (outcome.kind === 'refused') {
      throw refused(
        `the control log has refused it: ${outcome.why}`,
        'the row has changed meanwhile: look at engram cluster rows, and try again',
      );
    }
    return { failure: undefined, space, fromNodeId: change.from ?? '', toNodeId: to.id, index };
  }

  #made(): ControlInspection {
    const control = this.#options.host.inspectControl();
    if (control !== null && isMade(control.state)) return control;
    throw new EngramError('CLUSTER_REFUSED', { message: 'this node belongs to no cluster', hint: 'ask a member' });
  }

  /** A plan of now, which is made beside the node's turns. */
  async #planned(underway: Underway): Promise<Wanted> {
    const before = underway.latest;
    this.#options.host.planMoves();
    for (let waitedMs = 0; waitedMs < askMsMax; waitedMs += lookEveryMs) {
      const { latest } = underway;
      if (latest !== null && latest !== before) return latest;
      await setTimeout(lookEveryMs);
    }
    const message = 'the leader of the control log has not planned the moves in time, or leads no more';
    throw new EngramError('UNAVAILABLE', { message, hint: 'try again in a moment' });
  }

  /** An order is committed before it is answered: it outlives this leader. */
  async #asLeader(
    { action }: RebalanceRequest,
    { underway, wanted: { plan, steps } }: { readonly underway: Underway; readonly wanted: Wanted },
  ): Promise<RebalanceAnswer> {
    const moves = movesOf(this.#made().state, underway);
    if (action !== RebalanceRequest_Action.PLAN) await this.#order(action === RebalanceRequest_Action.APPLY ? 'apply' : 'hold');
    const { order } = this.#made().state;
    const begun = new Set(moves.map(({ space }) => space));
    const isAborted = action === RebalanceRequest_Action.ABORT;
    const wantedSteps = steps.filter(({ space }) => !begun.has(spaceName(space)));
    return {
      failure: undefined,
      steps: wantedSteps.map(stepMessage),
      moves: isAborted ? [] : moves,
      before: { ...plan.before },
      after: { ...plan.after },
      infeasible: plan.infeasible.map((each) => JSON.stringify(each)),
      atWork: underway.isAtWork,
      aborted: isAborted ? moves.length : 0,
      order: order === null ? undefined : { order: order.order, index: order.index, atMs: order.atMs, byNodeId: order.by },
      ...outlookOf(copyings(this.#made().state, { underway, steps: wantedSteps }), underway.options),
    };
  }
}

/** What is under way, and what is wanted. */
function copyings(
  { rows }: ControlState,
  { underway, steps }: { readonly underway: Underway; readonly steps: readonly CoreStep[] },
): readonly Copying[] {
  const begun = Object.values(rows).flatMap(({ space, copies, move }) =>
    move === null ? [] : { bytes: copies.includes(move.to) ? 0 : (underway.progressOf(space)?.bytes ?? 0), nodes: nodesOf(copies, move) },
  );
  const wanted = steps.flatMap((step) => {
    const row = rows[step.space];
    if (row === undefined || step.kind === 'fewer') return [];
    return { bytes: step.kind === 'copy' ? step.bytes : 0, nodes: nodesOf(row.copies, step) };
  });
  return [...begun, ...wanted];
}

/** The latest generation of the space. */
function rowNamed(state: ControlState, name: string): ControlRow {
  const rows = rowsInOrder(state);
  const row = rows.filter(({ space }) => spaceName(space) === name).at(-1);
  if (row !== undefined) return row;
  throw spaceUnknown(
    name,
    rows.map(({ space }) => spaceName(space)),
  );
}

interface WantedMove {
  readonly from: ControlMember | null;
  readonly to: ControlMember;
  readonly state: ControlState;
}

/** Who gives its copy up, or changes places with the target; null for a copy more. Throws for what could not be, or would be undone at once. */
function sourceOf({ space, copies, move }: ControlRow, { from, to, state }: WantedMove): NodeId | null {
  const name = spaceName(space);
  const nameOf = (id: NodeId): string => state.members[id]?.name ?? id;
  if (move !== null) {
    throw refused(
      `a copy of ${name} is on its way to ${nameOf(move.to)} already`,
      'wait for it, or give it up: engram cluster plan, engram cluster abort',
    );
  }
  if (to.isDraining)
    throw refused(
      `${to.name} is to give up what it holds`,
      `name another node, or let it hold copies again: engram cluster drain ${to.name} --undo`,
    );
  const [primary] = copies;
  const held = copies.map(nameOf).join(', ');
  if (copies.includes(to.id)) {
    if (to.id === primary) throw refused(`${to.name} is the primary of ${name} already`, 'nothing is to be done');
    if (from === null || from.id === primary) return primary;
    throw refused(
      `${to.name} holds a copy of ${name} already`,
      `it can only take the place of the primary, ${nameOf(primary)}: leave out --from`,
    );
  }
  if (from === null) {
    if (copies.length < state.settings.replicationFactor) return null;
    throw refused(`${name} has its ${copies.length} copies, on ${held}`, 'say which of them goes: --from NODE');
  }
  if (!copies.includes(from.id)) throw refused(`${from.name} holds no copy of ${name}`, `copies are on ${held}`);
  const zones = (ids: readonly NodeId[]): number => new Set(ids.map((id) => state.members[id]?.zone)).size;
  if (zones(copies.map((id) => (id === from.id ? to.id : id))) < zones(copies)) {
    throw refused(
      `the copies of ${name} would be in fewer zones than now`,
      'name a node in a zone that holds none of the other copies: engram cluster log shows zones',
    );
  }
  return from.id;
}

function movesOf({ rows }: ControlState, underway: Underway): MoveProgress[] {
  return Object.values(rows).flatMap(({ space, move }) => {
    if (move === null) return [];
    const { missing, bytes = 0 } = underway.progressOf(space as SpaceKey) ?? {};
    return [
      {
        ...{ space: spaceName(space), fromNodeId: move.from ?? '', toNodeId: move.to, stage: move.stage },
        missingRecords: missing === undefined || !Number.isFinite(missing) ? undefined : missing,
        bytes,
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
