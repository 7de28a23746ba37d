/** `engram cluster plan|apply|abort|move|drain|decommission`: copies on their way from node to node. */
import type { Command } from 'commander';
import { EngramError } from '../../../core/errors.js';
import type { Infeasibility } from '../../../core/placement/placement-plan.js';
import {
  type ControlReport,
  type Imbalance,
  type RebalanceAnswer,
  RebalanceRequest_Action,
  type StandingOrder,
} from '../../../core/wire/generated/engram/v1/cluster.js';
import { migrateJson, rebalanceJson } from '../../control/rebalance-json.js';
import { clusterService } from '../../grpc/service-definitions.js';
import { bytesText, type Column, exitCodes, type Output, oneLine } from '../output.js';
import { onInterrupt, usageError } from '../session.js';
import type { AddClusterCommand } from './control-commands.js';
import { nameOf } from './control-reports.js';
import { answerMsMax, askAnyFor, changeMsMax } from './node-questions.js';
import { drainShortage } from './shortage-text.js';

const lookEveryMs = 500;
/** Rows of a table for people; with --json all are printed. */
const rowsShown = 50;

export function addMoveCommands(cluster: Command, add: AddClusterCommand): void {
  const command = (name: string, description: string): Command => cluster.command(name).description(description);
  const act = (action: RebalanceRequest_Action) => (servers: readonly string[], output: Output) => rebalance(servers, output, action);
  add(command('plan', 'which copies should be elsewhere, and how even that would be; orders nothing'), act(RebalanceRequest_Action.PLAN));
  add(command('apply', 'carry the plan out now, a few moves at a time'), act(RebalanceRequest_Action.APPLY));
  add(command('abort', 'give up the moves under way, and begin none until apply'), act(RebalanceRequest_Action.ABORT));
  add(
    command('move', 'move one copy of a space, because you want it elsewhere; what placement rules out it moves back')
      .argument('<space>', 'its name')
      .requiredOption('--to <node>', 'who is to hold it: name or node id; one that holds a copy already becomes primary')
      .option('--from <node>', 'who gives its copy up; left out: nobody, where a copy is lacking'),
    move,
  );
  add(
    command('drain', 'let other nodes take over all that a node holds; it stays a member')
      .argument('<node>', 'its name or node id')
      .option('--undo', 'it may keep what it still holds, and get copies again', false),
    drain,
  );
  add(
    command('decommission', 'drain a node, wait until it holds nothing, and take it out; can be interrupted and repeated').argument(
      '<node>',
      'its name or node id',
    ),
    decommission,
  );
}

async function rebalance(servers: readonly string[], output: Output, action: RebalanceRequest_Action): Promise<number> {
  const answer = await askAnyFor(servers, {
    method: clusterService.rebalance,
    request: { action, forwarded: false },
    deadlineMs: changeMsMax,
  });
  if (answer.failure !== undefined) throw EngramError.fromFailure(answer.failure);
  const report = await reportOf(servers, true);
  output.answer(
    rebalanceJson(answer, (id) => nameOf(report, id)),
    () => planText(output, answer, report),
  );
  return exitCodes.ok;
}

async function move(servers: readonly string[], output: Output, self: Command): Promise<number> {
  const [space] = self.args as [string];
  const { to, from = '' } = self.opts<{ to: string; from?: string }>();
  const request = { space, fromNodeId: from, toNodeId: to };
  const answer = await askAnyFor(servers, { method: clusterService.migrate, request, deadlineMs: changeMsMax });
  if (answer.failure !== undefined) throw EngramError.fromFailure(answer.failure);
  const report = await reportOf(servers, true);
  const way = `${answer.fromNodeId === '' ? 'one copy more' : nameOf(report, answer.fromNodeId)} → ${nameOf(report, answer.toNodeId)}`;
  const text = `${space}: ${way} has begun, by entry ${answer.index}; engram cluster plan shows how far it is`;
  output.answer(
    migrateJson(answer, (id) => nameOf(report, id)),
    () => text,
  );
  return exitCodes.ok;
}

function planText(output: Output, answer: RebalanceAnswer, report: ControlReport): string {
  const { steps, moves, before, after, infeasible, atWork, aborted, order, bytes, aboutMs } = answer;
  const columns: Column[] = [
    { title: 'space' },
    { title: 'what', width: 9 },
    { title: 'from', width: 14 },
    { title: 'to', width: 14 },
    { title: 'bytes', width: 11, right: true },
    { title: 'state', width: 28 },
  ];
  const name = (id: string): string => (id === '' ? '-' : nameOf(report, id));
  const rows = [
    ...moves.map(({ space, fromNodeId, toNodeId, stage, missingRecords, bytes: size }) => {
      const left = missingRecords === undefined ? '' : `, ${missingRecords} records left`;
      return [oneLine(space, 60), 'copy', name(fromNodeId), name(toNodeId), sizeText(size), `${stage}${left}`];
    }),
    ...steps.map(({ space, kind, fromNodeId, toNodeId, bytes: size }) => {
      const copied = kind === 'copy' ? sizeText(size) : '-';
      return [oneLine(space, 60), kind, name(fromNodeId), name(toNodeId), copied, 'wanted'];
    }),
  ];
  const more = rows.length > rowsShown ? `\n… and ${rows.length - rowsShown} more (--json prints all)` : '';
  const gaveUp = aborted === 0 ? '' : `${aborted} moves given up; `;
  const ordered = order === undefined ? '' : `, ${orderText(order, name)}`;
  const head = `${gaveUp}${moves.length} under way, ${steps.length} wanted${atWork ? ', carried out by itself' : ', waiting for engram cluster apply'}${ordered}`;
  const outlook = `${bytes === 0 ? 'little' : bytesText(bytes)} to copy, in about ${Math.ceil(aboutMs / 1_000)} s`;
  const even = `fullest node over the best that can be had: ${imbalanceText(before)} now, ${imbalanceText(after)} then`;
  const cannot = infeasible.map((each) => `\ncannot be had: ${infeasibleText(each, name)}`).join('');
  return rows.length === 0
    ? `${head}\n${even}${cannot}`
    : `${head}\n${output.table(columns, rows.slice(0, rowsShown))}${more}\n${outlook}\n${even}${cannot}`;
}

