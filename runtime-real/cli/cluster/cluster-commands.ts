/** `engram cluster members|matrix|watch`: the cluster as its nodes see it; what is done with the control log, and `engram space`, is beside it. */
import type { Command } from 'commander';
import {
  type ClusterChange,
  type ClusterMatrix,
  type ClusterMember,
  type Link,
  LinkState,
  MemberState,
} from '../../../core/wire/generated/engram/v1/cluster.js';
import { clusterService } from '../../grpc/service-definitions.js';
import { exitCodes, type Output } from '../output.js';
import { type GlobalOptions, isGiven, outputOf, usageError } from '../session.js';
import { changeJson, changeText, linkName, type MatrixCell, matrixText, membersJson, membersText } from './cluster-text.js';
import { type AddClusterCommand, addControlCommands } from './control-commands.js';
import { addMoveCommands } from './move-commands.js';
import { ask, askAny, ClusterWatch, nobodyAnswers } from './node-questions.js';
import { addSpaceCommands } from './space-commands.js';

/** A watched node that is gone is replaced by another one within this time, or the command ends. */
const reconnectMsMax = 10_000;
const reconnectEveryMs = 200;
/** Nodes are asked for their links so many at a time. */
const askedAtOnce = 16;

const help = `
Examples:
  $ engram --server localhost:50051 cluster members
  $ engram --server localhost:50051 cluster spaces           who takes writes, how far copies lag
  $ engram --server localhost:50051 cluster add n4
  $ engram --server localhost:50051 cluster watch            until Ctrl-C
  $ engram --server localhost:50051 --json cluster watch | jq -c 'select(.kind == "member") | [.name, .before, .state]'
`;

export function addClusterCommands(root: Command, end: (exitCode: number) => void): void {
  const cluster = root
    .command('cluster')
    .description('who is in the cluster, who reaches whom, where spaces live, and what changes; make and change it')
    .addHelpText('after', help);
  const add: AddClusterCommand = (command, action) => {
    command.action(async (...given: unknown[]) => {
      const self = given.at(-1) as Command;
      end(await action(serversOf(self), outputOf(self), self));
    });
    command.copyInheritedSettings(root).configureHelp({ showGlobalOptions: true });
  };
  const command = (name: string, description: string): Command => cluster.command(name).description(description);
  add(command('members', 'the members as the first node that answers sees them'), members);
  add(command('matrix', 'who has heard whom of late, asked of every node: an asymmetric link shows as one'), matrix);
  add(command('watch', 'the members, then every change as it is noticed, until Ctrl-C'), watch);
  addControlCommands(cluster, add);
  addMoveCommands(cluster, add);
  addSpaceCommands(root, add);
}

function serversOf(command: Command): readonly string[] {
  const { server } = command.optsWithGlobals<GlobalOptions>();
  if (isGiven(command, 'dataDir')) return usageError(command, 'a data directory has no cluster: name a node with --server');
  return server ?? usageError(command, 'name a node of the cluster with --server host:port, or in ENGRAM_SERVER');
}

async function members(servers: readonly string[], output: Output): Promise<number> {
  const found = await askAny(servers, clusterService.getMembers);
  output.answer(membersJson(found), () => membersText(output, found));
  return exitCodes.ok;
}

async function matrix(servers: readonly string[], output: Output): Promise<number> {
  const first = await askAny(servers, clusterService.getMatrix);
  const all = (first.members?.members ?? []).filter(({ state }) => state !== MemberState.LEFT);
  const others = all.filter(({ self, address, state }) => !self && address !== '' && state !== MemberState.DEAD);
  const answers: ClusterMatrix[] = [first];
  const silent: string[] = [];
  for (let at = 0; at < others.length; at += askedAtOnce) {
    const asked = others.slice(at, at + askedAtOnce).map(async ({ address, name }) => {
      const answer = await ask(address, clusterService.getMatrix, {}).catch(() => null);
      if (answer === null) silent.push(name);
      else answers.push(answer);
    });
    await Promise.all(asked);
  }
  const links = answers.flatMap((answer) => answer.links);
  const cells = all.flatMap((from) => all.filter((to) => to !== from).map((to) => cellOf(from, to, links)));
  if (silent.length > 0) output.remark(`not answered by ${silent.sort().join(', ')}: of their links only what others say is known`);
  const json = {
    cluster: first.members?.cluster,
    nodes: all.map(({ nodeId, name }) => ({ nodeId, name })),
    links: cells.map(({ from, to, state }) => ({
      from: from.name,
      to: to.name,
      fromNodeId: from.nodeId,
      toNodeId: to.nodeId,
      state: linkName(state),
    })),
    silent,
  };
  output.answer(json, () => matrixText(output, all, cells));
  return exitCodes.ok;
}

/** Whether something arrives, its receiver knows best; then its sender; then whoever says that it does not. */
function cellOf(from: ClusterMember, to: ClusterMember, links: readonly Link[]): MatrixCell {
  const fitting = links.filter(({ fromNodeId, toNodeId, state }) => {
    return fromNodeId === from.nodeId && toNodeId === to.nodeId && state !== LinkState.LINK_STATE_UNSPECIFIED;
  });
  const by = (nodeId: string): Link | undefined => fitting.find(({ toldByNodeId }) => toldByNodeId === nodeId);
  const best = by(to.nodeId) ?? by(from.nodeId) ?? fitting[0];
  return { from, to, state: best?.state ?? LinkState.LINK_STATE_UNSPECIFIED };
}

async function watch(servers: readonly string[], output: Output): Promise<number> {
  let candidates = servers;
  let current: ClusterWatch | null = null;
  let stopped = false;
  const stop = (): void => {
    stopped = true;
    current?.close();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
  // Whoever reads the output may have had enough.
  process.stdout.once('error', stop);
  let brokenAtMs: number | null = null;
  const failures = new Map<string, string>();
  for (let at = 0; !stopped; at += 1) {
    const server = candidates[at % candidates.length] as string;
    let heardAny = false;
    current = new ClusterWatch(server, (change) => {
      heardAny = true;
      print(output, change);
      if (change.change?.$case === 'snapshot') candidates = withOthers(servers, change.change.value.members);
    });
    const reason = await current.ended;
    if (stopped) break;
    failures.set(server, reason);
    if (heardAny) {
      output.remark(`${server}: ${reason}; asking another node`);
      brokenAtMs = performance.now();
    }
    // Before the first answer each server is asked once; afterwards the cluster gets some time.
    const isOver = brokenAtMs === null ? at + 1 >= servers.length : performance.now() - brokenAtMs > reconnectMsMax;
    if (isOver) throw nobodyAnswers([...failures].map(([address, why]) => `${address}: ${why}`));
    if (brokenAtMs !== null) await new Promise((resolve) => setTimeout(resolve, reconnectEveryMs));
  }
  return exitCodes.ok;
}

function print(output: Output, change: ClusterChange): void {
  const value = changeJson(change);
  if (value !== null) output.answer(value, () => changeText(output, change));
}

function withOthers(servers: readonly string[], members: readonly ClusterMember[]): readonly string[] {
  const live = members.filter(({ state }) => state === MemberState.ALIVE).map(({ address }) => address);
  return [...new Set([...servers, ...live.filter((address) => address !== '')])];
}
