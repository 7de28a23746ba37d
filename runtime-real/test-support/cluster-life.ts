/**
 * What a cluster goes through in its life, as real processes under load: whoever is primary is killed again and again, a node is added, another one taken out in good
 * order. Writers write all the while, a reader asks every space in turn; at the end the copies of each space have to be equal, and every write that was acknowledged is
 * read back.
 *
 * Nothing is asserted here: what happened is returned, with timings in milliseconds. A benchmark prints it, a test judges it.
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Failure } from '../../core/wire/generated/engram/v1/service.js';
import { askNode } from '../grpc/ask-node.js';
import { type Answered, type Asked, clusterService } from '../grpc/service-definitions.js';
import { connectEngram, type Engram, type Space } from '../index.js';
import { freeMembers, type NodeProcess, startNode } from '../node-processes.js';
import { equalCopies, withEachAlone } from './equal-copies.js';

export interface LifeOptions {
  /** Data of the nodes goes below it; the caller removes it. */
  readonly folder: string;
  readonly kills: number;
  readonly spaces: number;
  /** After each restart; 0: the next kill comes as soon as the node serves again. */
  readonly restMs: number;
  /** Of Node.js, for each node. */
  readonly runtimeFlags?: readonly string[];
  /** Hears what is being done. */
  readonly tell?: (text: string) => void;
}

export interface FailoverTime {
  /** Until another primary acknowledged a write, and until one did that the control log had confirmed. */
  readonly anyMs: number;
  readonly confirmedMs: number;
}

export interface Life {
  readonly failovers: readonly FailoverTime[];
  /** From the request to let it in, until nothing is left to be moved to it; and how many copies it holds then. */
  readonly joined: { readonly ms: number; readonly copies: number };
  /** From the request to drain it, until it was no member any more; and how many copies it had held. */
  readonly left: { readonly ms: number; readonly copies: number };
  readonly acknowledged: number;
  /** Writes that nobody acknowledged in time: they may be there or not. */
  readonly unknown: number;
  /** Acknowledged writes that cannot be read at the end, or read otherwise than they were written. */
  readonly lost: readonly string[];
  readonly reads: number;
  /** Reads that had no answer within `readMsMax`: at that time the space had no copy that served. */
  readonly unansweredReads: number;
  readonly longestWriteMs: number;
  readonly longestReadMs: number;
}

export const nodesAtFirst = 5;
export const readMsMax = 5_000;
const replicationFactor = 3;
const writersAtOnce = 4;
/** Between two writes of a writer, and two reads: a load that leaves two processor cores some time. */
const writePauseMs = 10;
const readPauseMs = 20;
/** Beyond it the cluster is broken, and the run ends with the error of whoever waited. */
const patienceMs = 60_000;
const lookEveryMs = 50;
/** Read back so many at once. */
const readBackAtOnce = 64;

type Asking = 'rebalance' | 'drain' | 'removeNode' | 'addNode' | 'getControl';

class Fleet {
  readonly nodes = new Map<string, NodeProcess>();
  readonly #options: LifeOptions;
  #members: string[] = [];

