/**
 * The HTTP side of a node: what orchestrators and monitoring ask for. Routes are a Hono application, so that handlers run without a socket and others can be
 * added beside them; this file only gives them a port.
 */
import { createServer, type Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { hostOf, portOf, withPort } from '../config/addresses.js';

/** A client that sends its request this slowly is cut off. */
const requestMsMax = 10_000;
const connectionsMax = 256;

export class HttpServer {
  readonly #server: Server;
  /** The address that it listens on, with the port that it got. */
  address = '';

  constructor(routes: Hono) {
    this.#server = createServer({ requestTimeout: requestMsMax, headersTimeout: requestMsMax }, getRequestListener(routes.fetch));
    this.#server.maxConnections = connectionsMax;
  }

  /** Binds `host:port`; port 0 takes a free one. Rejects with what the operating system said. */
  async listen(address: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: hostOf(address), port: portOf(address), exclusive: true }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.address = withPort(address, (this.#server.address() as { port: number }).port);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
