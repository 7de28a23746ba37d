/** One question to one node, on a connection of its own. */
import { Client, credentials, Metadata, type MethodDefinition } from '@grpc/grpc-js';
import { messageBytesMax } from './channel-options.js';

const channelOptions = { 'grpc.enable_http_proxy': 0, 'grpc.enable_retries': 0, 'grpc.max_receive_message_length': messageBytesMax };

export interface Question<In extends object, Out> {
  readonly method: MethodDefinition<In, Out>;
  readonly request: In;
  readonly deadlineMs: number;
}

/** Rejects with what the transport said. */
export function askNode<In extends object, Out>(address: string, { method, request, deadlineMs }: Question<In, Out>): Promise<Out> {
  const client = new Client(address, credentials.createInsecure(), channelOptions);
  const answer = new Promise<Out>((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new Metadata(),
      { deadline: Date.now() + deadlineMs },
      (error, value) => (error === null && value !== undefined ? resolve(value) : reject(error)),
    );
  });
  return answer.finally(() => client.close());
}
