/** What orchestrators ask a node, without and with a socket. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HttpServer } from './http-server.js';
import { type NodeStatus, type StatusSource, statusRoutes } from './status-routes.js';

const well: NodeStatus = {
  node: 'n1',
  nodeId: '1'.repeat(32),
  cluster: 'engram',
  version: '0.1.0',
  serving: true,
  reason: '',
  partition: 'connected',
  members: { reachable: 3, total: 3 },
};

function sourceOf(status: NodeStatus | null): StatusSource {
  return { status: () => status, metrics: async () => ({ text: 'engram_up 1\n', contentType: 'text/plain; version=0.0.4' }) };
}

const routes = suite('status routes');

routes('a node that reads its log lives and is not ready', async () => {
  const app = statusRoutes(sourceOf(null));
  const codes = await Promise.all(['/livez', '/readyz', '/healthz'].map(async (path) => (await app.request(path)).status));
  assert.equal(codes, [200, 503, 503]);
});

routes('a node that waits for members says so, and lives', async () => {
  const app = statusRoutes(sourceOf({ ...well, serving: false, reason: 'it waits for n2' }));
  assert.is((await app.request('/livez')).status, 200);
  const ready = await app.request('/readyz');
  assert.equal([ready.status, await ready.json()], [503, { status: 'not ready', reason: 'it waits for n2' }]);
});

routes('over a socket: health, metrics with their content type, and a hint where there is nothing', async () => {
  const server = new HttpServer(statusRoutes(sourceOf(well)));
  await server.listen('127.0.0.1:0');
  try {
    const get = (path: string): Promise<Response> => fetch(`http://${server.address}${path}`);
    const { serving: _serving, ...rest } = well;
    assert.equal(await (await get('/healthz')).json(), { status: 'ok', ...rest });
    const metrics = await get('/metrics');
    assert.equal([metrics.headers.get('content-type'), await metrics.text()], ['text/plain; version=0.0.4', 'engram_up 1\n']);
    const nothing = await get('/nowhere');
    assert.is(nothing.status, 404);
    assert.match(((await nothing.json()) as { hint: string }).hint, '/healthz');
  } finally {
    server.close();
  }
});

routes('a port in use is an error of the operating system', async () => {
  const [first, second] = [new HttpServer(statusRoutes(sourceOf(well))), new HttpServer(statusRoutes(sourceOf(well)))];
  await first.listen('127.0.0.1:0');
  try {
    await second.listen(first.address);
    assert.unreachable('the second must not listen');
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, 'EADDRINUSE');
  } finally {
    first.close();
    second.close();
  }
});

routes.run();
