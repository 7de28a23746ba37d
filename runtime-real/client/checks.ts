/**
 * Judges arguments before anything is encoded. JavaScript callers have no compiler, and what cannot be encoded must be their error: behind the
 * client it would stop the node. What can be encoded but makes no sense (an empty id, a confidence of 2) the node judges.
 */
import { EngramError } from '../../core/errors.js';
import type { BatchOptions, CallOptions, ConditionalWriteOptions, Cue, EpisodeInput, WriteOptions } from './types.js';

export const acknowledgements = ['local', 'one', 'quorum', 'all'] as const;
const u32Max = 2 ** 32 - 1;

export function wrongType(field: string, wanted: string, value: unknown): EngramError {
  const got = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
  return new EngramError('INVALID_ARGUMENT', { message: `${field} must be ${wanted}, got ${got}`, field });
}

export function wrongValue(field: string, wanted: string, value: unknown): EngramError {
  return new EngramError('INVALID_ARGUMENT', { message: `${field} must be ${wanted}, got ${shown(value)}`, field });
}

/** A value as a message shows it. Never throws, whatever it is given. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 100));
  if (value === null || typeof value !== 'object') return typeof value === 'function' ? 'a function' : String(value);
  return value instanceof Date ? 'an invalid Date' : Array.isArray(value) ? 'an array' : 'an object';
}

/** Half a surrogate pair has no UTF-8: it would be stored as U+FFFD, and two ids that differ in it would be one. */
export function checkText(value: unknown, field: string): asserts value is string {
  if (typeof value !== 'string') throw wrongType(field, 'a string', value);
  // In every Node from 20 on; the library of types that we compile against is older.
  if ((value as string & { isWellFormed(): boolean }).isWellFormed()) return;
  throw new EngramError('INVALID_ARGUMENT', {
    message: `${field} is not well-formed UTF-16: it holds half of a surrogate pair`,
    field,
    hint: 'cut text between characters, not within one; toWellFormed() replaces what is broken',
  });
}

function checkOptionalText(value: unknown, field: string): void {
  if (value !== undefined) checkText(value, field);
}

function checkTags(tags: unknown, field: string): void {
  if (tags === undefined) return;
  if (!(Array.isArray(tags) && tags.every((tag) => typeof tag === 'string'))) throw wrongType(field, 'an array of strings', tags);
  for (const [at, tag] of tags.entries()) checkText(tag, `${field}[${at}]`);
}

function checkObject(value: unknown, field: string): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongType(field, 'an object', value);
}

const textFields = ['id', 'text', 'embedder', 'who', 'where'] as const;

export function checkEpisode(episode: unknown): asserts episode is EpisodeInput {
  checkObject(episode, 'episode');
  const given = episode as Readonly<Record<keyof EpisodeInput, unknown>>;
  for (const name of textFields) if (given[name] !== undefined) checkText(given[name], `episode.${name}`);
  const { confidence, embedding, embed } = given;
  if (confidence !== undefined && typeof confidence !== 'number') throw wrongType('episode.confidence', 'a number in [0, 1]', confidence);
  if (embed !== undefined && typeof embed !== 'boolean') throw wrongType('episode.embed', 'true or false', embed);
  checkTags(given.tags, 'episode.tags');
  if (embedding !== undefined) return checkNumbers(embedding, 'episode.embedding');
  if (given.text !== undefined && given.text !== '') return;
  throw new EngramError('INVALID_ARGUMENT', {
    message: 'an episode needs a text or an embedding, and this one has neither',
    field: 'episode.text',
    hint: 'say what happened in text, or pass an embedding',
  });
}

export function checkCue(cue: unknown): asserts cue is Cue {
  checkObject(cue, 'cue');
  const given = cue as Readonly<Record<keyof Cue, unknown>>;
  for (const name of ['text', 'embedder', 'who', 'where'] as const) checkOptionalText(given[name], `cue.${name}`);
  checkTags(given.tags, 'cue.tags');
  const { confidenceMin } = given;
  if (confidenceMin === undefined) return;
  if (typeof confidenceMin !== 'number' || !(confidenceMin >= 0 && confidenceMin <= 1)) {
    throw wrongValue('cue.confidenceMin', 'a number in [0, 1]', confidenceMin);
  }
}

