/**
 * Exchanges: one request and one answer over a reliable channel, for what no datagram can carry (two nodes telling each other all they know) and for the
 * last resort when datagrams do not come through.
 *
 * They are unary gRPC calls on the TCP port of the same number as the UDP port, so that one address names a node to membership. Each ask opens a
 * connection of its own: one that stood before would only tell that it stood before.
 */
import {
  Client,
  credentials,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import type { MembershipExchange } from '../../core/wire/generated/engram/v1/cluster.js';
import { exchangeBytesMax, exchangeChannelOptions, exchangeServerOptions } from '../grpc/channel-options.js';
import { membershipService } from '../grpc/service-definitions.js';

/** Asks under way, and answers owed, at most; beyond, an ask is refused. */
export const exchangesMax = 64;

export interface ExchangeCounts {
  readonly asked: number;
  /** Of those: refused, timed out, broken. */
  readonly failed: number;
  readonly answered: number;
  /** Came while too many were under way. */
  readonly refused: number;
}

export type TakeExchange = (handle: number, bytes: Uint8Array) => void;

export class ExchangeChannel {
  readonly #server = new Server(exchangeServerOptions);
  readonly #owed = new Map<number, sendUnaryData<MembershipExchange>>();
  readonly #asking = new Set<Client>();
  readonly #counts = { asked: 0, failed: 0, answered: 0, refused: 0 };
  #take: TakeExchange | null = null;
  #handlesGiven = 0;
  #closed = false;

  constructor() {
    this.#server.addService(membershipService as unknown as ServiceDefinition, { exchange: this.#exchange() });
  }

  /** Binds `host:port`. Rejects with what the transport said. */
  async listen(address: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error)));
    });
  }

  get counts(): ExchangeCounts {
    return { ...this.#counts };
  }

  /** Who hears what is asked from now on; before, callers are told that the node is not ready. */
  start(take: TakeExchange): void {
    this.#take = take;
  }

  /** `done` hears the answer, or null: refused, too late, too large, broken. */
  ask(to: string, bytes: Uint8Array, { deadlineMs, done }: { deadlineMs: number; done: (answer: Uint8Array | null) => void }): void {
    this.#counts.asked += 1;
    if (this.#closed || this.#asking.size >= exchangesMax || bytes.length > exchangeBytesMax) {
      this.#counts.failed += 1;
      return done(null);
    }
    const client = new Client(to, credentials.createInsecure(), exchangeChannelOptions);
    this.#asking.add(client);
    const { exchange } = membershipService;
    client.makeUnaryRequest(
      exchange.path,
      exchange.requestSerialize,
      exchange.responseDeserialize,
      { body: bytes },
      new Metadata(),
      { deadline: Date.now() + deadlineMs },
      (error, answer) => {
        this.#asking.delete(client);
        client.close();
        if (error !== null || answer === undefined) this.#counts.failed += 1;
        if (!this.#closed) done(error === null && answer !== undefined ? answer.body : null);
      },
    );
  }

  /** Answers what was asked; nothing happens when the asker has gone. */
  answer(handle: number, bytes: Uint8Array): void {
    const done = this.#owed.get(handle);
    if (done === undefined) return;
    this.#owed.delete(handle);
    this.#counts.answered += 1;
    done(null, { body: bytes });
  }

  close(): void {
    this.#closed = true;
    this.#take = null;
    this.#owed.clear();
    for (const client of this.#asking) client.close();
    this.#server.forceShutdown();
  }

  #exchange(): handleUnaryCall<MembershipExchange, MembershipExchange> {
    return (call, done) => {
      if (this.#take === null) return done({ code: status.UNAVAILABLE, details: 'the node is not ready' });
      if (this.#owed.size >= exchangesMax) {
        this.#counts.refused += 1;
        return done({ code: status.RESOURCE_EXHAUSTED, details: `${exchangesMax} exchanges are under way` });
      }
      this.#handlesGiven += 1;
      const handle = this.#handlesGiven;
      this.#owed.set(handle, done);
      call.on('cancelled', () => this.#owed.delete(handle));
      this.#take(handle, call.request.body);
    };
  }
}
