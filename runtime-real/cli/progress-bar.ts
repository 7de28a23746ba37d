/** How far something has come: a bar on standard error, and only if that is a terminal. */
import { SingleBar } from 'cli-progress';

export interface Progress {
  update(done: number): void;
  /** Makes room for a line of text; the next update draws the bar again. */
  clear(): void;
  stop(): void;
}

/** `total` 0: not known, no bar. */
export function progressBar(what: string, total: number): Progress {
  if (process.stderr.isTTY !== true || total === 0) return { update: () => {}, clear: () => {}, stop: () => {} };
  const bar = new SingleBar({
    format: `${what} [{bar}] {percentage} %  {eta_formatted} left`,
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
  });
  bar.start(total, 0);
  // Whoever ends the process in the middle wants the cursor back.
  const restore = (): void => bar.stop();
  process.once('exit', restore);
  return {
    update: (done) => bar.update(Math.min(done, total)),
    clear: () => process.stderr.write('\r\u001b[K'),
    stop: () => {
      process.removeListener('exit', restore);
      bar.stop();
    },
  };
}
