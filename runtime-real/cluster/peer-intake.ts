/** The streams that other nodes have opened to this node: says hello back, hands their messages to the core, answers heartbeats. */
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import type { NodeId } from '../../core/identifiers.js';
import type { PeerFrame } from '../../core/wire/generated/engram/v1/cluster.js';
import type { Tell } from '../node/runtime-events.js';
import { type Greeting, type HelloKeys, helloOf, identityOf, type PeerIdentity } from './peer-hello.js';
import { SilenceWatch } from './silence-watch.js';

type PeerCall = ServerDuplexStream<PeerFrame, PeerFrame>;

/** While so many events wait for their turn, streams of peers are not read. */
const eventsWaitingMax = 8_192;
/** Strangers may call: of so many streams at once the rest is turned away. */
const streamsMax = 4_096;

export interface PeerIntakeOptions {
  /** As this node is now. */
  readonly own: () => PeerIdentity;
  readonly keys: HelloKeys;
  /** Whether this one is to be talked to: what is to be said to it; or why not, in words. */
  readonly admit: (caller: PeerIdentity) => Greeting | string;
  readonly receive: (message: Uint8Array) => void;
  readonly eventsWaiting: () => number;
  readonly tell: Tell;
}

export class PeerIntake {
  readonly #options: PeerIntakeOptions;
  /** By member: a later stream takes the place of an earlier one. */
  readonly #calls = new Map<NodeId, PeerCall>();
  readonly #all = new Set<PeerCall>();
  #lastRefusal = '';

  constructor(options: PeerIntakeOptions) {
    this.#options = options;
  }

  take(call: PeerCall): void {
    let node: NodeId | null = null;
    const end = (): void => {
      watch.stop();
      this.#all.delete(call);
      if (node !== null && this.#calls.get(node) === call) this.#calls.delete(node);
    };
    const watch = new SilenceWatch({
      beat: () => node !== null && call.writableLength === 0 && call.write({ hello: undefined, messages: [] }),
      silent: () => {
        end();
        call.destroy();
      },
    });
    this.#all.add(call);
    call.on('data', (frame: PeerFrame) => {
      watch.heard();
      if (node === null) {
        node = this.#greet(call, frame);
        if (node === null) end();
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

  /** Ends all streams; others are taken, and hear who this node is by then. */
  hangUp(): void {
    for (const call of this.#all) call.end();
  }

  /** Ends the stream of one node: another one hears what has changed for it. */
  hangUpOn(node: NodeId): void {
    this.#calls.get(node)?.end();
  }

  #greet(call: PeerCall, frame: PeerFrame): NodeId | null {
    const { admit, keys, tell } = this.#options;
    const own = this.#options.own();
    const identity = identityOf(frame.hello, own, { name: null, keys });
    const isCrowded = this.#all.size > streamsMax;
    const greeting = typeof identity === 'string' ? identity : isCrowded ? `${streamsMax} streams are open here` : admit(identity);
    if (typeof identity === 'string' || typeof greeting === 'string') {
      const reason = String(typeof identity === 'string' ? identity : greeting);
      const member = frame.hello?.name ?? '';
      const refusal = `${member} ${call.getPeer().replace(/:\d+$/, '')} ${reason}`;
      if (refusal !== this.#lastRefusal) tell({ kind: 'stream.refused', member, reason, isStarting: false });
      this.#lastRefusal = refusal;
      call.emit('error', { code: status.FAILED_PRECONDITION, details: `${own.name} refuses: ${reason}` });
      return null;
    }
    this.#calls.get(identity.nodeId)?.end();
    this.#calls.set(identity.nodeId, call);
    call.write({ hello: helloOf(own, keys, greeting), messages: [] });
    return identity.nodeId;
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