/** What the leader has not been told is small, or about to be. */
function sizeText(bytes: number): string {
  return bytes === 0 ? '< 1 MiB' : bytesText(bytes);
}

/** `told` is JSON, as the plan has it. */
function infeasibleText(told: string, name: (id: string) => string): string {
  const each = JSON.parse(told) as Infeasibility;
  switch (each.kind) {
    case 'fewer-nodes-than-copies':
      return `${each.wanted} copies of each space, with ${each.nodes} ${each.nodes === 1 ? 'node' : 'nodes'} to hold them`;
    case 'fewer-zones-than-copies':
      return `${each.wanted} copies in as many zones, with ${each.zones} zones; some share one`;
    case 'zone-too-small':
      return `an even spread: every space needs a copy in zone ${each.zone === '' ? '(none)' : each.zone}, whose nodes hold ${each.timesAverage.toFixed(2)} times the average`;
    case 'over-cap':
      return `a fair share on ${name(each.node)}: no move brings it below ${each.timesFair.toFixed(2)} times that in ${each.of}`;
    default:
      return told;
  }
}

function orderText({ order, index, atMs, byNodeId }: StandingOrder, name: (id: string) => string): string {
  const what = order === 'apply' ? 'apply' : 'abort';
  return `since engram cluster ${what} at ${name(byNodeId)}, ${new Date(atMs).toISOString()} (entry ${index})`;
}

function imbalanceText(imbalance: Imbalance | undefined): string {
  if (imbalance === undefined) return '?';
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  return `copies ${percent(imbalance.copies)}, bytes ${percent(imbalance.bytes)}, primaries ${percent(imbalance.primaries)}`;
}

function reportOf(servers: readonly string[], withoutRows: boolean): Promise<ControlReport> {
  return askAnyFor(servers, { method: clusterService.getControl, request: { withoutRows }, deadlineMs: answerMsMax });
}

async function drained(
  servers: readonly string[],
  name: string,
  undo: boolean,
): Promise<{ readonly nodeId: string; readonly copies: number }> {
  const answer = await askAnyFor(servers, { method: clusterService.drain, request: { nodeId: name, undo }, deadlineMs: changeMsMax });
  if (answer.failure !== undefined) throw EngramError.fromFailure(answer.failure);
  return answer;
}

async function drain(servers: readonly string[], output: Output, self: Command): Promise<number> {
  const [name] = self.args as [string];
  const { undo } = self.opts<{ undo: boolean }>();
  const { nodeId, copies } = await drained(servers, name, undo);
  const text = undo ? `${name} is used again` : `${name} gives up its copies, ${copies} now; engram cluster plan shows how far it is`;
  const shortage = undo ? null : drainShortage(await reportOf(servers, true), nodeId);
  if (shortage !== null) output.remark(shortage);
  output.answer({ name, nodeId, copies, draining: !undo }, () => text);
  return exitCodes.ok;
}

async function decommission(servers: readonly string[], output: Output, self: Command): Promise<number> {
  const [name] = self.args as [string];
  if (servers.length === 0) return usageError(self, 'name a node with --server');
  const { nodeId } = await drained(servers, name, false);
  const removeInterrupt = onInterrupt(() => {
    output.remark(`${name} stays drained, and a member: decommission it again to go on, or engram cluster drain ${name} --undo`);
  });
  try {
    await untilEmpty(servers, output, { name, nodeId });
  } finally {
    removeInterrupt();
  }
  const question = { method: clusterService.removeNode, request: { nodeId, force: false }, deadlineMs: changeMsMax };
  const { failure, index } = await askAnyFor(servers, question);
  if (failure !== undefined) throw EngramError.fromFailure(failure);
  output.answer({ name, nodeId, index }, () => `${name} (${nodeId}) holds nothing and is no member any more, by entry ${index}`);
  return exitCodes.ok;
}

/** Resolves once no row names the node, and no move goes to it; says meanwhile how far it is, and what is in the way. */
async function untilEmpty(
  servers: readonly string[],
  output: Output,
  { name, nodeId }: { readonly name: string; readonly nodeId: string },
): Promise<void> {
  let told = -1;
  let toldShortage: string | null = null;
  for (;;) {
    const report = await reportOf(servers, false);
    const { rows } = report;
    const left = rows.filter(({ copies, move }) => copies.includes(nodeId) || move?.toNodeId === nodeId).length;
    if (left === 0) return;
    if (left !== told) output.remark(`${name} still holds copies of ${left} ${left === 1 ? 'space' : 'spaces'}`);
    told = left;
    const shortage = drainShortage(report, nodeId);
    if (shortage !== null && shortage !== toldShortage) output.remark(shortage);
    toldShortage = shortage;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}
