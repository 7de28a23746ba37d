/**
 * The services of engram.v1 for grpc-js, by hand over the generated codecs: a test compares them with the protocol files.
 *
 * Decoding copies no payload: byte fields are views of the received message.
 */
import type { MethodDefinition } from '@grpc/grpc-js';
import {
  AddNodeAnswer,
  AddNodeRequest,
  ChangeSettingsAnswer,
  ChangeSettingsRequest,
  ClusterChange,
  ClusterHealth,
  ClusterHealthRequest,
  ClusterMatrix,
  ClusterMembers,
  ControlReport,
  ControlRequest,
  DrainAnswer,
  DrainRequest,
  InitAnswer,
  InitRequest,
  MatrixRequest,
  MembershipExchange,
  MembersRequest,
  MigrateAnswer,
  MigrateRequest,
  PeerFrame,
  ProposeAnswer,
  ProposeRequest,
  RebalanceAnswer,
  RebalanceRequest,
  Receipts,
  ReceiptsRequest,
  RecoverAnswer,
  RecoverRequest,
  RemoveNodeAnswer,
  RemoveNodeRequest,
  WatchRequest,
} from '../../core/wire/generated/engram/v1/cluster.js';
import { AnswerFrame, CallFrame, Reply, Request } from '../../core/wire/generated/engram/v1/service.js';

interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

/** Plain Uint8Arrays: `slice` of a Buffer is a view, and the core relies on its being a copy. */
export function plainBytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

function serialized<Message>(codec: Codec<Message>): (message: Message) => Buffer {
  return (message) => {
    const bytes = codec.encode(message).finish();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

type Shape = 'unary' | 'answers stream' | 'both stream';

function method<In, Out>(path: string, input: Codec<In>, output: Codec<Out>, shape: Shape = 'unary'): MethodDefinition<In, Out> {
  return {
    path,
    requestStream: shape === 'both stream',
    responseStream: shape !== 'unary',
    requestSerialize: serialized(input),
    requestDeserialize: (buffer) => input.decode(plainBytes(buffer)),
    responseSerialize: serialized(output),
    responseDeserialize: (buffer) => output.decode(plainBytes(buffer)),
  };
}

const engram = '/engram.v1.EngramService/';
const cluster = '/engram.v1.ClusterService/';
const unary = (name: string): MethodDefinition<Request, Reply> => method(`${engram}${name}`, Request, Reply);

export const engramService = {
  remember: unary('Remember'),
  rememberBatch: unary('RememberBatch'),
  update: unary('Update'),
  get: unary('Get'),
  forget: unary('Forget'),
  recall: unary('Recall'),
  status: unary('Status'),
  stream: method(`${engram}Stream`, CallFrame, AnswerFrame, 'both stream'),
} as const;

export const clusterService = {
  exchange: method(`${cluster}Exchange`, PeerFrame, PeerFrame, 'both stream'),
  getClusterHealth: method(`${cluster}GetClusterHealth`, ClusterHealthRequest, ClusterHealth),
  getMembers: method(`${cluster}GetMembers`, MembersRequest, ClusterMembers),
  getMatrix: method(`${cluster}GetMatrix`, MatrixRequest, ClusterMatrix),
  watch: method(`${cluster}Watch`, WatchRequest, ClusterChange, 'answers stream'),
  init: method(`${cluster}Init`, InitRequest, InitAnswer),
  addNode: method(`${cluster}AddNode`, AddNodeRequest, AddNodeAnswer),
  removeNode: method(`${cluster}RemoveNode`, RemoveNodeRequest, RemoveNodeAnswer),
  changeSettings: method(`${cluster}ChangeSettings`, ChangeSettingsRequest, ChangeSettingsAnswer),
  drain: method(`${cluster}Drain`, DrainRequest, DrainAnswer),
  rebalance: method(`${cluster}Rebalance`, RebalanceRequest, RebalanceAnswer),
  migrate: method(`${cluster}Migrate`, MigrateRequest, MigrateAnswer),
  recover: method(`${cluster}Recover`, RecoverRequest, RecoverAnswer),
  propose: method(`${cluster}Propose`, ProposeRequest, ProposeAnswer),
  getControl: method(`${cluster}GetControl`, ControlRequest, ControlReport),
  getReceipts: method(`${cluster}GetReceipts`, ReceiptsRequest, Receipts),
} as const;

type ClusterMethods = typeof clusterService;
/** What is asked by a method of ClusterService, and what it answers. */
export type Asked<Name extends keyof ClusterMethods> =
  ClusterMethods[Name] extends MethodDefinition<infer Request, infer _> ? Request : never;
export type Answered<Name extends keyof ClusterMethods> =
  ClusterMethods[Name] extends MethodDefinition<infer _, infer Answer> ? Answer : never;

export const membershipService = {
  exchange: method('/engram.v1.MembershipService/Exchange', MembershipExchange, MembershipExchange),
} as const;

export const engramServiceName = 'engram.v1.EngramService';
export const clusterServiceName = 'engram.v1.ClusterService';
export const membershipServiceName = 'engram.v1.MembershipService';
/** Initial metadata of every answer: who answers. */
export const nodeIdMetadata = 'x-engram-node-id';
