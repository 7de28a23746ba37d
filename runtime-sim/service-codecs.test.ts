/** Requests and replies cross the simulated network as they are: what their bytes would give back is the same. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EngramNode } from '../core/engram-node.js';
import { Reply, Request } from '../core/wire/generated/engram/v1/service.js';
import { scenarioOf } from '../scenarios/catalogue.js';
import type { Scenario } from '../scenarios/scenario.js';
import type { CoreFactory } from './node-host.js';
import { runSeed } from './run-seed.js';
import { encodeReply, encodeRequest } from './service-codecs.js';

const codecs = suite('service codecs');

codecs('every request and every reply of a run is what its bytes decode to', () => {
  const requests: Request[] = [];
  const replies: Reply[] = [];
  const createCore: CoreFactory = (configuration, effects, pure) => {
    const send: typeof effects.replies.send = (handle, reply) => {
      replies.push(reply);
      effects.replies.send(handle, reply);
    };
    const node = new EngramNode(configuration, { ...effects, replies: { send } }, pure);
    return {
      handle(event, now) {
        if (event.kind === 'request') requests.push(event.request);
        node.handle(event, now);
      },
      inspect: () => node.inspect(),
    };
  };
  runSeed({ scenario: scenarioOf('crash-restart') as Scenario, seed: 2, durationMs: 20_000, createCore });
  const kinds = new Set([...requests.map(({ body }) => body?.$case), ...replies.map(({ body }) => body?.$case)]);
  assert.equal([...kinds].sort(), ['failure', 'forget', 'get', 'got', 'remember', 'update', 'written']);
  for (const request of requests) assert.equal(Request.decode(encodeRequest(request)), request);
  for (const reply of replies) assert.equal(Reply.decode(encodeReply(reply)), reply);
});

codecs.run();
