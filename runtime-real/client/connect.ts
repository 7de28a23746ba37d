/** The client of a cluster: the same Engram as in embedded mode, over gRPC. */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { EngramError } from '../../core/errors.js';
import { createPureFunctions } from '../pure-functions.js';
import type { ClientWorld } from './client-world.js';
import { ClusterTransport } from './cluster-transport.js';
import { type ConnectOptions, checkConnectOptions } from './connect-options.js';
import { ngramEmbedder } from './embedder.js';
import { type Engram, EngramClient } from './engram.js';
import { MemberDirectory } from './member-directory.js';
import { NodeConnection } from './node-connection.js';
import { backOffMs } from './retry-policy.js';

const deadlineMsDefault = 10_000;
const connectMsDefault = 5_000;
const callsInFlightMaxDefault = 8_192;
/** One node's answer to the first question. */
const helloMsMax = 2_000;

const realWorld: ClientWorld = {
  connect: (address, options) => new NodeConnection(address, options),
  nowMs: () => performance.now(),
  wait,
  chance: Math.random,
  requestId: () => randomBytes(16),
};

/**
 * Connects to a cluster (or one node) and resolves as soon as one of the servers has answered. Rejects with UNAVAILABLE, naming each server and what is
 * wrong with it. Close it when done: its connections keep the process alive. `world` is for tests: another than the real one.
 */
export async function connectEngram(options: ConnectOptions, world: ClientWorld = realWorld): Promise<Engram> {
  checkConnectOptions(options);
  const servers = [...new Set(options.servers)];
  const directory = new MemberDirectory(servers, world, {
    callsInFlightMax: options.callsInFlightMax ?? callsInFlightMaxDefault,
    learnsMembers: options.learnMembers ?? true,
  });
  try {
    await firstAnswer(directory, world, options.connectMs ?? connectMsDefault);
  } catch (error) {
    await directory.close();
    throw error;
  }
  const transport = new ClusterTransport(directory, {
    world,
    target: servers.join(', '),
    deadlineMs: options.deadlineMs ?? deadlineMsDefault,
  });
  const embedder = options.embedder === undefined ? ngramEmbedder() : options.embedder;
  return new EngramClient({ transport, embedder, pure: await createPureFunctions() });
}

/** Asks all servers at once, again and again, until one answers or the time is over. */
async function firstAnswer(directory: MemberDirectory, world: ClientWorld, connectMs: number): Promise<void> {
  const untilMs = world.nowMs() + connectMs;
  for (let rounds = 0; ; rounds += 1) {
    const given = [...directory.nodes()];
    const errors: EngramError[] = [];
    const asked = given.map(async (node) => {
      try {
        directory.take(node, await node.connection.health(helloMsMax));
      } catch (error) {
        directory.failed(node);
        errors.push(error as EngramError);
        throw error;
      }
    });
    const answered = await Promise.any(asked).then(
      () => true,
      () => false,
    );
    if (answered) return;
    const backOff = backOffMs(rounds, 0.5 + world.chance() / 2);
    if (world.nowMs() + backOff > untilMs) throw noneAnswered(errors);
    await world.wait(backOff);
  }
}

function noneAnswered(errors: readonly EngramError[]): EngramError {
  const [first] = errors as [EngramError];
  const message =
    errors.length === 1 ? first.message : `none of the servers can be reached: ${errors.map(({ message: each }) => each).join('; ')}`;
  return new EngramError('UNAVAILABLE', { message, hint: first.hint, cause: first });
}
