/**
 * The services of engram.v1 for grpc-js, by hand over the generated codecs: a test compares them with the protocol files.
 *
 * Decoding copies no payload: byte fields are views of the received message.
 */
import type { MethodDefinition } from '@grpc/grpc-js';
import { ClusterHealth, ClusterHealthRequest, PeerFrame } from '../../core/wire/generated/engram/v1/cluster.js';
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

function method<In, Out>(path: string, input: Codec<In>, output: Codec<Out>, isStream: boolean): MethodDefinition<In, Out> {
  return {
    path,
    requestStream: isStream,
    responseStream: isStream,
    requestSerialize: serialized(input),
    requestDeserialize: (buffer) => input.decode(plainBytes(buffer)),
    responseSerialize: serialized(output),
    responseDeserialize: (buffer) => output.decode(plainBytes(buffer)),
  };
}

const engram = '/engram.v1.EngramService/';
const cluster = '/engram.v1.ClusterService/';
const unary = (name: string): MethodDefinition<Request, Reply> => method(`${engram}${name}`, Request, Reply, false);

export const engramService = {
  remember: unary('Remember'),
  rememberBatch: unary('RememberBatch'),
  update: unary('Update'),
  get: unary('Get'),
  forget: unary('Forget'),
  recall: unary('Recall'),
  status: unary('Status'),
  stream: method(`${engram}Stream`, CallFrame, AnswerFrame, true),
} as const;

export const clusterService = {
  exchange: method(`${cluster}Exchange`, PeerFrame, PeerFrame, true),
  getClusterHealth: method(`${cluster}GetClusterHealth`, ClusterHealthRequest, ClusterHealth, false),
} as const;

export const engramServiceName = 'engram.v1.EngramService';
export const clusterServiceName = 'engram.v1.ClusterService';
/** Initial metadata of every answer: who answers. */
export const nodeIdMetadata = 'x-engram-node-id';
