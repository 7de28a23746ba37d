/** From what an application says to the encoded Episode that is sent and stored, and back. */
import { createHash } from 'node:crypto';
import { EngramError } from '../../core/errors.js';
import type { PureFunctions } from '../../core/pure-functions.js';
import { decodeEpisode, encodeEpisode } from '../../core/wire/episode.js';
import type { Memory as WireMemory } from '../../core/wire/generated/engram/v1/service.js';
import { checkEpisode, shown, wrongType } from './checks.js';
import type { EpisodeInput, Memory } from './types.js';

/** An episode ready to be sent. */
export interface EncodedEpisode {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** The vector that goes with an episode and what made it. */
export interface EpisodeVector {
  readonly embedding: ArrayLike<number>;
  readonly embedder: string;
}

/** Whether the client's embedder should make this episode's embedding. */
export function wantsEmbedding(episode: EpisodeInput): boolean {
  return episode.embed !== false && episode.embedding === undefined && episode.text !== undefined && episode.text !== '';
}

/** Encodes an episode. Checks only what would be lost or changed in encoding; the node judges the rest. */
export function encodeEpisodeInput(episode: EpisodeInput, made: EpisodeVector | null, pure: PureFunctions): EncodedEpisode {
  checkEpisode(episode);
  const occurredAtMs = episode.occurredAt === undefined ? null : milliseconds(episode.occurredAt, 'episode.occurredAt');
  const embedding = made?.embedding ?? episode.embedding ?? null;
  const id = episode.id ?? derivedId(episode, occurredAtMs);
  const content = {
    id,
    text: episode.text ?? '',
    embedding: embedding === null ? null : floatsOf(embedding),
    confidence: episode.confidence ?? 1,
    occurredAtMs,
    who: episode.who ?? '',
    where: episode.where ?? '',
    tags: episode.tags ?? [],
    embedder: made?.embedder ?? episode.embedder ?? '',
  };
  return { id, bytes: encodeEpisode(content, pure) };
}

function floatsOf(values: ArrayLike<number>): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

/** Milliseconds since 1970, or INVALID_ARGUMENT naming `field`. */
export function milliseconds(time: Date | number, field: string): number {
  const value = time instanceof Date ? time.getTime() : time;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new EngramError('INVALID_ARGUMENT', {
    message: `${field} must be a Date or whole milliseconds since 1970, got ${shown(time)}`,
    field,
  });
}

/** A memory as it came, decoded. */
export function memoryOf(wire: WireMemory, pure: PureFunctions): Memory {
  const episode = decodeEpisode(wire.episode, pure);
  if (episode === null) throw new EngramError('INTERNAL', { message: 'the answer holds a memory that is no episode' });
  const { id, text, embedding, embedder, who, where, tags } = episode;
  const confidence = wire.confidence;
  // Field by field: a spread of this many costs microseconds.
  return {
    id,
    text,
    embedding,
    embedder,
    confidence: {
      stored: confidence?.stored ?? episode.confidence,
      noNewerVersion: confidence?.noNewerVersion ?? 1,
      inTopK: confidence?.inTopK ?? 1,
      adjusted: confidence?.adjusted ?? episode.confidence,
      reasons: confidence?.reasons ?? [],
    },
    occurredAtMs: episode.occurredAtMs ?? wire.writtenAtMs,
    writtenAtMs: wire.writtenAtMs,
    who,
    where,
    tags,
    version: tokenText(wire.version),
  };
}

/** Versions and contexts are bytes on the wire and text in applications. */
export function tokenText(bytes: Uint8Array): string {
  if (bytes.length === 0) return '';
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

export function tokenBytes(text: string | undefined, field: string): Uint8Array {
  if (text === undefined) return new Uint8Array(0);
  if (typeof text !== 'string') throw wrongType(field, 'a token that Engram gave out', text);
  if (/^[A-Za-z0-9_-]*$/.test(text)) return new Uint8Array(Buffer.from(text, 'base64url'));
  throw new EngramError('INVALID_ARGUMENT', { message: `${field} is not a token that Engram gave out: ${shown(text)}`, field });
}

/** What the episode says, not how it was embedded or believed: saying the same again is the same memory. */
function derivedId(episode: EpisodeInput, occurredAtMs: number | null): string {
  const said: unknown[] = [episode.text ?? '', episode.who ?? '', episode.where ?? '', occurredAtMs, episode.tags ?? []];
  if (episode.text === undefined || episode.text === '') said.push(Array.from(episode.embedding ?? []));
  return createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, 32);
}
