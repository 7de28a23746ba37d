/** A gRPC server on loopback that answers as a test tells it to, for what a real node does only when the moment is bad. */
import { type handleUnaryCall, Metadata, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { failure } from '../../../core/errors.js';
import type { ClusterHealth, ClusterHealthRequest } from '../../../core/wire/generated/engram/v1/cluster.js';
import {
  type AnswerFrame,
  type CallFrame,
  type Reply,
  type ReplyHeader,
  type Request,
  Role,
} from '../../../core/wire/generated/engram/v1/service.js';
import { clusterService, engramService, nodeIdMetadata } from '../../grpc/service-definitions.js';

export interface ScriptedNode {
  readonly address: string;
  /** Every frame that came, in order. */
  readonly frames: CallFrame[];
  /** Every request that came, in order. */
  readonly requests: Request[];
  readonly streams: () => number;
  /** Ends all connections at once, as SIGKILL would. */
  kill(): void;
}

export interface Script {
  readonly nodeId: string;
  /** Null: it never answers. */
  readonly answer: (request: Request) => Reply | null | Promise<Reply | null>;
  readonly health?: () => Partial<ClusterHealth>;
}

type Stream = ServerDuplexStream<CallFrame, AnswerFrame>;

export async function startScriptedNode(script: Script, port = 0): Promise<ScriptedNode> {
  const server = new Server();
  const frames: CallFrame[] = [];
  const requests: Request[] = [];
  let streams = 0;
  const converse = (stream: Stream): void => {
    streams += 1;
    const metadata = new Metadata();
    metadata.set(nodeIdMetadata, script.nodeId);
    stream.sendMetadata(metadata);
    stream.on('error', () => {});
    stream.on('end', () => stream.end());
    stream.on('data', async (frame: CallFrame) => {
      frames.push(frame);
      for (const { number, request } of frame.calls) {
        if (request === undefined) continue;
        requests.push(request);
        const reply = await script.answer(request);
        if (reply !== null) stream.write({ answers: [{ number, reply }] });
      }
    });
  };
  const health: handleUnaryCall<ClusterHealthRequest, ClusterHealth> = (_call, done) =>
    done(null, {
      cluster: 'test',
      nodeId: script.nodeId,
      nodeName: script.nodeId,
      replicationFactor: 1,
      members: [],
      complete: true,
      partition: 0,
      ...script.health?.(),
    });
  server.addService({ stream: engramService.stream }, { stream: converse });
  server.addService({ getClusterHealth: clusterService.getClusterHealth }, { getClusterHealth: health });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, given) =>
      error === null ? resolve(given) : reject(error),
    );
  });
  return { address: `127.0.0.1:${bound}`, frames, requests, streams: () => streams, kill: () => server.forceShutdown() };
}

const noBytes = new Uint8Array(0);

export function replyHeader(nodeId: string, details: Partial<ReplyHeader> = {}): ReplyHeader {
  return {
    nodeId,
    nodeName: nodeId,
    role: Role.ROLE_PRIMARY,
    epoch: { generation: 0, index: 0, provisionalCounter: 1 },
    confirmed: false,
    lagRecords: 0,
    lagMs: undefined,
    sessionToken: noBytes,
    sessionSatisfied: true,
    hinted: false,
    ...details,
  };
}

/** What a healthy primary says to a write. */
export function written(nodeId: string, request: Request): Reply {
  const outcome = { version: Uint8Array.of(1), context: noBytes, duplicate: false, superseded: false };
  const { body } = request;
  if (body?.$case !== 'rememberBatch') return { header: replyHeader(nodeId), body: { $case: 'written', value: outcome } };
  const outcomes = body.value.episodes.map(() => ({ outcome: { $case: 'written', value: outcome } as const }));
  return { header: replyHeader(nodeId), body: { $case: 'writtenBatch', value: { outcomes } } };
}

export function failed(nodeId: string, ...details: Parameters<typeof failure>): Reply {
  return { header: replyHeader(nodeId, { role: Role.ROLE_REPLICA }), body: { $case: 'failure', value: failure(...details) } };
}