export function checkCallOptions(options: unknown): asserts options is CallOptions {
  checkObject(options, 'options');
  const { deadlineMs, signal } = options as Readonly<Record<keyof CallOptions, unknown>>;
  checkWhole(deadlineMs, 'deadlineMs');
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw wrongType('signal', 'an AbortSignal', signal);
}

export function checkWriteOptions(options: unknown): asserts options is WriteOptions & ConditionalWriteOptions {
  checkCallOptions(options);
  const { ack, expectedVersion } = options as Readonly<Record<keyof ConditionalWriteOptions, unknown>>;
  if (ack !== undefined && !(acknowledgements as readonly unknown[]).includes(ack)) {
    throw wrongValue('ack', `one of ${acknowledgements.join(', ')}`, ack);
  }
  if (expectedVersion === undefined) return;
  if (typeof expectedVersion !== 'string' || expectedVersion === '') {
    throw wrongValue('expectedVersion', 'the version of an earlier answer', expectedVersion);
  }
}

export function checkBatchOptions(options: unknown): asserts options is BatchOptions {
  checkWriteOptions(options);
  const given = options as Readonly<Record<keyof BatchOptions, unknown>>;
  for (const name of ['episodesMax', 'inFlightMax'] as const) checkWhole(given[name], name);
  for (const name of ['onAcknowledged', 'onRefused'] as const) {
    if (given[name] !== undefined && typeof given[name] !== 'function') throw wrongType(name, 'a function', given[name]);
  }
}

/** Text would be taken for a source of characters: only objects can be sources. */
export function checkSource(source: unknown): void {
  const isSource = typeof source === 'object' && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source);
  if (!isSource) throw wrongType('episodes', 'an iterable of episodes', source);
}

function checkWhole(value: unknown, field: string): void {
  if (value === undefined) return;
  const isWhole = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= u32Max;
  if (!isWhole) throw wrongValue(field, 'a whole number from 1 on', value);
}

/** 16 bytes. Zeros stand for no request id in the log. */
export function requestIdOf(given: unknown): Uint8Array {
  const isHex = typeof given === 'string' && /^[0-9a-fA-F]{32}$/.test(given);
  const bytes = isHex ? new Uint8Array(Buffer.from(given, 'hex')) : given;
  if (bytes instanceof Uint8Array && bytes.length === 16 && bytes.some((byte) => byte !== 0)) return bytes.slice();
  throw wrongValue('requestId', '32 hexadecimal digits or 16 bytes, not all zero', given);
}

/** The common case, quickly: a difference with itself is 0 for finite numbers only. */
function isFinite32(values: Float32Array): boolean {
  let sum = 0;
  for (let at = 0; at < values.length; at += 1) sum += values[at] - values[at];
  return sum === 0;
}

/** An array of numbers that 32-bit floats can hold, or INVALID_ARGUMENT naming `field` and position. */
export function checkNumbers(values: unknown, field: string): asserts values is ArrayLike<number> {
  const isList = Array.isArray(values) || values instanceof Float32Array || values instanceof Float64Array;
  if (!isList) throw wrongType(field, 'an array of numbers, a Float32Array or a Float64Array', values);
  const list = values as ArrayLike<unknown>;
  if (list.length === 0) {
    const hint = 'leave the embedding out where there is none';
    throw new EngramError('INVALID_ARGUMENT', { message: `${field} is empty`, field, hint });
  }
  if (values instanceof Float32Array && isFinite32(values)) return;
  for (let at = 0; at < list.length; at += 1) {
    const value = list[at];
    if (typeof value !== 'number') throw wrongType(`${field}[${at}]`, 'a number', value);
    if (!Number.isFinite(Math.fround(value))) {
      const message = `${field}[${at}] is ${value}; embeddings hold finite 32-bit floats`;
      throw new EngramError('INVALID_ARGUMENT', { message, field: `${field}[${at}]`, hint: 'check what made the embedding' });
    }
  }
}
