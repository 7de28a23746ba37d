/** How large a request is on the wire, about and never much too little: enough to fill frames and keep bounds without encoding twice. */
import type { Request } from '../../core/wire/generated/engram/v1/service.js';

const fieldBytes = 8;
const headerBytes = 64;

export function requestBytes({ header, body }: Request): number {
  const token = header?.sessionToken.length ?? 0;
  const space = 3 * (header?.space.length ?? 0);
  return headerBytes + token + space + bodyBytes(body);
}

function bodyBytes(body: Request['body']): number {
  switch (body?.$case) {
    case 'remember':
      return body.value.episode.length + body.value.context.length + 2 * fieldBytes;
    case 'update':
      return body.value.episode.length + body.value.context.length + body.value.expectedVersion.length + 3 * fieldBytes;
    case 'rememberBatch':
      return body.value.episodes.reduce((sum, episode) => sum + episode.length + fieldBytes, 0);
    case 'get':
      return 3 * body.value.id.length + fieldBytes;
    case 'forget':
      return 3 * body.value.id.length + body.value.context.length + body.value.expectedVersion.length + 3 * fieldBytes;
    case 'recall': {
      const { embedding, embedder, who, where, tags } = body.value;
      const tagBytes = tags.reduce((sum, tag) => sum + 3 * tag.length + fieldBytes, 0);
      return 4 * embedding.length + 3 * (embedder.length + who.length + where.length) + tagBytes + 8 * fieldBytes;
    }
    default:
      return fieldBytes;
  }
}
