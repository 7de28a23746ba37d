/** `engram` as scripts and people meet it: a process, its two outputs and its exit code. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** Standard output as JSON lines. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever was printed; the assertions say what it must be.
  readonly lines: () => any[];
}

const program = fileURLToPath(new URL('../engram.ts', import.meta.url));
const invocation = ['--import', import.meta.resolve('tsx'), program];

/** Runs to its end. */
export function runCommand(words: readonly string[], options: { input?: string; env?: Record<string, string> } = {}): Ran {
  const env = { ...process.env, NO_COLOR: '1', ...options.env };
  const ran = spawnSync(process.execPath, [...invocation, ...words], { encoding: 'utf8', env, input: options.input ?? '' });
  const lines: Ran['lines'] = () =>
    ran.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  return { code: ran.status, out: ran.stdout, err: ran.stderr, lines };
}

/** One that goes on meanwhile. */
export interface Running {
  readonly process: ChildProcess;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Everything on standard output so far. */
  said(): string;
  /** Resolves once that has been said; rejects with its complaints when it ends before. */
  says(text: string): Promise<void>;
}

export function startCommand(words: readonly string[], environment: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [...invocation, ...words], {
    env: { ...process.env, NO_COLOR: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? (signal as NodeJS.Signals)));
  });
  let [out, complaints] = ['', ''];
  child.stderr.on('data', (text) => {
    complaints += text;
  });
  child.stdout.on('data', (text) => {
    out += text;
  });
  const says = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (out.includes(text)) resolve();
      };
      child.stdout.on('data', look);
      look();
      void ended.then((how) => reject(new Error(`it ended with ${how} before it said "${text}": ${complaints}`)));
    });
  return { process: child, ended, said: () => out, says };
}
