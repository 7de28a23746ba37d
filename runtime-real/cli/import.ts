/** `engram import`: a file of any size, read no faster than the disk takes it in; a bad line is named and the rest goes on. */
import { createReadStream, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { EngramError } from '../../core/errors.js';
import type { Acknowledged, Acknowledgement, EpisodeInput, Refused } from '../client/types.js';
import { importLines } from './import-lines.js';
import { count, exitCodes, plural } from './output.js';
import { progressBar } from './progress-bar.js';
import { onInterrupt, type Session } from './session.js';

export interface ImportOptions {
  /** Print the id of each episode as soon as it is durable. */
  readonly acknowledged?: boolean;
  readonly batch?: number;
  readonly ack?: Acknowledgement;
}

export async function importFile(session: Session, file: string, options: ImportOptions): Promise<number> {
  const { output, space } = session;
  const source = openSource(file);
  const progress = progressBar('import', source.bytes);
  /** Of each episode that was handed over and is not settled yet; what a full disk turned away stays. */
  const lineOf = new Map<number, number>();
  const startedAt = performance.now();
  const tally: Tally = { written: 0, duplicates: 0, refused: 0, seconds: 0 };
  let full: EngramError | null = null;
  let taken = 0;

  const report = (line: number, id: string, error: EngramError): void => {
    tally.refused += 1;
    progress.clear();
    if (output.json) output.answer({ line, id, error: errorJson(error) }, () => '');
    else
      output.remark(
        `${output.colors.red(`line ${line}`)} ${error.code}${error.field === undefined ? '' : ` (${error.field})`}: ${error.message}`,
      );
  };

  async function* episodes(): AsyncGenerator<EpisodeInput> {
    for await (const line of importLines(source.stream)) {
      if (full !== null) return;
      progress.update(line.bytesRead);
      if (line.episode instanceof EngramError) {
        report(line.number, '', line.episode);
        continue;
      }
      lineOf.set(taken, line.number);
      taken += 1;
      yield line.episode;
    }
  }

  const removeInterrupt = onInterrupt(() => {
    progress.stop();
    tally.seconds = (performance.now() - startedAt) / 1_000;
    reportInterrupted(session, tally);
  });
  try {
    const batch = {
      ack: options.ack,
      ...(options.batch === undefined ? {} : { episodesMax: options.batch }),
      onAcknowledged: (acknowledged: readonly Acknowledged[]): void => {
        for (const { index, duplicate } of acknowledged) {
          lineOf.delete(index);
          tally[duplicate ? 'duplicates' : 'written'] += 1;
        }
        if (options.acknowledged !== true) return;
        const lines = acknowledged.map(({ id }) => (output.json ? JSON.stringify({ acknowledged: id }) : id));
        process.stdout.write(`${lines.join('\n')}\n`);
      },
      onRefused: ({ index, id, error }: Refused): void => {
        if (error.code === 'STORAGE_FULL') {
          full ??= error;
          return;
        }
        report(lineOf.get(index) ?? 0, id, error);
        lineOf.delete(index);
      },
    };
    await space.rememberBatch(episodes(), batch).catch((error) => {
      if (!(error instanceof EngramError && error.code === 'STORAGE_FULL')) throw error;
      full ??= error;
    });
    progress.stop();
    tally.seconds = (performance.now() - startedAt) / 1_000;
    if (full !== null) reportFull(session, file, Math.min(...lineOf.values()), full);
    summarize(session, tally);
    return full !== null || tally.refused > 0 ? exitCodes.failed : exitCodes.ok;
  } finally {
    removeInterrupt();
    progress.stop();
    source.stream.destroy();
  }
}

interface Tally {
  written: number;
  duplicates: number;
  /** Lines; those that a full disk turned away do not count. */
  refused: number;
  seconds: number;
}

/** Everything before `line` is remembered or was named; beyond it some may be, and importing those again changes nothing. */
function reportFull({ output, options }: Session, file: string, line: number, error: EngramError): void {
  const place = options.server === undefined ? resolve(options.dataDir) : options.server.join(', ');
  const message = `the disk of ${place} is full: the import of ${file} stopped; free space and resume at line ${line}`;
  if (output.json) output.answer({ line, id: '', error: { ...errorJson(error), message } }, () => '');
  else output.remark(`${output.colors.red('error')} ${error.code}: ${message}`);
}

/** Of what was acknowledged by now; a little more may be on the disk. */
function reportInterrupted({ output, space }: Session, { written, duplicates, refused, seconds }: Tally): void {
  const figures = { space: space.name, written, duplicates, refused, seconds: Number(seconds.toFixed(3)), interrupted: true };
  if (output.json) return output.answer(figures, () => '');
  const already = duplicates > 0 ? `, ${count(duplicates)} were there already` : '';
  output.remark(
    `interrupted: ${plural(written, 'episode')} stored durably in space ${space.name}${already}; importing again goes on with the rest`,
  );
}

function summarize({ output, space }: Session, { written, duplicates, refused, seconds }: Tally): void {
  output.answer({ space: space.name, written, duplicates, refused, seconds: Number(seconds.toFixed(3)) }, () => {
    const parts = [`${plural(written, 'episode')} remembered in space ${space.name}`];
    if (duplicates > 0) parts.push(`${count(duplicates)} were there already`);
    if (refused > 0) parts.push(output.colors.red(`${plural(refused, 'line')} refused`));
    const synced = written > 0 ? ', every one synced to disk' : '';
    return `${parts.join(', ')} (${seconds.toFixed(2)} s${synced})`;
  });
}

function errorJson({ code, message, field, hint }: EngramError): object {
  return { code, message, field: field ?? null, hint };
}

function openSource(file: string): { stream: NodeJS.ReadStream | ReturnType<typeof createReadStream>; bytes: number } {
  if (file === '-') return { stream: process.stdin, bytes: 0 };
  try {
    const found = statSync(file);
    if (found.isDirectory()) throw new Error('it is a directory');
    return { stream: createReadStream(file), bytes: found.size };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const hint = 'give a file of JSON lines, or - for standard input';
    throw new EngramError('INVALID_ARGUMENT', { message: `cannot read ${file}: ${why}`, field: 'FILE', hint, cause: error });
  }
}
