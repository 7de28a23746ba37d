/** `engram cluster init|add|remove|recover|settings|spaces|rows|log`: what operators do with the control log. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { acknowledgementLevels, partitionPolicies } from '../../../core/control/entries.js';
import { EngramError } from '../../../core/errors.js';
import type { ChangeSettingsRequest } from '../../../core/wire/generated/engram/v1/cluster.js';
import type { Failure } from '../../../core/wire/generated/engram/v1/service.js';
import { addressPattern } from '../../config/addresses.js';
import { clusterService } from '../../grpc/service-definitions.js';
import { exitCodes, type Output } from '../output.js';
import { usageError } from '../session.js';
import { clusterKnown } from './control-reports.js';
import { logJson, logText, recoveredText, rowsText, spacesJson, spacesText, statusJson, statusText } from './control-text.js';
import { answerMsMax, askAnyFor, changeMsMax } from './node-questions.js';
import { copiesShortage, holdersOf } from './shortage-text.js';

const copiesMost = 7;

export type AddClusterCommand = (
  command: Command,
  action: (servers: readonly string[], output: Output, self: Command) => Promise<number>,
) => void;

export function addControlCommands(cluster: Command, add: AddClusterCommand): void {
  const command = (name: string, description: string): Command => cluster.command(name).description(description);
  add(command('init', 'make a cluster of the asked node, once; others are let in with add'), init);
  add(
    command('add', 'let a node in that runs and belongs to no cluster')
      .argument('<node>', 'its name or node id')
      .option('--address <host:port>', 'where it is, if the asked node has not heard of it', parseAddress),
    addNode,
  );
  add(
    command('remove', 'take a node out for good: it votes no more, and is no member')
      .argument('<node>', 'its name or node id')
      .option('--force', 'although it holds copies: each of its spaces has one copy less until it is filled up', false),
    removeNode,
  );
  add(
    command('recover', 'a majority of voters is gone for good: go on with what the asked node knows').option(
      '--accept-risk',
      'those who are gone may have acknowledged what the asked node has never heard of',
      false,
    ),
    recover,
  );
  add(
    command('settings', 'what is chosen for the whole cluster; with options, change it')
      .option('--replication-factor <copies>', `copies of each space, 1 to ${copiesMost}`, parseCopies)
      .addOption(new Option('--partition-policy <policy>', 'what sides of a cut take').choices(partitionPolicies))
      .addOption(new Option('--ack-default <level>', 'of writes that ask for none').choices(acknowledgementLevels)),
    settings,
  );
  add(command('status', 'the cluster at a glance: who leads, who votes and answers, how many spaces have a confirmed primary'), status);
  add(command('spaces', 'spaces: who takes writes, confirmed or not, memories, and how far copies lag'), spaces);
  add(command('rows', 'where each copy lives, by the control log, and how far it lags; moves under way'), rows);
  add(command('log', 'the control log on each node: role, term, who votes, how far it has come'), log);
}

function parseAddress(text: string): string {
  if (addressPattern.test(text)) return text;
  throw new InvalidArgumentError('An address host:port is needed.');
}

function parseCopies(text: string): number {
  const copies = Number(text);
  if (/^\d+$/.test(text) && copies >= 1 && copies <= copiesMost) return copies;
  throw new InvalidArgumentError(`A whole number from 1 to ${copiesMost} is needed.`);
}

function succeed(failure: Failure | undefined): void {
  if (failure !== undefined) throw EngramError.fromFailure(failure);
}

async function init(servers: readonly string[], output: Output, self: Command): Promise<number> {
  if (servers.length > 1) usageError(self, 'name the one node that makes the cluster with --server');
  const { failure, clusterId } = await askAnyFor(servers, { method: clusterService.init, request: {}, deadlineMs: changeMsMax });
  succeed(failure);
  output.answer({ clusterId }, () => `the cluster ${clusterId} is made; let other nodes in with engram cluster add NODE`);
  return exitCodes.ok;
}

async function addNode(servers: readonly string[], output: Output, self: Command): Promise<number> {
  const [name] = self.args as [string];
  const { address = '' } = self.opts<{ address?: string }>();
  const question = { method: clusterService.addNode, request: { name, address }, deadlineMs: changeMsMax };
  const { failure, nodeId, index } = await askAnyFor(servers, question);
  succeed(failure);
  output.answer({ name, nodeId, index }, () => `${name} (${nodeId}) is a member, by entry ${index}; it votes once it has learnt the log`);
  return exitCodes.ok;
}

async function removeNode(servers: readonly string[], output: Output, self: Command): Promise<number> {
  const [name] = self.args as [string];
  const { force } = self.opts<{ force: boolean }>();
  const question = { method: clusterService.removeNode, request: { nodeId: name, force }, deadlineMs: changeMsMax };
  const { failure, nodeId, index } = await askAnyFor(servers, question);
  succeed(failure);
  output.answer({ name, nodeId, index }, () => `${name} (${nodeId}) is no member any more, by entry ${index}`);
  return exitCodes.ok;
}

async function recover(servers: readonly string[], output: Output, self: Command): Promise<number> {
  if (servers.length > 1)
    usageError(self, 'name the one node whose knowledge is to count with --server: the one that has applied the most (cluster log)');
  const { acceptRisk } = self.opts<{ acceptRisk: boolean }>();
  const question = { method: clusterService.recover, request: { acceptRisk }, deadlineMs: changeMsMax };
  const { failure, ...begun } = await askAnyFor(servers, question);
  succeed(failure);
  output.answer(begun, () => recoveredText(begun));
  return exitCodes.ok;
}

async function settings(servers: readonly string[], output: Output, self: Command): Promise<number> {
  const { replicationFactor, partitionPolicy, ackDefault } = self.opts<{
    replicationFactor?: number;
    partitionPolicy?: string;
    ackDefault?: string;
  }>();
  const request: ChangeSettingsRequest = { replicationFactor, partitionPolicy, acknowledgement: ackDefault };
  const { failure, settings: chosen } = await askAnyFor(servers, {
    method: clusterService.changeSettings,
    request,
    deadlineMs: changeMsMax,
  });
  succeed(failure);
  const report = await askAnyFor(servers, { method: clusterService.getControl, request: { withoutRows: true }, deadlineMs: answerMsMax });
  const nodes = holdersOf(report);
  const shortage = copiesShortage({ copies: chosen?.replicationFactor ?? 1, nodes });
  if (shortage !== null) output.remark(shortage);
  const text = (): string =>
    `replication factor ${chosen?.replicationFactor}, partition policy ${chosen?.partitionPolicy}, ack ${chosen?.acknowledgement}`;
  output.answer({ ...chosen, nodes, shortage }, text);
  return exitCodes.ok;
}

async function spaces(servers: readonly string[], output: Output): Promise<number> {
  const known = await clusterKnown(servers, false);
  output.answer(spacesJson(known), () => spacesText(output, known));
  return exitCodes.ok;
}

async function rows(servers: readonly string[], output: Output): Promise<number> {
  const known = await clusterKnown(servers, false);
  output.answer(spacesJson(known), () => rowsText(output, known));
  return exitCodes.ok;
}

async function status(servers: readonly string[], output: Output): Promise<number> {
  const known = await clusterKnown(servers, false);
  output.answer(statusJson(known), () => statusText(output, known));
  return exitCodes.ok;
}

async function log(servers: readonly string[], output: Output): Promise<number> {
  const known = await clusterKnown(servers, true);
  output.answer(logJson(known), () => logText(output, known));
  return exitCodes.ok;
}
