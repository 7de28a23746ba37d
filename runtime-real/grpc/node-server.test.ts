/** The server itself: what it offers on a connection, health, reflection, and what it answers before there is a node. */
import { type ClientHttp2Session, connect } from 'node:http2';
import { createRequire } from 'node:module';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { service as healthService } from 'grpc-health-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { getBody, RawClient, request } from '../test-support/raw-client.js';
import { connectionWindowBytes, streamWindowBytes } from './flow-control.js';
import { NodeServer } from './node-server.js';

const server = suite('node server');
let node: NodeServer;
server.before.each(async () => {
  node = new NodeServer();
  await node.listen('127.0.0.1:0');
});
server.after.each(async () => {
  await node.close(0);
});

server('offers wide windows, on each stream and on the connection', async () => {
  const session = connect(`http://${node.address}`);
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  assert.is(session.remoteSettings.initialWindowSize, streamWindowBytes);
  await windowUpdate(session);
  assert.is(session.state.remoteWindowSize, connectionWindowBytes);
  session.destroy();
});

/** The update of the connection's window follows the settings: a ping comes back after both. */
function windowUpdate(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    session.ping((error) => (error === null ? resolve() : reject(error)));
  });
}

server('answers UNAVAILABLE before there is a node, and health says NOT_SERVING', async () => {
  const client = new RawClient(node.address);
  const error = await client.unary(request(getBody('a'))).catch((caught) => caught);
  assert.is(error.code, status.UNAVAILABLE);
  client.close();
  assert.is(await healthOf(node.address), 'NOT_SERVING');
  node.setServing(true);
  assert.is(await healthOf(node.address), 'SERVING');
});

async function healthOf(address: string): Promise<string> {
  const answer = await ask(address, healthService as unknown as Methods, 'Check', { service: '' });
  return (answer as { status: string }).status;
}

server('tells by reflection what it serves, so that tools need no protocol files', async () => {
  const protocol = loadSync(createRequire(import.meta.url).resolve('@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto'));
  const { path, requestSerialize, responseDeserialize } = (protocol['grpc.reflection.v1.ServerReflection'] as unknown as Methods)
    .ServerReflectionInfo;
  const client = new Client(node.address, credentials.createInsecure());
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
  const listed = new Promise<string[]>((resolve) => {
    stream.on('data', (answer: { listServicesResponse: { service: { name: string }[] } }) =>
      resolve(answer.listServicesResponse.service.map(({ name }) => name)),
    );
  });
  stream.write({ listServices: '' });
  const names = await listed;
  for (const name of ['engram.v1.EngramService', 'engram.v1.ClusterService']) assert.ok(names.includes(name), names.join(' '));
  stream.end();
  client.close();
});

type Methods = Readonly<
  Record<string, { path: string; requestSerialize: (message: object) => Buffer; responseDeserialize: (bytes: Buffer) => object }>
>;

async function ask(address: string, methods: Methods, name: string, message: object): Promise<object> {
  const client = new Client(address, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = methods[name];
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, message, (error: Error | null, reply?: object) =>
        error === null ? resolve(reply as object) : reject(error),
      );
    });
  } finally {
    client.close();
  }
}

server.run();
