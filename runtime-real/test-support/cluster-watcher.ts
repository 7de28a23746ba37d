/** `engram --json cluster watch` as a process: what it printed, and a way to wait for what it will print. */
import { createInterface } from 'node:readline';
import { type Running, startCommand } from './command-line.js';

/** What is not seen for this long will not be seen. */
const patienceMs = 60_000;

export interface WatchLine {
  readonly kind: 'members' | 'member' | 'partition';
  readonly at: string;
  readonly [field: string]: unknown;
}

export class ClusterWatcher {
  readonly lines: WatchLine[] = [];
  readonly #command: Running;
  readonly #waiting = new Set<() => void>();
  #complaints = '';

  constructor(servers: readonly string[]) {
    this.#command = startCommand(['--json', '--server', servers.join(','), 'cluster', 'watch']);
    const { stdout, stderr } = this.#command.process;
    stderr?.on('data', (text) => (this.#complaints += text));
    createInterface({ input: stdout as NodeJS.ReadableStream }).on('line', (text) => {
      this.lines.push(JSON.parse(text) as WatchLine);
      for (const wake of this.#waiting) wake();
    });
  }

  /** The first line from the one numbered `since` on that fits, printed already or yet to come. */
  async line(fits: (line: WatchLine) => boolean, since = 0): Promise<WatchLine> {
    const endMs = performance.now() + patienceMs;
    for (;;) {
      const found = this.lines.slice(since).find(fits);
      if (found !== undefined) return found;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) throw new Error(`not seen: ${this.#complaints}\n${this.lines.map((line) => JSON.stringify(line)).join('\n')}`);
      await this.#news(leftMs);
    }
  }

  /** The member of that name in that state, from line `since` on; the snapshot counts. */
  async member(name: string, state: string, since = 0): Promise<WatchLine> {
    const line = await this.line((each) => memberIn(each, name)?.state === state, since);
    return memberIn(line, name) as WatchLine;
  }

  /** All states that were seen of a member from line `since` on, in order. */
  statesOf(name: string, since = 0): string[] {
    return this.lines.slice(since).flatMap((line) => (memberIn(line, name)?.state as string | undefined) ?? []);
  }

  /** Ctrl-C: the exit code. */
  interrupt(): Promise<number | NodeJS.Signals> {
    this.#command.process.kill('SIGINT');
    return this.#command.ended;
  }

  #news(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
    });
  }
}

function memberIn(line: WatchLine, name: string): WatchLine | undefined {
  if (line.kind === 'members') return (line.members as WatchLine[]).find((member) => member.name === name);
  return line.kind === 'member' && line.name === name ? line : undefined;
}
