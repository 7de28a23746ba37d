/** JSON lines from a stream, one at a time and never more than one line ahead; each is an episode or the reason why it is none. */
import type { Readable } from 'node:stream';
import { EngramError } from '../../core/errors.js';
import { suggestion } from '../../core/nearest-names.js';
import type { EpisodeInput } from '../client/types.js';

/** A text of 1 MiB whose every character is escaped, beside an embedding of 8,192 numbers. */
export const lineBytesMax = 8 * 2 ** 20;
const newline = 10;

export interface ImportLine {
  /** From 1. */
  readonly number: number;
  /** Bytes read so far, this line included. */
  readonly bytesRead: number;
  readonly episode: EpisodeInput | EngramError;
}

interface RawLine {
  readonly bytes: Buffer | null;
  readonly length: number;
}

export async function* importLines(stream: Readable): AsyncGenerator<ImportLine> {
  let number = 0;
  let bytesRead = 0;
  for await (const line of rawLines(stream)) {
    number += 1;
    bytesRead += line.length + 1;
    const episode = line.bytes === null ? tooLong(line.length) : episodeOfLine(line.bytes, number === 1);
    if (episode !== null) yield { number, bytesRead, episode };
  }
}

/** Lines without their ends; of one that is too long only the length is kept. */
async function* rawLines(stream: Readable): AsyncGenerator<RawLine> {
  let parts: Buffer[] = [];
  let length = 0;
  const take = (): RawLine => {
    const line = { bytes: length > lineBytesMax ? null : parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts), length };
    parts = [];
    length = 0;
    return line;
  };
  const keep = (part: Buffer): void => {
    length += part.length;
    if (length > lineBytesMax) parts = [];
    else parts.push(part);
  };
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      keep(chunk.subarray(from, end));
      yield take();
      from = end + 1;
    }
    if (from < chunk.length) keep(chunk.subarray(from));
  }
  if (length > 0) yield take();
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Null for an empty line. */
function episodeOfLine(bytes: Buffer, first: boolean): EpisodeInput | EngramError | null {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return refused('the line is not UTF-8', 'save the file in UTF-8');
  }
  if (first && text.startsWith('\ufeff')) text = text.slice(1);
  if (text.trim() === '') return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return refused(`the line is not JSON: ${why}`, 'each line holds one JSON object, whole');
  }
  return episodeOfJson(value);
}

const fields = ['id', 'text', 'embedding', 'embedder', 'embed', 'confidence', 'occurredAt', 'who', 'where', 'tags'];

/** An episode from JSON: its fields are those of EpisodeInput, with times as text or milliseconds. A name that is not known is an error, not a loss. */
export function episodeOfJson(value: unknown): EpisodeInput | EngramError {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refused('an episode is a JSON object', 'for instance {"id": "a-1", "text": "what happened"}');
  }
  for (const [name, part] of Object.entries(value)) {
    if (!fields.includes(name)) {
      return refused(`an episode has no field ${JSON.stringify(name)}`, suggestion(name, fields), `episode.${name}`);
    }
    if (part === null) return refused(`episode.${name} is null`, 'leave out what there is not', `episode.${name}`);
  }
  const input = value as EpisodeInput & { occurredAt?: unknown };
  if (typeof input.occurredAt !== 'string') return input;
  const occurredAt = new Date(input.occurredAt);
  if (!Number.isNaN(occurredAt.getTime())) return { ...input, occurredAt };
  return refused(
    `episode.occurredAt is no time: ${JSON.stringify(input.occurredAt)}`,
    'write it like 2026-05-01T12:30:00Z',
    'episode.occurredAt',
  );
}

function tooLong(length: number): EngramError {
  return refused(`the line has ${length} bytes, ${lineBytesMax} at most are read`, 'remember long texts in parts');
}

function refused(message: string, hint: string, field?: string): EngramError {
  return new EngramError('INVALID_ARGUMENT', { message, hint, ...(field === undefined ? {} : { field }) });
}
