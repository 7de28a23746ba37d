/** Trace files: the header, then one event a line, in JSON. Written while the run goes on; read back line by line for everything that is made of them. */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { UsageError } from '../exit-codes.js';
import { type TraceEvent, type TraceHeader, type TraceSink, traceFormat } from './trace-events.js';

const linesTogether = 4_096;

export class TraceFile implements TraceSink {
  readonly #file: number;
  #lines: string[] = [];
  /** Why it could not be written; nothing is written after that, and the run goes on. */
  #broken: string | null = null;

  /** Throws what the file system says when the file cannot be made. */
  constructor(path: string) {
    this.#file = openSync(path, 'w');
  }

  header(header: TraceHeader): void {
    this.#line(header);
  }

  event(event: TraceEvent): void {
    this.#line(event);
  }

  #line(fields: object): void {
    if (this.#broken !== null) return;
    this.#lines.push(JSON.stringify(fields));
    if (this.#lines.length >= linesTogether) this.#flush();
  }

  #flush(): void {
    const text = `${this.#lines.join('\n')}\n`;
    this.#lines = [];
    this.#attempt(() => writeFileSync(this.#file, text));
  }

  #attempt(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#broken ??= error instanceof Error ? error.message : String(error);
    }
  }

  /** Returns why the file is not whole, or null. */
  close(): string | null {
    if (this.#lines.length > 0) this.#flush();
    this.#attempt(() => closeSync(this.#file));
    return this.#broken;
  }
}

export interface TraceRead {
  readonly header: TraceHeader;
  readonly events: readonly TraceEvent[];
}

/** Reads a trace file. Throws UsageError that says which line is wrong, and what is. */
export function readTraceFile(path: string): TraceRead {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UsageError(
      `${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? error}`,
      'give a file that --trace has written',
    );
  }
  const lines = linesOf(bytes);
  const header = parsed(path, 1, lines.next().value ?? '') as unknown as TraceHeader;
  if (header.trace !== traceFormat) {
    const what = header.trace === undefined ? 'is no trace file' : `has trace format ${JSON.stringify(header.trace)}`;
    throw new UsageError(
      `${path} ${what}, this version reads ${traceFormat}`,
      'write it anew: engram-sim --seed N --scenario NAME --trace FILE',
    );
  }
  const events: TraceEvent[] = [];
  for (const line of lines) {
    const event = parsed(path, events.length + 2, line) as unknown as TraceEvent;
    if (event.i !== events.length + 1) {
      throw new UsageError(
        `line ${events.length + 2} of ${path} is event ${JSON.stringify(event.i)}, expected ${events.length + 1}`,
        'give the whole file as it was written: causes are named by position',
      );
    }
    events.push(event);
  }
  return { header, events };
}

/** Line by line: a file of a long run is longer than a string can be. */
function* linesOf(bytes: Buffer): Generator<string, undefined> {
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at);
    const until = end < 0 ? bytes.length : end;
    yield bytes.toString('utf8', at, until);
    at = until + 1;
  }
}

function parsed(path: string, line: number, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below, with the place.
  }
  throw new UsageError(
    `line ${line} of ${path} is no JSON object: it begins ${JSON.stringify(text.slice(0, 40))}`,
    'give a whole trace file',
  );
}
