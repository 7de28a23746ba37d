/** How far a campaign has come, on standard error: a bar on a terminal, elsewhere a line every ten seconds. */
const lineIntervalMs = 10_000;
const drawIntervalMs = 100;
const barWidth = 24;
const clearLine = '\r\u001b[K';

export class Progress {
  readonly #total: number;
  readonly #doneBefore: number;
  readonly #begunMs = performance.now();
  readonly #terminal = process.stderr.isTTY === true;
  #toldMs = 0;
  #drawn = false;

  /** `doneBefore` were done in an earlier session: they say nothing about the rate. */
  constructor({ total, doneBefore }: { readonly total: number; readonly doneBefore: number }) {
    this.#total = total;
    this.#doneBefore = doneBefore;
    this.#toldMs = this.#begunMs;
  }

  update({ done, failed }: { readonly done: number; readonly failed: number }): void {
    const nowMs = performance.now();
    if (nowMs - this.#toldMs < (this.#terminal ? drawIntervalMs : lineIntervalMs)) return;
    this.#toldMs = nowMs;
    const text = progressText({ done, failed, total: this.#total, sessionDone: done - this.#doneBefore, sessionMs: nowMs - this.#begunMs });
    if (!this.#terminal) {
      process.stderr.write(`${text}\n`);
      return;
    }
    const filled = Math.round((done / this.#total) * barWidth);
    const line = `[${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}] ${text}`;
    process.stderr.write(clearLine + line.slice(0, (process.stderr.columns ?? 80) - 1));
    this.#drawn = true;
  }

  /** A line of its own above the bar. */
  say(line: string): void {
    this.end();
    process.stderr.write(`${line}\n`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#drawn) process.stderr.write(clearLine);
    this.#drawn = false;
  }
}

/** `45 % of 1000 runs, 3 failed, 310 a minute, 1:46 left` */
export function progressText(state: {
  readonly done: number;
  readonly total: number;
  readonly failed: number;
  readonly sessionDone: number;
  readonly sessionMs: number;
}): string {
  const { done, total, failed, sessionDone, sessionMs } = state;
  const perMs = sessionDone / sessionMs;
  const left = perMs > 0 ? `, ${Math.round(perMs * 60_000)} a minute, ${durationText((total - done) / perMs)} left` : '';
  return `${Math.floor((done / total) * 100)} % of ${total} runs${failed > 0 ? `, ${failed} failed` : ''}${left}`;
}

/** `1:46`, `2:03:09` */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
