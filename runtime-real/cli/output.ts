/**
 * What the command line prints. People get tables and colours on standard output; with --json each answer is one object on one line and nothing
 * else is on standard output, errors included. Progress and logs go to standard error.
 */
import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';
import colors from 'picocolors';
import { EngramError } from '../../core/errors.js';
import type { Memory, RecalledMemory } from '../client/types.js';

export const exitCodes = { ok: 0, failed: 1, usage: 2, internal: 4 } as const;

const widthMin = 72;
const widthMax = 140;
/** Of the column that takes what is left. */
const restMin = 16;

export class Output {
  readonly json: boolean;
  readonly colors: ReturnType<typeof colors.createColors>;

  constructor(json: boolean) {
    this.json = json;
    this.colors = json ? colors.createColors(false) : colors;
  }

  /** One answer: `value` for programs, `text` for people. */
  answer(value: object, text: () => string): void {
    process.stdout.write(`${this.json ? JSON.stringify(value) : text()}\n`);
  }

  /** For people only. */
  say(text: string): void {
    if (!this.json) process.stdout.write(`${text}\n`);
  }

  /** For people, beside the answer: progress, notes. */
  remark(text: string): void {
    if (!this.json) process.stderr.write(`${text}\n`);
  }

  /** Prints the error and returns the exit code that goes with it. */
  error(error: unknown): number {
    const known = error instanceof EngramError ? error : internalError(error);
    const { code, message, field, hint } = known;
    if (this.json) {
      process.stdout.write(`${JSON.stringify({ error: { code, message, field: field ?? null, hint } })}\n`);
    } else {
      const place = field === undefined ? '' : ` (${field})`;
      process.stderr.write(`${this.colors.red('error')} ${code}${place}: ${message}\n${this.colors.dim('  what to do:')} ${hint}\n`);
      if (known.code === 'INTERNAL' && error instanceof Error && process.env.ENGRAM_STACK !== undefined)
        process.stderr.write(`${error.stack}\n`);
    }
    return code === 'INTERNAL' ? exitCodes.internal : exitCodes.failed;
  }

  usageError(text: string, hint: string): number {
    const message = text.trim();
    if (this.json) process.stdout.write(`${JSON.stringify({ error: { code: 'USAGE', message, field: null, hint } })}\n`);
    else process.stderr.write(`${this.colors.red('error')} ${message}\n${hint}\n`);
    return exitCodes.usage;
  }

  /**
   * A table as wide as the terminal. A column with a width grows until its widest cell fits: what was cut could not be told apart. The one without takes what is left, and
   * cuts or wraps; where little is left the table is wider than the terminal.
   */
  table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
    const width = Math.min(Math.max(process.stdout.columns ?? 110, widthMin), widthMax);
    const widths = columns.map((column, at) =>
      column.width === undefined ? 0 : Math.max(column.width, ...rows.map((row) => 2 + shownWidth(row[at] ?? ''))),
    );
    const rest = Math.max(
      restMin,
      widths.reduce((left, each) => left - each, width - columns.length - 1),
    );
    const table = new Table({
      head: columns.map(({ title }) => this.colors.bold(title)),
      colWidths: widths.map((each) => each || rest),
      colAligns: columns.map((column) => (column.right === true ? 'right' : 'left')),
      chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
      style: { head: [], border: this.colors.isColorSupported ? ['gray'] : [] },
    });
    table.push(...rows.map((row) => row.map((content, at) => (columns[at]?.wraps === true ? { content, wordWrap: true } : content))));
    return table.toString();
  }

  memories(memories: readonly RecalledMemory[], withScore: boolean): string {
    if (memories.length === 0) return this.colors.dim('nothing was recalled');
    const columns: Column[] = [
      { title: '#', width: 4, right: true },
      ...(withScore ? [{ title: 'score', width: 8, right: true }] : []),
      { title: 'conf.', width: 8, right: true },
      { title: 'when', width: 12 },
      { title: 'memory' },
    ];
    const rows = memories.map((memory, at) => [
      String(at + 1),
      ...(withScore ? [memory.score.toFixed(3)] : []),
      percent(memory.confidence.adjusted),
      new Date(memory.occurredAtMs).toISOString().slice(0, 10),
      `${this.colors.cyan(oneLine(memory.id, 60))}\n${oneLine(memory.text, 60)}`,
    ]);
    return this.table(columns, rows);
  }
}

export interface Column {
  readonly title: string;
  /** At least; without one the column takes what the others leave. */
  readonly width?: number;
  readonly right?: boolean;
  /** A cell that does not fit goes on in the next line, instead of being cut. */
  readonly wraps?: boolean;
}

/** The fields of a memory as --json prints them. */
export function memoryJson(memory: Memory, withEmbedding: boolean): object {
  const { embedding, occurredAtMs, writtenAtMs, ...rest } = memory;
  return {
    ...rest,
    occurredAt: new Date(occurredAtMs).toISOString(),
    writtenAt: new Date(writtenAtMs).toISOString(),
    ...(withEmbedding ? { embedding: embedding === null ? null : Array.from(embedding) } : { dimensions: embedding?.length ?? 0 }),
  };
}

export function percent(probability: number): string {
  return `${(100 * probability).toFixed(probability === 1 ? 0 : 1)} %`;
}

export function count(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}

export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : noun.endsWith('y') ? '' : 's'}`;
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let [value, unit] = [bytes / 1024, 0];
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** The text on one line, shortened at a character's border. */
export function oneLine(text: string, lengthMax: number): string {
  const flat = [
    ...text
      .slice(0, 4 * lengthMax)
      .replace(/[\s\p{Cc}]+/gu, ' ')
      .trim(),
  ];
  return flat.length > lengthMax ? `${flat.slice(0, lengthMax - 1).join('')}…` : flat.join('');
}

/** Characters on the terminal, the widest line's where there are several. */
function shownWidth(cell: string): number {
  return Math.max(
    ...stripVTControlCharacters(cell)
      .split('\n')
      .map((line) => [...line].length),
  );
}

/** The text without what could steer a terminal: a memory may hold anything. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '\ufffd');
}

function internalError(error: unknown): EngramError {
  const message = error instanceof Error ? error.message : String(error);
  return new EngramError('INTERNAL', {
    message,
    cause: error,
    hint: 'report it together with the output of the same command under ENGRAM_STACK=1',
  });
}
