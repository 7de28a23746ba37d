/** What one node knows of the control log and of its own copies, for operators. */
import { type ControlState, isMade, membersInOrder, rowsInOrder } from '../../core/control/control-state.js';
import { spaceGeneration, spaceName } from '../../core/identifiers.js';
import type { ControlReport, ControlRow, OwnCopy } from '../../core/wire/generated/engram/v1/cluster.js';
import { Role, type StatusReport } from '../../core/wire/generated/engram/v1/service.js';
import type { ControlInspection } from '../node-host.js';

export interface ReportSource {
  readonly cluster: string;
  readonly nodeId: string;
  readonly nodeName: string;
  /** Null: the node keeps no control log, or has stopped. */
  readonly control: ControlInspection | null;
  /** Null: without rows and copies. */
  readonly status: StatusReport | null;
  readonly reason: string;
}

export function controlReport({ cluster, nodeId, nodeName, control, status, reason }: ReportSource): ControlReport {
  const raft = control?.raft ?? null;
  const state = control?.state ?? null;
  const isKnown = state !== null && isMade(state);
  return {
    ...{ cluster, nodeId, nodeName },
    clusterId: state?.clusterId ?? '',
    generation: state?.generation ?? 0,
    role: raft?.role ?? '',
    term: raft?.term ?? 0,
    leaderNodeId: raft?.leader ?? '',
    committed: raft?.committed ?? 0,
    applied: state?.applied ?? 0,
    last: raft?.last.index ?? 0,
    damaged: control?.isDamaged ?? false,
    settings: isKnown ? { ...state.settings } : undefined,
    members: isKnown ? members(state, control) : [],
    removed: Object.entries(state?.removed ?? {}).map(([node, index]) => ({ nodeId: node, index })),
    rows: isKnown && status !== null ? rowsOf(state) : [],
    copies: status === null ? [] : status.spaces.map(copyOf),
    spaces: Object.keys(state?.rows ?? {}).length,
    reason,
  };
}

function members(state: ControlState, control: ControlInspection | null): ControlReport['members'] {
  const matches = control?.raft?.role === 'leader' ? control.raft.matches : null;
  return membersInOrder(state).map(({ id, name, address, zone, rack, isDraining, since }) => ({
    ...{ nodeId: id, name, address, zone, rack, since },
    draining: isDraining,
    voter: state.voters.includes(id),
    match: matches?.get(id) ?? (id === control?.raft?.leader ? control?.raft?.last.index : undefined),
  }));
}

function rowsOf(state: ControlState): ControlRow[] {
  return rowsInOrder(state).map(({ space, epoch, revision, copies, move }) => ({
    space: spaceName(space),
    spaceGeneration: spaceGeneration(space),
    epoch: { ...epoch },
    revision,
    copies: [...copies],
    move: move === null ? undefined : { fromNodeId: move.from ?? '', toNodeId: move.to, stage: move.stage },
  }));
}

function copyOf({ name, role, epoch, memories, missingRecords, lagMs }: StatusReport['spaces'][number]): OwnCopy {
  const primary = role === Role.ROLE_PRIMARY;
  return { space: name, primary, confirmed: primary && epoch?.provisionalCounter === 0, epoch, memories, missingRecords, lagMs };
}
