/** The control log as all nodes that answer know it, put together. */
import type { ControlReport, ControlRow, OwnCopy } from '../../../core/wire/generated/engram/v1/cluster.js';
import { clusterService } from '../../grpc/service-definitions.js';
import { answerMsMax, ask, askAny, askAnyFor } from './node-questions.js';

/** Nodes are asked so many at a time. */
const askedAtOnce = 16;

/** A copy of a space, as the row names it and its holder describes it. */
export interface CopyKnown {
  readonly nodeId: string;
  readonly name: string;
  /** Null: the node did not answer, or holds nothing of the space yet. */
  readonly own: OwnCopy | null;
  readonly hasAnswered: boolean;
}

export interface SpaceKnown {
  readonly row: ControlRow;
  /** The row's first copy first. */
  readonly copies: readonly CopyKnown[];
  /** Who takes writes: nodes that say so, by name. Several: a cut has left several terms, or one is just taking over. */
  readonly writers: readonly { readonly name: string; readonly confirmed: boolean }[];
}

export interface ClusterKnown {
  /** Of the node that has applied the most. */
  readonly best: ControlReport;
  readonly reports: readonly ControlReport[];
  /** host:port of each node that answered, by node id. */
  readonly addresses: ReadonlyMap<string, string>;
  /** Members that did not answer, by name. */
  readonly silent: readonly string[];
}

/** Asks all members that one of these servers names. */
export async function clusterKnown(servers: readonly string[], withoutRows: boolean): Promise<ClusterKnown> {
  const request = { withoutRows };
  const first = await askAnyFor(servers, { method: clusterService.getControl, request, deadlineMs: answerMsMax });
  const { members } = await askAny(servers, clusterService.getClusterHealth);
  const reports = [first];
  const addresses = new Map(members.map(({ nodeId, address }) => [nodeId, address]));
  const silent: string[] = [];
  const others = members.filter(({ nodeId, committed }) => committed && nodeId !== first.nodeId);
  for (let at = 0; at < others.length; at += askedAtOnce) {
    const asked = others.slice(at, at + askedAtOnce).map(async ({ address, name }) => {
      const report = address === '' ? null : await ask(address, clusterService.getControl, request).catch(() => null);
      if (report === null) silent.push(name);
      else reports.push(report);
    });
    await Promise.all(asked);
  }
  const best = reports.reduce((most, report) => (isLater(report, most) ? report : most));
  return { best, addresses, reports: reports.sort((left, right) => (left.nodeName < right.nodeName ? -1 : 1)), silent: silent.sort() };
}

function isLater(report: ControlReport, than: ControlReport): boolean {
  return report.generation > than.generation || (report.generation === than.generation && report.applied > than.applied);
}

export function nameOf({ members }: ControlReport, nodeId: string): string {
  return members.find((member) => member.nodeId === nodeId)?.name ?? nodeId.slice(0, 8);
}

export function spacesKnown({ best, reports }: ClusterKnown): readonly SpaceKnown[] {
  const own = new Map(reports.map(({ nodeId, copies }) => [nodeId, new Map(copies.map((copy) => [copy.space, copy]))]));
  return best.rows.map((row) => {
    const copies = row.copies.map((nodeId) => ({
      nodeId,
      name: nameOf(best, nodeId),
      own: own.get(nodeId)?.get(row.space) ?? null,
      hasAnswered: own.has(nodeId),
    }));
    const writers = copies.flatMap(({ name, own: said }) => (said?.primary === true ? [{ name, confirmed: said.confirmed }] : []));
    return { row, copies, writers };
  });
}
