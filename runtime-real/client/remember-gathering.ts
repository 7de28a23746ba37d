/**
 * Single `remember` calls of one moment travel as one RememberBatch: one header, one session token, one request id for all. Each call keeps its own
 * outcome, and a retry of the batch is recognised entry by entry. What has an identity, a context or a signal of its own travels alone.
 */
import type { RememberRequest, Request } from '../../core/wire/generated/engram/v1/service.js';

const episodesMax = 512;
const bytesMax = 1 << 20;

export interface Gatherable {
  readonly request: Request;
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface Gathering<Call extends Gatherable> {
  readonly request: Request;
  readonly deadlineAtMs: number;
  /** In the order of the batch's outcomes. */
  readonly calls: readonly Call[];
}

export function isGatherable({ request, signal }: Gatherable): boolean {
  const { header, body } = request;
  return signal === undefined && body?.$case === 'remember' && header?.requestId.length === 0 && body.value.context.length === 0;
}

interface Growing<Call> {
  calls: Call[];
  bytes: number;
}

/** Calls that may share a batch, in the order in which they were made. */
export function gathered<Call extends Gatherable>(calls: readonly Call[]): Gathering<Call>[] {
  const full: Growing<Call>[] = [];
  const growing = new Map<string, Growing<Call>>();
  for (const call of calls) {
    const { space = '', ack = 0, deadlineMs = 0 } = call.request.header ?? {};
    const key = `${space}/${ack}/${deadlineMs}`;
    const bytes = episodeOf(call).length;
    const open = growing.get(key);
    if (open !== undefined && open.calls.length < episodesMax && open.bytes + bytes <= bytesMax) {
      open.calls.push(call);
      open.bytes += bytes;
      continue;
    }
    if (open !== undefined) full.push(open);
    growing.set(key, { calls: [call], bytes });
  }
  return [...full, ...growing.values()].map(({ calls: together }) => gatheringOf(together));
}

function gatheringOf<Call extends Gatherable>(calls: readonly Call[]): Gathering<Call> {
  // The last one's token has seen what the others' have: all are of one client.
  const last = calls[calls.length - 1] as Call;
  return {
    request: { header: last.request.header, body: { $case: 'rememberBatch', value: { episodes: calls.map(episodeOf) } } },
    deadlineAtMs: Math.min(...calls.map(({ deadlineAtMs }) => deadlineAtMs)),
    calls,
  };
}

function episodeOf({ request }: Gatherable): Uint8Array {
  return (request.body as { value: RememberRequest }).value.episode;
}
