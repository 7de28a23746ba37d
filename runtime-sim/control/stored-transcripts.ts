/** Where the transcripts of the control log's moments are kept. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export function transcriptPath(name: string): string {
  return fileURLToPath(new URL(`transcripts/${name}.txt`, import.meta.url));
}

/** Empty when there is none yet. */
export function storedTranscript(name: string): string {
  return existsSync(transcriptPath(name)) ? readFileSync(transcriptPath(name), 'utf8') : '';
}
