/** From replies on the wire to what an application sees. */
import { EngramError } from '../../core/errors.js';
import { type Reply, type ReplyHeader, Role, type StatusReport } from '../../core/wire/generated/engram/v1/service.js';
import type { Answerer, Status } from './types.js';

type Bodies = NonNullable<Reply['body']>;
type BodyOf<Kind> = Extract<Bodies, { $case: Kind }>['value'];

/** The reply's body of the expected kind. Throws the failure that it carries instead. */
export function bodyOf<Kind extends Bodies['$case']>(reply: Reply, kind: Kind): BodyOf<Kind> {
  const body = reply.body;
  if (body?.$case === 'failure') throw EngramError.fromFailure(body.value);
  if (body === undefined || body.$case !== kind) {
    throw new EngramError('INTERNAL', { message: `the node answered ${body?.$case ?? 'nothing'} where ${kind} was expected` });
  }
  return body.value as BodyOf<Kind>;
}

export function answererOf(header: ReplyHeader | undefined): Answerer {
  return {
    nodeId: header?.nodeId ?? '',
    nodeName: header?.nodeName ?? '',
    role: header?.role === Role.ROLE_PRIMARY ? 'primary' : header?.role === Role.ROLE_REPLICA ? 'replica' : 'unknown',
    confirmed: header?.confirmed ?? false,
    epoch: {
      generation: header?.epoch?.generation ?? 0,
      index: header?.epoch?.index ?? 0,
      provisionalCounter: header?.epoch?.provisionalCounter ?? 0,
    },
    lagRecords: header?.lagRecords ?? 0,
    lagMs: header?.lagMs ?? null,
    hinted: header?.hinted ?? false,
    sessionSatisfied: header?.sessionSatisfied ?? true,
  };
}

export function statusOf(report: StatusReport, header: ReplyHeader | undefined): Status {
  return {
    spaces: report.spaces.map(({ role: _role, epoch: _epoch, ...space }) => space),
    logBytes: report.logBytes,
    liveBytes: report.liveBytes,
    segments: report.segments,
    damagedRanges: report.damagedRanges,
    writable: report.writable,
    reason: report.reason,
    boot: report.boot,
    answeredBy: answererOf(header),
  };
}
