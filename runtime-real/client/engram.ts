/** The client: spaces and status over a transport. */
import { defaultSpaceName } from '../../core/identifiers.js';
import { bodyOf, statusOf } from './answers.js';
import { checkCallOptions, wrongType } from './checks.js';
import type { Embedder } from './embedder.js';
import { type ClientParts, ClientSpace, type Space } from './space.js';
import type { CallOptions, Status } from './types.js';

export interface Engram {
  /** What text is embedded with here; null without. */
  readonly embedder: Embedder | null;
  /** The space of that name, `default` without one. Nothing is sent: a space comes into being with its first episode. */
  space(name?: string): Space;
  status(options?: CallOptions): Promise<Status>;
  /** Waits for answers that are due and lets go of files, threads and lock. */
  close(): Promise<void>;
}

export class EngramClient implements Engram {
  readonly embedder: Embedder | null;
  readonly #parts: ClientParts;
  readonly #spaces = new Map<string, ClientSpace>();
  #closed: Promise<void> | null = null;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    this.embedder = parts.embedder;
  }

  space(name: string = defaultSpaceName): Space {
    if (typeof name !== 'string') throw wrongType('space', 'a string', name);
    const known = this.#spaces.get(name);
    if (known !== undefined) return known;
    const space = new ClientSpace(name, this.#parts);
    this.#spaces.set(name, space);
    return space;
  }

  async status(options: CallOptions = {}): Promise<Status> {
    checkCallOptions(options);
    const empty = new Uint8Array(0);
    const header = { space: '', requestId: empty, sessionToken: empty, ack: 0, deadlineMs: options.deadlineMs ?? 0 };
    const reply = await this.#parts.transport.call({ header, body: { $case: 'status', value: {} } }, options.signal);
    return statusOf(bodyOf(reply, 'status'), reply.header);
  }

  close(): Promise<void> {
    this.#closed ??= this.#parts.transport.close();
    return this.#closed;
  }
}
