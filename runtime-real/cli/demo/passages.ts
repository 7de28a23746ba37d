/**
 * The sample data: passages of real software documentation with embeddings that the model all-MiniLM-L6-v2 made of them, from the package
 * @sap-ux/fiori-docs-embeddings (Apache-2.0).
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EngramError } from '../../../core/errors.js';
import type { EpisodeInput } from '../../client/types.js';

export interface Passage {
  readonly title: string;
  readonly episode: EpisodeInput & { readonly id: string; readonly text: string };
  readonly vector: Float32Array;
}

export interface Passages {
  readonly all: readonly Passage[];
  /** What made the vectors. */
  readonly embedder: string;
  readonly dimensions: number;
}

interface PassageRecord {
  readonly id: string;
  readonly content: string;
  readonly title: string;
  readonly category: string;
  readonly path: string;
  readonly tags_json?: string;
  readonly lastModified: string;
}

interface Metadata {
  readonly model: string;
  readonly dimensions: number;
}

/** What a node takes at most. */
const tagsMax = 16;
const tagLengthMax = 60;

export function readPassages(): Passages {
  const folder = dataFolder();
  const { model, dimensions } = JSON.parse(readFileSync(join(folder, 'metadata.json'), 'utf8')) as Metadata;
  const lines = readFileSync(join(folder, 'records.jsonl'), 'utf8').trim().split('\n');
  const file = readFileSync(join(folder, 'embeddings.bin'));
  const floats = new Float32Array(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
  if (floats.length !== lines.length * dimensions) {
    throw new EngramError('INTERNAL', {
      message: `the sample data has ${floats.length} numbers for ${lines.length} passages of ${dimensions} each`,
    });
  }
  const all = lines.map((line, at) =>
    passageOf(JSON.parse(line) as PassageRecord, floats.subarray(at * dimensions, (at + 1) * dimensions)),
  );
  return { all, embedder: model.replace(/^.*\//, ''), dimensions };
}

function passageOf(record: PassageRecord, vector: Float32Array): Passage {
  const tags = (JSON.parse(record.tags_json ?? '[]') as string[]).filter((tag) => tag.length > 0 && tag.length <= tagLengthMax);
  const episode = {
    id: record.id,
    text: record.content,
    occurredAt: new Date(record.lastModified),
    who: record.category,
    where: record.path,
    tags: [...new Set(tags)].slice(0, tagsMax),
  };
  return { title: record.title, episode, vector };
}

function dataFolder(): string {
  const folder = join(dirname(fileURLToPath(import.meta.resolve('@sap-ux/fiori-docs-embeddings'))), 'data', 'embeddings');
  if (existsSync(join(folder, 'records.jsonl'))) return folder;
  throw new EngramError('INTERNAL', { message: 'the sample data of the demo is missing', hint: 'install the packages again: npm ci' });
}
