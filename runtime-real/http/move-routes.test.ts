/** The moving of copies over HTTP: what is asked reaches the cluster, what comes back is JSON with names, and a question that is wrong says what is allowed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failure } from '../../core/errors.js';
import { RebalanceRequest_Action } from '../../core/wire/generated/engram/v1/cluster.js';
import { noMoves } from '../control/move-desk.js';
import { type MoveRoutesSource, moveRoutes } from './move-routes.js';

const routes = suite('move routes');
const asked: object[] = [];
const move = { space: 'notes', fromNodeId: 'id-1', toNodeId: 'id-2', stage: 'copying', missingRecords: 7, bytes: 0 };
const even = { copies: 0.1, bytes: 0.1, primaries: 0 };

const source: MoveRoutesSource = {
  rebalance: async (request) => {
    asked.push(request);
    return {
      ...noMoves,
      moves: [move],
      bytes: 4_096,
      aboutMs: 1_200,
      before: even,
      after: even,
      infeasible: ['{"kind":"zones"}'],
      atWork: true,
    };
  },
  migrate: async (request) => {
    asked.push(request);
    if (request.space === 'nots') {
      return {
        failure: failure('NOT_FOUND', { message: 'no space', hint: 'notes?', field: 'space' }),
        space: '',
        fromNodeId: '',
        toNodeId: '',
        index: 0,
      };
    }
    return { failure: undefined, space: request.space, fromNodeId: 'id-1', toNodeId: 'id-2', index: 9 };
  },
  nameOf: (id) => id.replace('id-', 'n'),
};

const app = moveRoutes(() => source);
const post = (path: string, body: string, type = 'application/json') =>
  app.request(path, { method: 'POST', body, headers: { 'content-type': type, 'content-length': String(body.length) } });

routes('the plan, to carry it out and to give it up: the same answer, and the action that was asked for', async () => {
  asked.length = 0;
  const answers = [
    await app.request('/cluster/plan'),
    await post('/cluster/rebalance', ''),
    await post('/cluster/rebalance', '{"action":"abort"}'),
  ];
  for (const answer of answers) {
    assert.is(answer.status, 200);
    const told = (await answer.json()) as { moves: object[]; infeasible: object[]; atWork: boolean; bytes: number; aboutMs: number };
    assert.equal(told.moves, [{ ...move, from: 'n1', to: 'n2' }]);
    assert.equal([told.infeasible, told.atWork, told.bytes, told.aboutMs], [[{ kind: 'zones' }], true, 4_096, 1_200]);
  }
  const { PLAN, APPLY, ABORT } = RebalanceRequest_Action;
  assert.equal(
    asked,
    [PLAN, APPLY, ABORT].map((action) => ({ action, forwarded: false })),
  );
});

routes('one copy is moved, or it is said why not', async () => {
  asked.length = 0;
  const moved = await post('/cluster/migrate', '{"space":"notes","from":"n1","to":"n2"}');
  assert.equal(
    [moved.status, await moved.json()],
    [200, { space: 'notes', fromNodeId: 'id-1', toNodeId: 'id-2', from: 'n1', to: 'n2', index: 9 }],
  );
  const refused = await post('/cluster/migrate', '{"space":"nots","to":"n2"}');
  assert.equal([refused.status, await refused.json()], [404, { error: 'no space', code: 'NOT_FOUND', field: 'space', hint: 'notes?' }]);
  assert.equal(asked[1], { space: 'nots', fromNodeId: '', toNodeId: 'n2' });
});

routes('what is wrong with a question is said, and nothing is done', async () => {
  asked.length = 0;
  const wrong: readonly (readonly [string, string, string, number, RegExp])[] = [
    ['/cluster/rebalance', '{"action":"go"}', 'application/json', 400, /plan, apply, abort/],
    ['/cluster/rebalance', '{"acton":"apply"}', 'application/json', 400, /known are action/],
    ['/cluster/rebalance', '{', 'application/json', 400, /send a JSON object/],
    ['/cluster/rebalance', '[]', 'application/json', 400, /send a JSON object/],
    ['/cluster/rebalance', '', 'text/plain', 400, /application\/json/],
    ['/cluster/migrate', '{"to":"n2"}', 'application/json', 400, /space and to are needed/],
    ['/cluster/migrate', '{"space":"notes","to":2}', 'application/json', 400, /to is a text/],
    ['/cluster/migrate', `{"space":"${'x'.repeat(70_000)}","to":"n2"}`, 'application/json', 400, /send a JSON object/],
  ];
  for (const [path, body, type, status, hint] of wrong) {
    const answer = await post(path, body, type);
    assert.is(answer.status, status, `${path} ${body}`);
    assert.match(((await answer.json()) as { hint: string }).hint, hint);
  }
  const got = await app.request('/cluster/migrate');
  assert.equal([got.status, got.headers.get('allow')], [405, 'POST']);
  const early = moveRoutes(() => null);
  assert.is((await early.request('/cluster/plan')).status, 503);
  assert.equal(asked, []);
});

routes.run();
