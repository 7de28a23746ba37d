/** Names to addresses. The system's own way where it has one (hosts file, search domains), plain DNS for service records. */
import { lookup, resolveSrv } from 'node:dns/promises';

export interface ServiceRecord {
  readonly name: string;
  readonly port: number;
}

/** Both reject when there is no answer. */
export interface NameLookup {
  /** All addresses of a host, IPv4 and IPv6. An address is its own. */
  addresses(host: string): Promise<readonly string[]>;
  services(name: string): Promise<readonly ServiceRecord[]>;
}

/**
 * A question to the system takes one of the few threads that files are read and synced with, for as long as a silent name server is waited for. So there is
 * never more than one under way.
 */
export class SystemLookup implements NameLookup {
  #last: Promise<unknown> = Promise.resolve();

  addresses(host: string): Promise<readonly string[]> {
    const found = this.#last.then(() => lookup(host, { all: true })).then((all) => all.map(({ address }) => address));
    this.#last = found.catch(() => {});
    return found;
  }

  async services(name: string): Promise<readonly ServiceRecord[]> {
    return resolveSrv(name);
  }
}
