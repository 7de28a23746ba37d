/**
 * Encoding of service messages with one writer for all: it resets itself when it has finished, and a new one for each message costs more than the message.
 */
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { Episode, Reply, Request } from '../core/wire/generated/engram/v1/service.js';

const writer = new BinaryWriter();

export function encodeRequest(request: Request): Uint8Array {
  return Request.encode(request, writer).finish();
}

export function encodeReply(reply: Reply): Uint8Array {
  return Reply.encode(reply, writer).finish();
}

export function encodeEpisode(episode: Episode): Uint8Array {
  return Episode.encode(episode, writer).finish();
}
