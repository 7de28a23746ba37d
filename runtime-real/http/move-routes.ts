/**
 * The moving of copies over HTTP, with the answers of `engram --json cluster plan|apply|abort|move`: what is wanted, to carry it out or give it up, to move one copy.
 *
 * What changes something is asked by POST with a JSON body, and only as `application/json`: a page in an operator's browser cannot send that to a node without being asked.
 */
import { type Context, Hono } from 'hono';
import { EngramError } from '../../core/errors.js';
import { RebalanceRequest_Action } from '../../core/wire/generated/engram/v1/cluster.js';
import type { Failure } from '../../core/wire/generated/engram/v1/service.js';
import { migrateJson, rebalanceJson } from '../control/rebalance-json.js';
import type { ControlSource } from '../grpc/cluster-calls.js';
import { errorAnswer, startingAnswer } from './error-answers.js';

export interface MoveRoutesSource extends Pick<ControlSource, 'rebalance' | 'migrate'> {
  /** A member's name, or the id again. */
  nameOf(nodeId: string): string;
}

const bodyBytesMax = 64 * 1_024;
const actions: Readonly<Record<string, RebalanceRequest_Action>> = {
  plan: RebalanceRequest_Action.PLAN,
  apply: RebalanceRequest_Action.APPLY,
  abort: RebalanceRequest_Action.ABORT,
};
/** `source` is null while the node reads its log. */
export function moveRoutes(source: () => MoveRoutesSource | null): Hono {
  const routes = new Hono();
  const rebalance = async (context: Context, action: RebalanceRequest_Action): Promise<Response> => {
    const cluster = source();
    if (cluster === null) return startingAnswer(context);
    const answer = await cluster.rebalance({ action, forwarded: false });
    if (answer.failure !== undefined) return refusedAnswer(context, answer.failure);
    return context.json(rebalanceJson(answer, (id) => cluster.nameOf(id)));
  };
  routes.get('/cluster/plan', (context) => rebalance(context, RebalanceRequest_Action.PLAN));
  routes.post('/cluster/rebalance', async (context) => {
    const body = await bodyOf(context, ['action']);
    if (body instanceof EngramError) return errorAnswer(context, body);
    const action = actions[body.action ?? 'apply'];
    if (action !== undefined) return rebalance(context, action);
    return errorAnswer(
      context,
      wrong('action', body.action, `action is one of ${Object.keys(actions).join(', ')}; apply when it is left out`),
    );
  });
  routes.post('/cluster/migrate', async (context) => {
    const cluster = source();
    if (cluster === null) return startingAnswer(context);
    const body = await bodyOf(context, ['space', 'from', 'to']);
    if (body instanceof EngramError) return errorAnswer(context, body);
    const { space, from = '', to } = body;
    if (space === undefined || to === undefined) {
      const missing = space === undefined ? 'space' : 'to';
      return errorAnswer(
        context,
        wrong(missing, undefined, 'space and to are needed, from is not: {"space": "notes", "from": "n1", "to": "n4"}'),
      );
    }
    const answer = await cluster.migrate({ space, fromNodeId: from, toNodeId: to });
    if (answer.failure !== undefined) return refusedAnswer(context, answer.failure);
    return context.json(migrateJson(answer, (id) => cluster.nameOf(id)));
  });
  for (const path of ['/cluster/rebalance', '/cluster/migrate']) {
    routes.get(path, (context) => {
      context.header('Allow', 'POST');
      return context.json(
        { error: `${path} changes something: it is asked by POST`, hint: 'GET /cluster/plan says what is wanted and under way' },
        405,
      );
    });
  }
  return routes;
}

/** The fields of a JSON object, all of them texts; an empty body is an empty object. Else what is wrong with it. */
async function bodyOf<Field extends string>(
  context: Context,
  fields: readonly Field[],
): Promise<Partial<Record<Field, string>> | EngramError> {
  const hint = `send a JSON object with ${fields.join(', ')} as Content-Type: application/json`;
  const type = context.req.header('content-type') ?? '';
  if (!/^application\/json\b/i.test(type)) return bad(`the body is called ${JSON.stringify(type)}, not application/json`, hint);
  if (Number(context.req.header('content-length') ?? bodyBytesMax) > bodyBytesMax)
    return bad(`the body is longer than ${bodyBytesMax} bytes, or does not say its length`, hint);
  const text = await context.req.text();
  let value: unknown;
  try {
    value = text.trim() === '' ? {} : JSON.parse(text);
  } catch (error) {
    return bad(`the body is no JSON: ${(error as Error).message}`, hint);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad('the body is no JSON object', hint);
  for (const [field, each] of Object.entries(value)) {
    if (!(fields as readonly string[]).includes(field)) return wrong(field, each, `known are ${fields.join(', ')}`);
    if (typeof each !== 'string') return wrong(field, each, `${field} is a text`);
  }
  return value as Partial<Record<Field, string>>;
}

function bad(message: string, hint: string): EngramError {
  return new EngramError('INVALID_ARGUMENT', { message, hint });
}

function wrong(field: string, value: unknown, hint: string): EngramError {
  const message = value === undefined ? `${field} is missing` : `${field} = ${JSON.stringify(value)} is not allowed`;
  return new EngramError('INVALID_ARGUMENT', { message, field, hint });
}

function refusedAnswer(context: Context, failure: Failure): Response {
  return errorAnswer(context, EngramError.fromFailure(failure));
}
