/** The streams that other members have opened to this node: says hello back, hands their messages to the core, answers heartbeats. */
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { PeerFrame } from '../../core/wire/generated/engram/v1/cluster.js';
import type { Tell } from '../node/runtime-events.js';
import { helloOf, identityOf, type PeerIdentity } from './peer-hello.js';
import { SilenceWatch } from './silence-watch.js';

type PeerCall = ServerDuplexStream<PeerFrame, PeerFrame>;

/** While so many events wait for their turn, streams of peers are not read. */
const eventsWaitingMax = 8_192;

export interface PeerIntakeOptions {
  readonly own: PeerIdentity;
  readonly members: readonly { readonly name: string }[];
  readonly receive: (message: Uint8Array) => void;
  readonly eventsWaiting: () => number;
  readonly tell: Tell;
}

export class PeerIntake {
  readonly #options: PeerIntakeOptions;
  /** By member: a later stream takes the place of an earlier one. */
  readonly #calls = new Map<string, PeerCall>();
  readonly #all = new Set<PeerCall>();
  #lastRefusal = '';

  constructor(options: PeerIntakeOptions) {
    this.#options = options;
  }

  take(call: PeerCall): void {
    let name: string | null = null;
    const end = (): void => {
      watch.stop();
      this.#all.delete(call);
      if (name !== null && this.#calls.get(name) === call) this.#calls.delete(name);
    };
    const watch = new SilenceWatch({
      beat: () => name !== null && call.writableLength === 0 && call.write({ hello: undefined, messages: [] }),
      silent: () => {
        end();
        call.destroy();
      },
    });
    this.#all.add(call);
    call.on('data', (frame: PeerFrame) => {
      watch.heard();
      if (name === null) {
        name = this.#greet(call, frame);
        if (name === null) end();
        return;
      }
      for (const message of frame.messages) this.#options.receive(message);
      this.#holdBack(call);
    });
    call.on('end', () => {
      end();
      call.end();
    });
    for (const gone of ['cancelled', 'close', 'error']) call.on(gone, end);
  }

  close(): void {
    for (const call of this.#all) call.end();
  }

  #greet(call: PeerCall, frame: PeerFrame): string | null {
    const { own, members, tell } = this.#options;
    const identity = identityOf(frame.hello, own, null);
    const known = typeof identity !== 'string' && members.some(({ name }) => name === identity.name && name !== own.name);
    if (typeof identity === 'string' || !known) {
      const reason = typeof identity === 'string' ? identity : `${identity.name} is no other member in the configuration of ${own.name}`;
      const member = frame.hello?.name ?? '';
      const refusal = `${member} ${call.getPeer().replace(/:\d+$/, '')} ${reason}`;
      if (refusal !== this.#lastRefusal) tell({ kind: 'stream.refused', member, reason, isStarting: false });
      this.#lastRefusal = refusal;
      call.emit('error', { code: status.FAILED_PRECONDITION, details: `${own.name} refuses: ${reason}` });
      return null;
    }
    this.#calls.get(identity.name)?.end();
    this.#calls.set(identity.name, call);
    call.write({ hello: helloOf(own), messages: [] });
    return identity.name;
  }

  #holdBack(call: PeerCall): void {
    if (this.#options.eventsWaiting() <= eventsWaitingMax || call.isPaused()) return;
    call.pause();
    const look = (): void => {
      if (call.destroyed) return;
      if (this.#options.eventsWaiting() > eventsWaitingMax / 2) setImmediate(look);
      else call.resume();
    };
    setImmediate(look);
  }
}
