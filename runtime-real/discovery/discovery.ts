/**
 * Finds addresses of other nodes: a list in the configuration, DNS, a file that is watched, and what the peers of the member list said. It only resolves:
 * whom to contact, when, and how often is the core's to decide.
 *
 * Each source keeps its last good answer: a name server that is silent, or a file that is being replaced, takes nothing away from what is known.
 */
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { isIP } from 'node:net';
import { compareText } from '../../core/identifiers.js';
import { hostOf, joined, portOf } from '../config/addresses.js';
import type { Tell } from '../node/runtime-events.js';
import type { NameLookup } from './name-lookup.js';
import { readSeeds } from './seed-list.js';

/** The file is looked at this often, by its name: replacing it as a whole is seen, however it is done, and on every file system. */
export const fileLookMs = 1_000;
/** A source that failed is asked again this soon, however seldom it is refreshed. */
const retryMsMax = 5_000;

export interface DiscoverySources {
  /** host:port; a name stands for all of its addresses. */
  readonly seeds: readonly string[];
  /** Names of DNS service records (SRV). */
  readonly services: readonly string[];
  /** Empty: none. */
  readonly file: string;
  readonly refreshMs: number;
}

export interface DiscoveryOptions {
  readonly sources: DiscoverySources;
  readonly lookup: NameLookup;
  /** All addresses that are known now, IP addresses with ports, sorted; called whenever they have changed. */
  readonly found: (addresses: readonly string[]) => void;
  readonly tell: Tell;
}

export class Discovery {
  readonly #options: DiscoveryOptions;
  /** By source, its last good answer. */
  readonly #answers = new Map<string, readonly string[]>();
  /** By source, why it has none now: said once. */
  readonly #troubles = new Map<string, string>();
  #fileSeeds: readonly string[] = [];
  #fileSaid = '';
  #known = '';
  #refreshing = false;
  #again = false;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  readonly #look = (): void => this.#readFile();

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** Resolves when every source has been asked once; asks again for as long as it is not closed. */
  async start(): Promise<void> {
    const { file } = this.#options.sources;
    if (file !== '') {
      watchFile(file, { interval: fileLookMs, persistent: true }, this.#look);
      this.#fileSeeds = this.#seedsOfFile();
    }
    await this.#refresh();
  }

  /** Addresses that peers have given of themselves: a source like the others. */
  heard(source: string, address: string): void {
    if (this.#answers.get(source)?.[0] === address) return;
    this.#answers.set(source, [address]);
    this.#publish();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#options.sources.file !== '') unwatchFile(this.#options.sources.file, this.#look);
  }

  async #refresh(): Promise<void> {
    if (this.#refreshing) {
      this.#again = true;
      return;
    }
    this.#refreshing = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const { seeds, services } = this.#options.sources;
    const static_ = new Set([...seeds, ...this.#fileSeeds]);
    this.#drop((source) => source.startsWith('seed ') && !static_.has(source.slice(5)));
    for (const seed of static_) await this.#ask(`seed ${seed}`, () => this.#resolved(hostOf(seed), portOf(seed)));
    for (const name of services) await this.#ask(`service ${name}`, () => this.#servicesOf(name));
    this.#refreshing = false;
    if (this.#closed) return;
    if (this.#again) {
      this.#again = false;
      return this.#refresh();
    }
    const { refreshMs } = this.#options.sources;
    const delayMs = this.#troubles.size > 0 ? Math.min(refreshMs, retryMsMax) : refreshMs;
    this.#timer = setTimeout(() => void this.#refresh(), delayMs);
  }

  async #ask(source: string, question: () => Promise<readonly string[]>): Promise<void> {
    if (this.#closed) return;
    try {
      this.#answers.set(source, await question());
      this.#troubles.delete(source);
    } catch (error) {
      this.#trouble(source, (error as Error).message);
    }
    this.#publish();
  }

  async #resolved(host: string, port: number): Promise<readonly string[]> {
    const addresses = isIP(host) !== 0 ? [host] : await this.#options.lookup.addresses(host);
    return addresses.map((address) => joined(address, port));
  }

  async #servicesOf(name: string): Promise<readonly string[]> {
    const all: string[] = [];
    for (const { name: host, port } of await this.#options.lookup.services(name)) all.push(...(await this.#resolved(host, port)));
    return all;
  }

  #readFile(): void {
    if (this.#closed) return;
    const seeds = this.#seedsOfFile();
    if (seeds.join() === this.#fileSeeds.join()) return;
    this.#fileSeeds = seeds;
    void this.#refresh();
  }

  /** What the file says now; what it said last when it cannot be read. */
  #seedsOfFile(): readonly string[] {
    const { file } = this.#options.sources;
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      this.#trouble(`file ${file}`, isMissing ? 'there is no such file; it is looked for every second' : (error as Error).message);
      this.#fileSaid = '';
      return this.#fileSeeds;
    }
    this.#troubles.delete(`file ${file}`);
    const { seeds, mistakes } = readSeeds(text);
    if (text !== this.#fileSaid) for (const mistake of mistakes) this.#options.tell({ kind: 'seeds.line-ignored', file, ...mistake });
    this.#fileSaid = text;
    return seeds;
  }

  #trouble(source: string, reason: string): void {
    if (this.#troubles.get(source) === reason || this.#closed) return;
    this.#troubles.set(source, reason);
    this.#options.tell({ kind: 'seeds.unresolved', source, reason, kept: this.#answers.get(source)?.length ?? 0 });
  }

  #drop(isGone: (source: string) => boolean): void {
    for (const map of [this.#answers, this.#troubles]) for (const source of [...map.keys()]) if (isGone(source)) map.delete(source);
  }

  #publish(): void {
    if (this.#closed) return;
    const addresses = [...new Set([...this.#answers.values()].flat())].sort(compareText);
    const text = addresses.join();
    if (text === this.#known) return;
    this.#known = text;
    this.#options.tell({ kind: 'seeds.changed', addresses });
    this.#options.found(addresses);
  }
}
