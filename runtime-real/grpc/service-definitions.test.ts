/** The hand-written service definitions say what the protocol files say. */
import { fileURLToPath } from 'node:url';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CallFrame } from '../../core/wire/generated/engram/v1/service.js';
import { batchBody, request } from '../test-support/raw-client.js';
import {
  clusterService,
  clusterServiceName,
  engramService,
  engramServiceName,
  membershipService,
  membershipServiceName,
} from './service-definitions.js';

const protocol = loadSync(['engram/v1/service.proto', 'engram/v1/cluster.proto'], {
  includeDirs: [fileURLToPath(new URL('../../core/wire/proto', import.meta.url))],
});

const definitions = suite('service definitions');

for (const [name, written] of [
  [engramServiceName, engramService],
  [clusterServiceName, clusterService],
  [membershipServiceName, membershipService],
] as const) {
  definitions(`${name} has the methods of the protocol file, by path and direction`, () => {
    const shape = (methods: object): string[] =>
      Object.values(methods as ServiceDefinition)
        .map(({ path, requestStream, responseStream }) => `${path} ${requestStream} ${responseStream}`)
        .sort();
    assert.equal(shape(written), shape(protocol[name] as ServiceDefinition));
  });
}

definitions('episodes of a decoded frame are plain views of the received bytes', () => {
  const { requestSerialize, requestDeserialize } = engramService.stream;
  const bytes = requestSerialize({ calls: [{ number: 1, request: request(batchBody(['a', 'b'])), cancel: false }] });
  const [call] = requestDeserialize(bytes).calls;
  const body = call.request?.body;
  assert.is(body?.$case, 'rememberBatch');
  for (const episode of body?.$case === 'rememberBatch' ? body.value.episodes : []) {
    assert.is(episode.buffer, bytes.buffer);
    // Of a Buffer `slice` would be a view: what the core keeps of it would change under its hands.
    assert.is(Object.getPrototypeOf(episode), Uint8Array.prototype);
  }
  assert.is(CallFrame.decode(bytes).calls.length, 1);
});

definitions.run();
