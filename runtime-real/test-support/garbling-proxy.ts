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

/** Which bytes no longer pass: those on their way to the target, those coming back, or both. */
export type Silence = 'there' | 'back' | 'both';

interface Connection {
  readonly near: Socket;
  readonly far: Socket;
  /** Once it is silent nothing that happens at one end is told to the other either: no FIN, no RST. */
  silent: Silence | null;
}

export class GarblingProxy {
  /** What happens to bytes on their way to the target from now on. */
  mischief: Mischief = { kind: 'none' };
  connections = 0;
  flipped = 0;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #joined = new Set<Connection>();
  #letGo: () => void = () => {};
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
    for (const { near, far } of this.#joined) {
      near.destroy();
      far.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The connections that stand become half-open, as after a router forgot them; later ones are as before. Returns how many there are. */
  goSilent(way: Silence): number {
    for (const connection of this.#joined) connection.silent = way;
    return this.#joined.size;
  }

  /** Resolves once the target has closed its ends of all connections that have gone silent. */
  targetLetGo(): Promise<void> {
    return new Promise((resolve) => {
      this.#letGo = () => {
        if ([...this.#joined].every(({ silent, far }) => silent === null || far.destroyed)) resolve();
      };
      this.#letGo();
    });
  }

  #join(near: Socket): void {
    this.connections += 1;
    const far = connect(this.#target);
    const connection: Connection = { near, far, silent: null };
    this.#joined.add(connection);
    let passed = 0;
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on('error', () => {});
      socket.on('close', () => {
        if (connection.silent === null) other.destroy();
        if (other.destroyed) this.#joined.delete(connection);
        this.#letGo();
      });
    }
    near.on('data', (bytes) => {
      if (connection.silent === 'there' || connection.silent === 'both') return;
      const rest = this.#garbled(bytes, passed);
      passed += bytes.length;
      if (rest === null) near.destroy();
      else if (rest.length > 0) far.write(rest);
    });
    far.on('data', (bytes) => {
      const isHeld = this.mischief.kind === 'swallow' || connection.silent === 'back' || connection.silent === 'both';
      if (!isHeld) near.write(bytes);
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
