/**
 * The gRPC server of a node: EngramService and ClusterService, standard health and reflection.
 *
 * It listens before the node has read its log, so that a port in use is known at once and health can be asked for; requests are taken from `serve` on.
 */
import { fileURLToPath } from 'node:url';
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import type { PeerFrame } from '../../core/wire/generated/engram/v1/cluster.js';
import type { AnswerFrame, CallFrame, Reply, Request } from '../../core/wire/generated/engram/v1/service.js';
import { withPort } from '../config/addresses.js';
import { CallStream } from './call-stream.js';
import { cannotListen } from './cannot-listen.js';
import { serverOptions } from './channel-options.js';
import { ClusterCalls, type ClusterSource, type ControlSource } from './cluster-calls.js';
import { widenConnectionWindows, widenStreamWindows } from './flow-control.js';
import type { RequestGate } from './request-gate.js';
import { clusterService, clusterServiceName, engramService, engramServiceName, nodeIdMetadata } from './service-definitions.js';
import { answerUnary, notStartedYet, type RequestKind } from './unary-call.js';

const protocolRoot = fileURLToPath(new URL('../../core/wire/proto', import.meta.url));
const protocolFiles = ['engram/v1/service.proto', 'engram/v1/cluster.proto'];
/** How long connections are left open after the last answer has been handed to them. */
const farewellMs = 200;
const servedNames = ['', engramServiceName, clusterServiceName];

/** What the server serves, once there is a node. */
export interface Served {
  readonly gate: RequestGate;
  readonly cluster: ClusterSource;
  readonly control: ControlSource;
  /** Takes over the stream that a peer has opened for its messages. */
  readonly exchange: (stream: ServerDuplexStream<PeerFrame, PeerFrame>) => void;
}

export class NodeServer {
  readonly #server = new Server(serverOptions);
  readonly #health = new HealthImplementation(Object.fromEntries(servedNames.map((name) => [name, 'NOT_SERVING'])));
  readonly #streams = new Set<CallStream>();
  readonly #clusterCalls = new ClusterCalls();
  #served: Served | null = null;
  #unaryUnderWay = 0;
  #noUnaryLeft: () => void = () => {};
  /** The address that it listens on, with the port that it got. */
  address = '';

  constructor() {
    widenStreamWindows(this.#server);
    this.#server.addService(engramService as unknown as ServiceDefinition, {
      ...Object.fromEntries(unaryKinds.map((kind) => [kind, this.#unary(kind)])),
      stream: this.#stream(),
    });
    this.#server.addService(clusterService as unknown as ServiceDefinition, {
      exchange: this.#exchange(),
      ...this.#clusterCalls.handlers,
    });
    this.#health.addToServer(this.#server);
    const packages = loadSync(protocolFiles, { includeDirs: [protocolRoot], keepCase: true, longs: String });
    new ReflectionService(packages).addToServer(this.#server);
  }

  /** Binds the address, `host:port`. Rejects with what holds it, when it is taken. */
  async listen(address: string): Promise<void> {
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    }).catch((error: Error) => {
      throw cannotListen(address, error, 'node.listen');
    });
    widenConnectionWindows(this.#server);
    this.address = withPort(address, port);
  }

  /** From here on there is a node to ask. Health says so with `setServing`. */
  serve(served: Served): void {
    this.#served = served;
    this.#clusterCalls.serve(served.cluster, served.control, this.#metadata(served));
  }

  setServing(isServing: boolean): void {
    for (const name of servedNames) this.#health.setStatus(name, isServing ? 'SERVING' : 'NOT_SERVING');
  }

  /** Accepts nothing more, lets what is under way be answered for at most `drainMs`, and closes all connections. Says whether all was answered. */
  async close(drainMs: number): Promise<boolean> {
    this.setServing(false);
    this.#clusterCalls.close();
    const ended = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    const answered = Promise.all([...[...this.#streams].map((stream) => stream.drain()), this.#unaryAnswered()]);
    const drained = await within(drainMs, answered);
    // Streams of peers and watches of health never end by themselves: they get a moment to see what was sent, and are cut.
    if (drained) await within(farewellMs, ended);
    this.#server.forceShutdown();
    return drained;
  }

  #unaryAnswered(): Promise<void> {
    if (this.#unaryUnderWay === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#noUnaryLeft = resolve;
    });
  }

  #unary(kind: RequestKind): handleUnaryCall<Request, Reply> {
    return (call, done) => {
      if (this.#served === null) return done(notStartedYet);
      call.sendMetadata(this.#metadata(this.#served));
      this.#unaryUnderWay += 1;
      answerUnary(this.#served.gate, kind, call, (error, reply) => {
        done(error, reply);
        this.#unaryUnderWay -= 1;
        if (this.#unaryUnderWay === 0) this.#noUnaryLeft();
      });
    };
  }

  #stream(): handleBidiStreamingCall<CallFrame, AnswerFrame> {
    return (call) => {
      if (this.#served === null) return void call.emit('error', notStartedYet);
      call.sendMetadata(this.#metadata(this.#served));
      const stream = new CallStream(call, this.#served.gate);
      this.#streams.add(stream);
      call.on('close', () => this.#streams.delete(stream));
    };
  }

  #exchange(): handleBidiStreamingCall<PeerFrame, PeerFrame> {
    return (call) => {
      if (this.#served === null) return void call.emit('error', notStartedYet);
      call.sendMetadata(this.#metadata(this.#served));
      this.#served.exchange(call);
    };
  }

  #metadata({ gate }: Served): Metadata {
    const metadata = new Metadata();
    metadata.set(nodeIdMetadata, gate.nodeId);
    return metadata;
  }
}

/** Whether the promise resolved in that time. */
async function within(ms: number, promise: Promise<unknown>): Promise<boolean> {
  let timeout: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timeout = setTimeout(() => resolve(false), ms);
  });
  const inTime = await Promise.race([promise.then(() => true as const), late]);
  clearTimeout(timeout);
  return inTime;
}

const unaryKinds: readonly RequestKind[] = ['remember', 'rememberBatch', 'update', 'get', 'forget', 'recall', 'status'];
