/** What is refused over HTTP: `{error, code, field, hint}`, the status by the code. */
import type { Context } from 'hono';
import { EngramError, type ErrorCode } from '../../core/errors.js';

const statuses: Partial<Record<ErrorCode, 400 | 404 | 409 | 503>> = {
  INVALID_ARGUMENT: 400,
  NOT_FOUND: 404,
  CLUSTER_REFUSED: 409,
  UNAVAILABLE: 503,
};

export function errorAnswer(context: Context, { code, message, field, hint }: EngramError): Response {
  return context.json({ error: message, code, field: field ?? null, hint }, statuses[code] ?? 500);
}

export function startingAnswer(context: Context): Response {
  return errorAnswer(
    context,
    new EngramError('UNAVAILABLE', { message: 'the node is still reading its log', hint: 'try again in a moment' }),
  );
}
