/**
 * Whether this node lives, whether it takes requests, how it stands, and its metrics.
 *
 * `/livez` asks nothing of anybody: a node that waits for others must not be restarted for it. `/readyz` is for whoever sends requests. `/healthz` is for
 * people. `/metrics` is in the text format of Prometheus.
 */
import { Hono } from 'hono';

export interface NodeStatus {
  readonly node: string;
  readonly nodeId: string;
  readonly cluster: string;
  readonly version: string;
  readonly serving: boolean;
  /** Why no request is taken; empty when requests are taken. */
  readonly reason: string;
  /** `connected`, `partitioned`, `healing`; null without membership. */
  readonly partition: string | null;
  /** Of the members that have not left; null without membership. */
  readonly members: { readonly reachable: number; readonly total: number } | null;
}

export interface StatusSource {
  /** Null: the node is still reading its log. */
  status(): NodeStatus | null;
  metrics(): Promise<{ readonly text: string; readonly contentType: string }>;
}

const starting = { status: 'starting', reason: 'the node is still reading its log' };

export function statusRoutes(source: StatusSource): Hono {
  const routes = new Hono();
  routes.get('/livez', (context) => context.json({ status: 'ok' }));
  routes.get('/readyz', (context) => {
    const status = source.status();
    if (status === null) return context.json(starting, 503);
    return status.serving ? context.json({ status: 'ok' }) : context.json({ status: 'not ready', reason: status.reason }, 503);
  });
  routes.get('/healthz', (context) => {
    const status = source.status();
    if (status === null) return context.json(starting, 503);
    const { serving, ...rest } = status;
    return context.json({ status: serving ? 'ok' : 'not ready', ...rest }, serving ? 200 : 503);
  });
  routes.get('/metrics', async (context) => {
    const { text, contentType } = await source.metrics();
    return context.body(text, 200, { 'Content-Type': contentType });
  });
  routes.notFound((context) =>
    context.json(
      {
        error: `there is nothing at ${context.req.path}`,
        hint: 'see /livez, /readyz, /healthz, /metrics and /cluster/{health,nodes,spaces,plan,rebalance,migrate,events} and /cluster/spaces/NAME/receipts',
      },
      404,
    ),
  );
  return routes;
}
