/** What `connectEngram` is given, and its judge. */
import { EngramError } from '../../core/errors.js';
import { shown, wrongType, wrongValue } from './checks.js';
import type { Embedder } from './embedder.js';
import { checkEmbedder } from './open-options.js';

export interface ConnectOptions {
  /** `host:port` of one or more nodes of one cluster; the others are learnt from them. */
  readonly servers: readonly string[];
  /** What texts are embedded with: the built-in one when absent, nothing when null. */
  readonly embedder?: Embedder | null;
  /** How long a call may take that names no deadline of its own, all tries included; 10,000 when absent. */
  readonly deadlineMs?: number;
  /** How long to look for a node that answers before `connectEngram` rejects; 5,000 when absent, 0 for one look at each server. */
  readonly connectMs?: number;
  /** Calls that a node has and has not answered, at most; the rest waits in the client. 8,192 when absent. */
  readonly callsInFlightMax?: number;
  /** False: ask the given servers only and learn no others, for instance to read from one copy. */
  readonly learnMembers?: boolean;
}

const names: readonly string[] = [
  'servers',
  'embedder',
  'deadlineMs',
  'connectMs',
  'callsInFlightMax',
  'learnMembers',
] satisfies (keyof ConnectOptions)[];
const serversMax = 1_000;
const deadlineMsMax = 600_000;

export function checkConnectOptions(options: ConnectOptions): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw wrongType('options', 'an object', options);
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    const hint = `the options are ${names.join(', ')}`;
    throw new EngramError('INVALID_ARGUMENT', { message: `connectEngram has no option ${name}`, field: name, hint });
  }
  const { servers, embedder, deadlineMs, connectMs, callsInFlightMax, learnMembers } = options;
  if (!Array.isArray(servers)) throw wrongType('servers', "an array like ['localhost:50051']", servers);
  if (servers.length === 0 || servers.length > serversMax) throw wrongValue('servers', `1 to ${serversMax} addresses`, servers.length);
  for (const [at, server] of servers.entries()) checkServer(server, `servers[${at}]`);
  checkWhole(deadlineMs, 'deadlineMs', 1, deadlineMsMax);
  checkWhole(connectMs, 'connectMs', 0, deadlineMsMax);
  checkWhole(callsInFlightMax, 'callsInFlightMax', 1, 1_000_000);
  if (learnMembers !== undefined && typeof learnMembers !== 'boolean') throw wrongType('learnMembers', 'true or false', learnMembers);
  checkEmbedder(embedder);
}

/** A host name, an IPv4 address, or an IPv6 address in brackets; and a port. */
export function checkServer(server: unknown, field: string): void {
  const [, host, port] = (typeof server === 'string' && /^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):(\d{1,5})$/.exec(server)) || [];
  if (host !== undefined && Number(port) >= 1 && Number(port) <= 65_535) return;
  throw new EngramError('INVALID_ARGUMENT', {
    message: `${field} must be host:port, got ${shown(server)}`,
    field,
    hint: 'write it like localhost:50051, 10.0.0.7:50051 or [::1]:50051',
  });
}

function checkWhole(value: unknown, field: string, min: number, max: number): void {
  if (value === undefined) return;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return;
  throw wrongValue(field, `a whole number from ${min} to ${max}`, value);
}
