/**
 * Datagrams over UDP, IPv4 and IPv6: what the core's membership sends, and what anybody sends to it.
 *
 * Whoever can reach the port can send anything, as fast as he likes. So what is taken in one turn of the event loop is bounded, what waits beyond is
 * bounded too, and the rest is dropped and counted: a flood costs datagrams, which may be lost anyway, and neither memory nor the node's other work.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { hostOf, joined, portOf } from '../config/addresses.js';
import { plainBytes } from '../grpc/service-definitions.js';
import type { Tell } from '../node/runtime-events.js';

/** Handed on in one turn of the event loop, at most. */
export const datagramsPerTurnMax = 64;
/** Wait for later turns, at most. */
export const datagramsWaitingMax = 1_024;
const receiveBufferBytes = 2 ** 20;
const failureToldEveryMs = 10_000;

export interface DatagramCounts {
  readonly sent: number;
  readonly sentBytes: number;
  readonly received: number;
  readonly receivedBytes: number;
  /** The operating system refused to send: no route, a full buffer, an address of the other family. */
  readonly sendErrors: number;
  /** Came faster than they could be taken. */
  readonly overflowed: number;
}

export type Receive = (from: string, bytes: Uint8Array) => void;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly from: string;
}

export class DatagramSocket {
  readonly #socket: Socket;
  readonly #isIPv6: boolean;
  readonly #tell: Tell;
  readonly #waiting: Waiting[] = [];
  readonly #counts = { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0, sendErrors: 0, overflowed: 0 };
  #receive: Receive | null = null;
  #takenInTurn = 0;
  #turnEnds = false;
  #closed = false;
  #failuresUntold = 0;
  #failureToldMs = Number.NEGATIVE_INFINITY;

  private constructor(socket: Socket, isV6: boolean, tell: Tell) {
    this.#socket = socket;
    this.#isIPv6 = isV6;
    this.#tell = tell;
    socket.on('message', (bytes, remote) => this.arrived(plainBytes(bytes), remote));
    socket.on('error', (error) => this.#failed('', error));
  }

  /** Binds `host:port`, the host an IP address; port 0 takes a free one. Rejects with what the operating system said. */
  static async open(address: string, tell: Tell): Promise<DatagramSocket> {
    const host = hostOf(address);
    const isV6 = isIPv6(host);
    const socket = createSocket({
      type: isV6 ? 'udp6' : 'udp4',
      // Addresses are numbers here: nothing is ever looked up, and a send never waits for a name server.
      lookup: (name, _options, done) => done(null, name, isV6 ? 6 : 4),
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address: host, port: portOf(address), exclusive: true }, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    socket.setRecvBufferSize(receiveBufferBytes);
    return new DatagramSocket(socket, isV6, tell);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  get counts(): DatagramCounts {
    return { ...this.#counts };
  }

  /** Who hears datagrams from now on; those of before are dropped. */
  start(receive: Receive): void {
    this.#receive = receive;
  }

  /** Sends, or counts why not. The bytes are not changed after the call. */
  send(to: string, packet: Uint8Array): void {
    if (this.#closed) return;
    const host = hostOf(to);
    const target = this.#isIPv6 && !isIPv6(host) ? `::ffff:${host}` : host;
    this.#counts.sent += 1;
    this.#counts.sentBytes += packet.length;
    try {
      this.#socket.send(packet, portOf(to), target, (error) => {
        if (error !== null) this.#failed(to, error);
      });
    } catch (error) {
      this.#failed(to, error as Error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting.length = 0;
    this.#socket.close();
  }

  /** A datagram has come up from the operating system, which hands over as many in one turn as it pleases. */
  arrived(bytes: Uint8Array, { address, port }: Pick<RemoteInfo, 'address' | 'port'>): void {
    this.#counts.received += 1;
    this.#counts.receivedBytes += bytes.length;
    if (this.#receive === null || this.#closed) return;
    if (this.#waiting.length >= datagramsWaitingMax) {
      this.#counts.overflowed += 1;
      return;
    }
    const from = joined(address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address, port);
    if (this.#takenInTurn < datagramsPerTurnMax && this.#waiting.length === 0) {
      this.#takenInTurn += 1;
      this.#receive(from, bytes);
    } else {
      this.#waiting.push({ bytes, from });
    }
    this.#endTurnSoon();
  }

  #endTurnSoon(): void {
    if (this.#turnEnds) return;
    this.#turnEnds = true;
    setImmediate(() => {
      this.#turnEnds = false;
      const taken = this.#waiting.splice(0, datagramsPerTurnMax);
      this.#takenInTurn = taken.length;
      for (const { bytes, from } of taken) this.#receive?.(from, bytes);
      if (taken.length > 0) this.#endTurnSoon();
    });
  }

  #failed(to: string, error: Error): void {
    this.#counts.sendErrors += 1;
    this.#failuresUntold += 1;
    const nowMs = performance.now();
    if (this.#closed || nowMs - this.#failureToldMs < failureToldEveryMs) return;
    this.#failureToldMs = nowMs;
    this.#tell({ kind: 'datagrams.failed', to, reason: error.message, count: this.#failuresUntold });
    this.#failuresUntold = 0;
  }
}
