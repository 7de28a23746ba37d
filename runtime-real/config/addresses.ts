/** Addresses as people write them: `host:port`, `[::1]:port`, and members as `name` or `name=host:port`. */
import { isIPv6 } from 'node:net';

const host = String.raw`(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}))`;
const port = String.raw`(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]?\d{1,4})`;
const memberName = '[A-Za-z0-9][A-Za-z0-9._-]{0,63}';

/** A port of 0 is allowed: whoever listens on it takes a free one. */
export const addressPattern = new RegExp(`^${host}:${port}$`);
export const memberPattern = new RegExp(`^${memberName}(?:=${host}:${port})?$`);
/** The name of a DNS service record: `_engram._udp.example.org`. */
export const servicePattern = /^_[A-Za-z0-9-]{1,62}\._(?:udp|tcp)(?:\.[A-Za-z0-9-]{1,63}){1,20}$/;

export interface ConfiguredMember {
  readonly name: string;
  /** host:port; null: membership says where it is. */
  readonly address: string | null;
}

/** Of a text that matches `memberPattern`. */
export function memberOf(text: string): ConfiguredMember {
  const at = text.indexOf('=');
  return at < 0 ? { name: text, address: null } : { name: text.slice(0, at), address: text.slice(at + 1) };
}

export function memberText({ name, address }: ConfiguredMember): string {
  return address === null ? name : `${name}=${address}`;
}

/** `127.0.0.1:50051` with another port. */
export function withPort(address: string, port: number): string {
  return `${address.slice(0, address.lastIndexOf(':'))}:${port}`;
}

/** Without the brackets of an IPv6 address. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}

export function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

/** `host:port`, the host in brackets when it is an IPv6 address. */
export function joined(hostName: string, portNumber: number): string {
  return isIPv6(hostName) ? `[${hostName}]:${portNumber}` : `${hostName}:${portNumber}`;
}

/** "Every address of this machine": good to listen on, and no address that anybody could send to. */
export function isWildcard(address: string): boolean {
  const bare = hostOf(address);
  return bare === '0.0.0.0' || /^[0:]+(?:%.*)?$/.test(bare);
}
