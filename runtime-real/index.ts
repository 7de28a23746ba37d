/** What an application may import: `import { openEngram } from 'engram'`. Everything else may change without notice. */
export type { DomainEvent } from '../core/domain-events.js';
export { EngramError, type ErrorCode } from '../core/errors.js';
export { connectEngram } from './client/connect.js';
export type { ConnectOptions } from './client/connect-options.js';
export { type Embedder, type NgramEmbedderOptions, ngramEmbedder } from './client/embedder.js';
export type { Engram } from './client/engram.js';
export { type OpenAiEmbedderOptions, openAiEmbedder } from './client/http-embedder.js';
export { openEngram } from './client/open.js';
export type { OpenOptions } from './client/open-options.js';
export type { Space } from './client/space.js';
export type {
  Acknowledged,
  Acknowledgement,
  Answerer,
  BatchOptions,
  BatchSummary,
  CallOptions,
  ConditionalWriteOptions,
  Cue,
  Embedding,
  EpisodeInput,
  GotMemory,
  Memory,
  MemoryConfidence,
  Recalled,
  RecalledMemory,
  Refused,
  SpaceStatus,
  Status,
  WriteOptions,
  WriteResult,
} from './client/types.js';
