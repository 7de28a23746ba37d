/**
 * This node's own stream to one member: dials, says hello, carries messages up, and dials again whenever it breaks or falls silent.
 *
 * A peer that is slow, stopped or gone costs a bounded queue and nothing to the others: what finds no room is dropped and counted, and the core's peer
 * fetches what it misses.
 */
import { Client, type ClientDuplexStream, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { PeerFrame } from '../../core/wire/generated/engram/v1/cluster.js';
import { frameBytesMax, peerChannelOptions } from '../grpc/channel-options.js';
import { clusterService } from '../grpc/service-definitions.js';
import type { Tell } from '../node/runtime-events.js';
import { EncodedFrame } from './frame-memory.js';
import { type Greeting, type HelloKeys, helloOf, identityOf, type PeerIdentity } from './peer-hello.js';
import { SilenceWatch, silenceMsMax } from './silence-watch.js';

const queueBytesMax = 32 * 2 ** 20;
/** While nobody listens only the newest moment is worth keeping. */
const queueBytesMaxUnconnected = 64 * 2 ** 10;
/** Frames that the transport has not let go of yet; meanwhile messages gather for the next. */
const framesUnderWayMax = 2;
const backOffMsMin = 50;
const backOffMsMax = 1_000;
const droppedToldEveryMs = 1_000;

const frameBytesAtFirst = 64 * 2 ** 10;

type PeerCall = ClientDuplexStream<PeerFrame | EncodedFrame, PeerFrame>;

export interface PeerStreamOptions {
  readonly member: { readonly name: string; readonly address: string };
  /** As this node is when it says hello. */
  readonly own: () => PeerIdentity;
  readonly keys: HelloKeys;
  /** Who answers at the member's address, and what it says of this node. */
  readonly learnt: (identity: PeerIdentity, greeting: Greeting) => void;
  readonly tell: Tell;
}

export class PeerStream {
  readonly #options: PeerStreamOptions;
  #client: Client | null = null;
  #call: PeerCall | null = null;
  #watch: SilenceWatch | null = null;
  #redial: NodeJS.Timeout | null = null;
  /** The other side has said who it is: messages may go. */
  #open = false;
  #attempts = 0;
  #everOpened = false;
  #queue: Uint8Array[] = [];
  #queueBytes = 0;
  #framesUnderWay = 0;
  /** Memory of frames that the transport has let go of. At most as many as may be under way. */
  #idleFrames: EncodedFrame[] = [];
  #flushScheduled = false;
  #closed = false;
  #lastRefusal = '';
  #dropped = { messages: 0, bytes: 0 };
  #droppedToldMs = Number.NEGATIVE_INFINITY;

  constructor(options: PeerStreamOptions) {
    this.#options = options;
    this.#dial();
  }

  /** The stream stands, and the other side has answered on it within the bound. */
  get isOpen(): boolean {
    return this.#open;
  }

  send(message: Uint8Array): void {
    const bound = this.#open ? queueBytesMax : queueBytesMaxUnconnected;
    if (this.#queueBytes + message.length > bound && (this.#queue.length > 0 || !this.#open)) return this.#drop(message);
    this.#queue.push(message);
    this.#queueBytes += message.length;
    if (this.#flushScheduled || !this.#open) return;
    this.#flushScheduled = true;
    // After the turns that are being taken: their messages share a frame.
    queueMicrotask(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  /** Begins anew: the other side is told who this node is by now. */
  restart(): void {
    if (this.#open) this.#broken('this node says hello anew');
  }

  close(): void {
    this.#closed = true;
    if (this.#redial !== null) clearTimeout(this.#redial);
    this.#hangUp();
  }

  #dial(): void {
    const { exchange } = clusterService;
    this.#redial = null;
    // A connection of its own for each attempt: one that broke may sleep in a back-off of TCP for a long time.
    const client = new Client(this.#options.member.address, credentials.createInsecure(), peerChannelOptions);
    const call: PeerCall = client.makeBidiStreamRequest(
      exchange.path,
      (frame: PeerFrame | EncodedFrame) => (frame instanceof EncodedFrame ? frame.bytes : exchange.requestSerialize(frame)),
      exchange.responseDeserialize,
      new Metadata(),
    );
    this.#client = client;
    this.#call = call;
    this.#framesUnderWay = 0;
    const onlyIfCurrent = (act: () => void): void => {
      if (this.#call === call) act();
    };
    call.on('data', (frame: PeerFrame) => onlyIfCurrent(() => this.#heard(frame)));
    call.on('error', (error: ServiceError) => onlyIfCurrent(() => this.#broken(reasonOf(error), error.code === status.UNAVAILABLE)));
    call.on('end', () => onlyIfCurrent(() => this.#broken('the other side ended it')));
    this.#watch = new SilenceWatch({
      beat: () => this.#open && this.#framesUnderWay === 0 && call.write({ hello: undefined, messages: [] }),
      silent: () => onlyIfCurrent(() => this.#broken(`nothing was heard for ${silenceMsMax} ms`)),
    });
    call.write({ hello: helloOf(this.#options.own(), this.#options.keys), messages: [] });
  }

  #heard(frame: PeerFrame): void {
    this.#watch?.heard();
    if (this.#open) return;
    const { member, own, keys, learnt, tell } = this.#options;
    const identity = identityOf(frame.hello, own(), { name: member.name, keys });
    if (typeof identity === 'string') return this.#broken(identity);
    this.#open = true;
    this.#everOpened = true;
    this.#attempts = 0;
    this.#lastRefusal = '';
    tell({ kind: 'stream.opened', member: member.name, address: member.address });
    learnt(identity, { isRemoved: frame.hello?.isRemoved ?? false });
    this.#flush();
  }

  #flush(): void {
    while (this.#open && this.#queue.length > 0 && this.#framesUnderWay < framesUnderWayMax) {
      const frame = this.#idleFrames.pop() ?? new EncodedFrame(frameBytesAtFirst);
      frame.write(this.#nextMessages());
      const call = this.#call as PeerCall;
      this.#framesUnderWay += 1;
      call.write(frame, () => {
        // Of a call that was given up nobody knows what it still holds: its frames are not used again.
        if (this.#call !== call) return;
        this.#framesUnderWay -= 1;
        if (frame.isKept) this.#idleFrames.push(frame);
        this.#flush();
      });
    }
  }

  #nextMessages(): Uint8Array[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length && (count === 0 || bytes + this.#queue[count].length <= frameBytesMax)) {
      bytes += this.#queue[count].length;
      count += 1;
    }
    this.#queueBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  #drop(message: Uint8Array): void {
    this.#dropped.messages += 1;
    this.#dropped.bytes += message.length;
    const now = performance.now();
    // While nobody listens that is no news.
    if (!this.#open || now - this.#droppedToldMs < droppedToldEveryMs) return;
    this.#options.tell({ kind: 'messages.dropped', member: this.#options.member.name, ...this.#dropped });
    this.#dropped = { messages: 0, bytes: 0 };
    this.#droppedToldMs = now;
  }

  #broken(reason: string, isAbsence = false): void {
    const { member, tell } = this.#options;
    if (this.#open) tell({ kind: 'stream.closed', member: member.name, reason });
    // Trying again every second is no news as long as the reason stays.
    else if (reason !== this.#lastRefusal) {
      tell({ kind: 'stream.refused', member: member.name, reason, isStarting: isAbsence && !this.#everOpened });
    }
    if (!this.#open) this.#lastRefusal = reason;
    this.#hangUp();
    if (this.#closed) return;
    const delayMsMax = Math.min(backOffMsMax, backOffMsMin * 2 ** Math.min(this.#attempts, 10));
    this.#attempts += 1;
    // Full jitter: those that lost the same peer at one moment do not come back at one moment.
    this.#redial = setTimeout(() => this.#dial(), Math.random() * delayMsMax).unref();
  }

  #hangUp(): void {
    const [call, client] = [this.#call, this.#client];
    this.#open = false;
    this.#call = null;
    this.#client = null;
    this.#queue = [];
    this.#queueBytes = 0;
    this.#watch?.stop();
    call?.cancel();
    client?.close();
  }
}

/** Without the frame that the transport puts around what the operating system said. */
function reasonOf({ details, message }: ServiceError): string {
  const said = details || message;
  return /Last error: (?:Error: )?(.+?)\. Resolution note:/s.exec(said)?.[1] ?? said;
}
