/**
 * Where datagrams go: `host:port` or `[v6]:port`. An address is no identity: one node may move to another address, and another node may come to live at
 * an old one.
 */
declare const brand: unique symbol;

/** `host:port`, the host a name, an IPv4 address or a bracketed IPv6 address, in lower case. */
export type Address = string & { readonly [brand]: 'Address' };

/** Longest address that travels: a DNS name has at most 253 characters. */
export const addressLengthMax = 260;

const pattern = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?):([0-9]{1,5})$/;

/** Reads `host:port` or `[v6]:port`; null for anything else. Port 0 is no address: nothing can be sent there. */
export function parseAddress(text: string): Address | null {
  const found = pattern.exec(text.toLowerCase());
  if (found === null) return null;
  const port = Number(found[3]);
  return port > 0 && port < 65_536 ? (text.toLowerCase() as Address) : null;
}
