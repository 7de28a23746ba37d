/** Addresses as people write them: `host:port`, `[::1]:port`, and members as `name=host:port`. */

const host = String.raw`(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}))`;
const port = String.raw`(?:6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]?\d{1,4})`;

/** A port of 0 is allowed: whoever listens on it takes a free one. */
export const addressPattern = new RegExp(`^${host}:${port}$`);
export const memberPattern = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}=${host}:${port}$`);

export interface ConfiguredMember {
  readonly name: string;
  /** host:port. */
  readonly address: string;
}

/** Of a text that matches `memberPattern`. */
export function memberOf(text: string): ConfiguredMember {
  const at = text.indexOf('=');
  return { name: text.slice(0, at), address: text.slice(at + 1) };
}

/** `127.0.0.1:50051` with another port. */
export function withPort(address: string, port: number): string {
  return `${address.slice(0, address.lastIndexOf(':'))}:${port}`;
}
