/**
 * Wider flow-control windows for a grpc-js server.
 *
 * HTTP/2 lets a sender have 64 KiB on the way by default, on a stream and on the whole connection: with event loops that turn every few milliseconds
 * that is a few MB/s. grpc-js has an option for its clients and none for its servers, so this reaches for two fields of its Server by name. A test
 * asks a real server what it offers; grpc-js is pinned. See docs/decisions/0007-wide-windows-by-private-fields.md.
 */
import type { Http2Server, ServerHttp2Session, ServerOptions } from 'node:http2';
import type { Server } from '@grpc/grpc-js';

/** What one stream may have on the way to us. */
export const streamWindowBytes = 4 * 2 ** 20;
/** What all streams of a connection together may have on the way. */
export const connectionWindowBytes = 8 * 2 ** 20;

interface InsideOfServer {
  readonly commonServerOptions?: ServerOptions;
  readonly http2Servers?: ReadonlyMap<Http2Server, unknown>;
}

/** Before the server binds. */
export function widenStreamWindows(server: Server): void {
  const { commonServerOptions } = server as unknown as InsideOfServer;
  if (commonServerOptions === undefined) return;
  commonServerOptions.settings = { ...commonServerOptions.settings, initialWindowSize: streamWindowBytes };
}

/** Once the server is bound. */
export function widenConnectionWindows(server: Server): void {
  const { http2Servers } = server as unknown as InsideOfServer;
  for (const http2Server of http2Servers?.keys() ?? []) {
    http2Server.on('session', (session: ServerHttp2Session) => session.setLocalWindowSize(connectionWindowBytes));
  }
}
