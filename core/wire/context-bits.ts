/**
 * A 32-bit signature of an episode's context (who, where, tags): a row can only match a cue if it has all bits of the cue's. A scan drops most
 * of what does not match by one AND; what is left is compared in full. Two bits for each part, after Bloom (1970).
 */
import type { PureFunctions } from '../pure-functions.js';

export interface EpisodeContext {
  /** Empty: none. */
  readonly who: string;
  readonly where: string;
  readonly tags: readonly string[];
}

/** Hash state after a part's prefix, so that `who` Ann and tag Ann get bits of their own. */
export const contextParts = { who: prefixHash('who:'), where: prefixHash('where:'), tag: prefixHash('tag:') } as const;

/** The signature of a whole context; 0 for an empty one, which every row matches. Equal to what EpisodeView finds in the encoded episode. */
export function contextBitsOf({ who, where, tags }: EpisodeContext, pure: PureFunctions): number {
  let bits = 0;
  if (who !== '') bits |= bitsOfText(contextParts.who, who, pure);
  if (where !== '') bits |= bitsOfText(contextParts.where, where, pure);
  for (const tag of tags) bits |= bitsOfText(contextParts.tag, tag, pure);
  return bits >>> 0;
}

/** The bits of one part: FNV-1a over its bytes, then the finaliser of MurmurHash3, of which ten bits choose two. */
export function contextPartBits(part: number, bytes: Uint8Array, offset: number, length: number): number {
  let hash = part;
  for (let at = offset; at < offset + length; at += 1) hash = Math.imul(hash ^ bytes[at], 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  hash ^= hash >>> 16;
  return ((1 << (hash & 31)) | (1 << ((hash >>> 5) & 31))) >>> 0;
}

function bitsOfText(part: number, text: string, pure: PureFunctions): number {
  const bytes = pure.utf8Encode(text);
  return contextPartBits(part, bytes, 0, bytes.length);
}

function prefixHash(prefix: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < prefix.length; at += 1) hash = Math.imul(hash ^ prefix.charCodeAt(at), 0x01000193);
  return hash;
}
