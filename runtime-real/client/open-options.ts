/** What `openEngram` is given, and its judge: a store that runs with a number nobody meant shows it only later, when it hurts. */
import { defaultMemoryOptions, defaultStorageOptions, type MemoryOptions, type StorageOptions } from '../../core/configuration.js';
import type { DomainEvent } from '../../core/domain-events.js';
import { EngramError } from '../../core/errors.js';
import { shown, wrongType } from './checks.js';
import type { Embedder } from './embedder.js';

export interface OpenOptions {
  /** Where everything is kept; made when missing. One process at a time. */
  readonly dataDir: string;
  /** Bytes of recently used episodes kept in memory; everything else is read from disk when asked for. */
  readonly cacheBytesMax?: number;
  /** What texts are embedded with: the built-in one when absent, nothing when null. */
  readonly embedder?: Embedder | null;
  readonly storage?: Partial<StorageOptions>;
  readonly memory?: Partial<MemoryOptions>;
  /** What happens inside, as data: for logs and metrics. */
  readonly onEvent?: (event: DomainEvent) => void;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  /** A share, strictly between the two; whole otherwise. */
  readonly share?: boolean;
}

const int32Max = 2 ** 31 - 1;
const some: Bounds = { min: 1, max: int32Max };
const someOrNone: Bounds = { min: 0, max: int32Max };
const bytesOrNone: Bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };

const storageBounds: Readonly<Record<keyof StorageOptions, Bounds>> = {
  segmentBytes: { min: 4_096, max: int32Max },
  reserveStepBytes: { min: 4_096, max: int32Max },
  groupBytesMax: some,
  gatherBytesMax: some,
  cacheBytesMax: bytesOrNone,
  compactLiveShareMax: { min: 0, max: 1, share: true },
  retainGarbageBytesMax: bytesOrNone,
  gatherPauseMsMax: { min: 0, max: 1_000 },
  watermarkAfterQuietMs: some,
  fullRetryMs: some,
  scrubEveryMs: { min: 1_000, max: int32Max },
  scrubBytesPerSecond: someOrNone,
};

const memoryBounds: Readonly<Record<keyof MemoryOptions, Bounds>> = {
  textBytesMax: some,
  dimensionsMax: some,
  recallLimitMax: some,
  alternatesListedMax: someOrNone,
  retryWindowMs: someOrNone,
  supersededRequestIdsMax: someOrNone,
  deadlineMsDefault: some,
  deadlineMsMax: some,
  sessionWaitMs: someOrNone,
  requestsWaitingMax: some,
  foreignClockAheadMsMax: someOrNone,
};

const names: readonly string[] = ['dataDir', 'cacheBytesMax', 'embedder', 'storage', 'memory', 'onEvent'] satisfies (keyof OpenOptions)[];

export function checkOpenOptions(options: OpenOptions): void {
  if (typeof options !== 'object' || options === null || typeof options.dataDir !== 'string' || options.dataDir === '') {
    throw refused('openEngram needs a data directory', 'dataDir', "pass { dataDir: './engram-data' }");
  }
  if (options.dataDir.includes('\0')) throw refused('dataDir holds a NUL character', 'dataDir', 'no path can hold one');
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw refused(`openEngram has no option ${name}`, name, `the options are ${names.join(', ')}`);
  }
  if (options.cacheBytesMax !== undefined) checkNumber(options.cacheBytesMax, 'cacheBytesMax', bytesOrNone);
  checkNumbersOf(options.storage, 'storage', storageBounds, Object.keys(defaultStorageOptions));
  checkNumbersOf(options.memory, 'memory', memoryBounds, Object.keys(defaultMemoryOptions));
  const { embedder, onEvent } = options;
  if (onEvent !== undefined && typeof onEvent !== 'function') throw wrongType('onEvent', 'a function', onEvent);
  checkEmbedder(embedder);
}

export function checkEmbedder(embedder: unknown): void {
  if (embedder === undefined || embedder === null) return;
  const given = embedder as Readonly<Partial<Record<keyof Embedder, unknown>>>;
  if (typeof embedder !== 'object' || typeof given.embed !== 'function' || typeof given.name !== 'string') {
    throw wrongType('embedder', 'an Embedder (name, dimensions, embed) or null', embedder);
  }
}

function checkNumbersOf(
  given: object | undefined,
  group: string,
  bounds: Readonly<Record<string, Bounds>>,
  known: readonly string[],
): void {
  if (given === undefined) return;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw wrongType(group, 'an object', given);
  for (const [name, value] of Object.entries(given)) {
    const field = `${group}.${name}`;
    if (!known.includes(name)) throw refused(`there is no option ${field}`, field, `${group} has the options ${known.join(', ')}`);
    checkNumber(value, field, bounds[name] as Bounds);
  }
}

function checkNumber(value: unknown, field: string, { min, max, share = false }: Bounds): void {
  const isInside = share
    ? typeof value === 'number' && value > min && value < max
    : typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
  if (isInside) return;
  const allowed = share ? `a number between ${min} and ${max}, both excluded` : `a whole number from ${min} to ${max}`;
  throw refused(`${field} must be ${allowed}, got ${shown(value)}`, field, `give ${allowed}, or leave it out`);
}

function refused(message: string, field: string, hint: string): EngramError {
  return new EngramError('INVALID_ARGUMENT', { message, field, hint });
}
