/** A TCP proxy between a node and a peer that does to the bytes what bad networks do: flips them, cuts them off, or holds them back. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export type Mischief =
  | { readonly kind: 'none' }
  /** From each chunk of at least so many bytes one byte is changed. */
  | { readonly kind: 'flip'; readonly chunkBytesMin: number }
  /** After so many bytes the connection ends in the middle of whatever is being said. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** Nothing passes any more and nobody is told: a half-open connection. */
  | { readonly kind: 'swallow' };

export class GarblingProxy {
  /** What happens to bytes on their way to the target from now on. */
  mischief: Mischief = { kind: 'none' };
  connections = 0;
  flipped = 0;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(target: string) {
    const at = target.lastIndexOf(':');
    this.#target = { host: target.slice(0, at), port: Number(target.slice(at + 1)) };
    this.#server = createServer((socket) => this.#join(socket));
  }

  /** Listens on the port for connections to `target`, host:port. */
  static async open(port: number, target: string): Promise<GarblingProxy> {
    const proxy = new GarblingProxy(target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(port, '127.0.0.1', resolve);
    });
    return proxy;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket): void {
    this.connections += 1;
    const far = connect(this.#target);
    let passed = 0;
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    near.on('data', (bytes) => {
      const rest = this.#garbled(bytes, passed);
      passed += bytes.length;
      if (rest === null) near.destroy();
      else if (rest.length > 0) far.write(rest);
    });
    far.on('data', (bytes) => {
      if (this.mischief.kind !== 'swallow') near.write(bytes);
    });
  }

  #garbled(bytes: Buffer, passed: number): Buffer | null {
    switch (this.mischief.kind) {
      case 'none':
        return bytes;
      case 'swallow':
        return bytes.subarray(0, 0);
      case 'cut':
        return passed + bytes.length > this.mischief.afterBytes ? null : bytes;
      case 'flip':
        if (bytes.length < this.mischief.chunkBytesMin) return bytes;
        this.flipped += 1;
        bytes[Math.floor(bytes.length / 2)] ^= 0x20;
        return bytes;
    }
  }
}