  constructor(options: LifeOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#members = await freeMembers(nodesAtFirst);
    await Promise.all(this.#members.map((member) => this.restart(member.split('=')[0] as string)));
  }

  async restart(name: string): Promise<void> {
    const { folder, runtimeFlags = [] } = this.#options;
    this.nodes.set(name, await startNode({ name, members: this.#members, dataDir: join(folder, name), runtimeFlags }));
  }

  /** A node that is on nobody's list: it is told of one member, and let in by name. */
  async add(name: string): Promise<NodeProcess> {
    const { folder, runtimeFlags = [] } = this.#options;
    const [first] = this.nodes.values();
    const { membership } = await (first as NodeProcess).logged('node.listening');
    const node = await startNode({
      name,
      dataDir: join(folder, name),
      runtimeFlags,
      flags: ['--cluster-mode', 'cluster'],
      environment: { ENGRAM_CLUSTER_SEEDS: String(membership) },
      until: 'node.listening',
    });
    this.nodes.set(name, node);
    succeed((await this.ask('addNode', { name, address: node.address }, name)).failure);
    await node.logged('node.serving');
    return node;
  }

  async kill(name: string): Promise<void> {
    const node = this.nodes.get(name) as NodeProcess;
    node.kill('SIGKILL');
    await node.exited;
  }

  /** Asks any node but the one that it is about. */
  async ask<Name extends Asking>(method: Name, request: Asked<Name>, about = ''): Promise<Answered<Name>> {
    const node = [...this.nodes.values()].find(({ name }) => name !== about) as NodeProcess;
    const question = { method: clusterService[method], request, deadlineMs: patienceMs };
    return askNode(node.address, question as unknown as Parameters<typeof askNode>[1]) as Promise<Answered<Name>>;
  }

  /** Rows that name the node, or that a copy is on its way to. */
  async copiesOf(nodeId: string, about: string): Promise<number> {
    const { rows } = await this.ask('getControl', { withoutRows: false }, about);
    return rows.filter(({ copies, move }) => copies.includes(nodeId) || move?.toNodeId === nodeId).length;
  }

  async end(): Promise<void> {
    await Promise.all([...this.nodes.values()].map((node) => node.stop()));
  }
}

/** Writes and reads until it is told to stop. */
class Load {
  readonly acknowledged: { readonly space: string; readonly id: string }[] = [];
  unknown = 0;
  reads = 0;
  unansweredReads = 0;
  longestWriteMs = 0;
  longestReadMs = 0;
  readonly #spaces: readonly Space[];
  readonly #work: readonly Promise<void>[];
  #isStopped = false;

  constructor(engram: Engram, reader: Engram, spaces: readonly string[]) {
    this.#spaces = spaces.map((name) => engram.space(name));
    const readFrom = spaces.map((name) => reader.space(name));
    this.#work = [...Array.from({ length: writersAtOnce }, (_, writer) => this.#write(writer)), this.#read(readFrom)];
  }

  async #write(writer: number): Promise<void> {
    for (let count = 0; !this.#isStopped; count += 1) {
      const space = this.#spaces[(writer + count) % this.#spaces.length] as Space;
      const id = `w${writer}-${count}`;
      const sinceMs = performance.now();
      const written = await space.remember({ id, text: `text of ${id}`, embed: false }).catch(() => null);
      this.longestWriteMs = Math.max(this.longestWriteMs, performance.now() - sinceMs);
      if (written === null) this.unknown += 1;
      else this.acknowledged.push({ space: space.name, id });
      await wait(writePauseMs);
    }
  }

  async #read(spaces: readonly Space[]): Promise<void> {
    for (let count = 0; !this.#isStopped; count += 1) {
      const sinceMs = performance.now();
      const isAnswered = await (spaces[count % spaces.length] as Space).get('probe').then(
        () => true,
        () => false,
      );
      this.reads += 1;
      if (!isAnswered) this.unansweredReads += 1;
      this.longestReadMs = Math.max(this.longestReadMs, performance.now() - sinceMs);
      await wait(readPauseMs);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#work);
  }
}

export async function clusterLife(options: LifeOptions): Promise<Life> {
  const { kills, spaces, restMs, tell = () => {} } = options;
  const names = Array.from({ length: spaces }, (_, at) => `life-${at + 1}`);
  const fleet = new Fleet(options);
  const clients: Engram[] = [];
  try {
    await fleet.start();
    const servers = [...fleet.nodes.values()].map(({ address }) => address);
    const connect = async (deadlineMs: number): Promise<Engram> => {
      const client = await connectEngram({ servers, deadlineMs });
      clients.push(client);
      return client;
    };
    const [engram, prober, reader] = [await connect(patienceMs), await connect(patienceMs), await connect(readMsMax)];
    for (const name of names) await confirmedWrite(prober.space(name), null);
    const load = new Load(engram, reader, names);

    const failovers: FailoverTime[] = [];
    for (let count = 0; count < kills; count += 1) {
      const space = prober.space(names[count % names.length] as string);
      const primary = await confirmedWrite(space, null);
      failovers.push(await killed(fleet, primary, space));
      tell(`kill ${count + 1} of ${kills}: ${primary}, ${Math.round(failovers.at(-1)?.confirmedMs ?? 0)} ms`);
      await fleet.restart(primary);
      await wait(restMs);
    }
    const added = `n${nodesAtFirst + 1}`;
    const joined = await joinedUnderLoad(fleet, added);
    tell(`${added} joined in ${Math.round(joined.ms)} ms and holds ${joined.copies} copies`);
    const gone = 'n2';
    const left = await decommissioned(fleet, gone);
    tell(`${gone} left in ${Math.round(left.ms)} ms, ${left.copies} copies`);
    await load.stop();
    const lost = await lostOf(fleet, { names, engram, acknowledged: load.acknowledged });
    const { acknowledged, unknown, reads, unansweredReads, longestWriteMs, longestReadMs } = load;
    return {
      failovers,
      joined,
      left,
      acknowledged: acknowledged.length,
      unknown,
      lost,
      reads,
      unansweredReads,
      longestWriteMs,
      longestReadMs,
    };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await fleet.end();
  }
}

/** Writes until a confirmed primary other than `gone` acknowledges; says who. */
async function confirmedWrite(space: Space, gone: string | null, any: () => void = () => {}): Promise<string> {
  for (let count = 0; ; count += 1) {
    const { answeredBy } = await space.remember({ id: 'probe', text: `probe ${count}`, embed: false });
    if (answeredBy.nodeName === gone) continue;
    any();
    if (answeredBy.confirmed) return answeredBy.nodeName;
  }
}

async function killed(fleet: Fleet, primary: string, space: Space): Promise<FailoverTime> {
  const sinceMs = performance.now();
  const gone = fleet.kill(primary);
  let anyMs: number | null = null;
  await confirmedWrite(space, primary, () => {
    anyMs ??= performance.now() - sinceMs;
  });
  const confirmedMs = performance.now() - sinceMs;
  await gone;
  return { anyMs: anyMs ?? confirmedMs, confirmedMs };
}

async function joinedUnderLoad(fleet: Fleet, name: string): Promise<Life['joined']> {
  const sinceMs = performance.now();
  const node = await fleet.add(name);
  for (;;) {
    const { failure, steps, moves } = await fleet.ask('rebalance', { action: 0, forwarded: false }, name);
    const copies = await fleet.copiesOf(node.nodeId, name);
    if (failure === undefined && steps.length === 0 && moves.length === 0 && copies > 0) return { ms: performance.now() - sinceMs, copies };
    await wait(lookEveryMs);
  }
}

async function decommissioned(fleet: Fleet, name: string): Promise<Life['left']> {
  const node = fleet.nodes.get(name) as NodeProcess;
  const copies = await fleet.copiesOf(node.nodeId, name);
  const sinceMs = performance.now();
  succeed((await fleet.ask('drain', { nodeId: name, undo: false }, name)).failure);
  while ((await fleet.copiesOf(node.nodeId, name)) > 0) await wait(lookEveryMs);
  succeed((await fleet.ask('removeNode', { nodeId: name, force: false }, name)).failure);
  const ms = performance.now() - sinceMs;
  await node.stop();
  fleet.nodes.delete(name);
  return { ms, copies };
}

interface ReadBack {
  readonly names: readonly string[];
  readonly engram: Engram;
  readonly acknowledged: Load['acknowledged'];
}

/** Waits until the copies of each space are equal, and reads everything that was acknowledged. */
async function lostOf(fleet: Fleet, { names, engram, acknowledged }: ReadBack): Promise<string[]> {
  await withEachAlone([...fleet.nodes.values()], async (alone) => {
    for (const space of names) await equalCopies(alone, { space, copies: replicationFactor });
  });
  const lost: string[] = [];
  for (let at = 0; at < acknowledged.length; at += readBackAtOnce) {
    const some = acknowledged.slice(at, at + readBackAtOnce);
    const found = await Promise.all(some.map(({ space, id }) => engram.space(space).get(id)));
    for (const [position, { space, id }] of some.entries()) if (found[position]?.text !== `text of ${id}`) lost.push(`${space}/${id}`);
  }
  return lost;
}

function succeed(failure: Failure | undefined): void {
  if (failure !== undefined) throw new Error(`${failure.code}: ${failure.message}; ${failure.hint}`);
}
