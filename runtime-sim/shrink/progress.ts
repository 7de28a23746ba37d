/** How far a shrinking is, on standard error: a bar where a terminal shows it, a line whenever the plan has become smaller elsewhere. */
import { SingleBar } from 'cli-progress';
import type { RunPlan } from '../../scenarios/run-plan.js';

/** What there is of a plan to take away. */
export interface PlanSize {
  readonly faults: number;
  readonly operations: number;
}

export function sizeOf({ faults, operations }: RunPlan): PlanSize {
  return { faults: faults.length, operations: operations.length };
}

export interface Progress {
  /** Another plan is tried. */
  tried(tries: number): void;
  reduced(plan: RunPlan, doing: string): void;
  end(): void;
}

/** A line at most so often, so that a log stays readable. */
const lineEveryMs = 1_000;

export function shrinkingProgress(options: {
  readonly plan: RunPlan;
  readonly secondsMax: number;
  readonly output: NodeJS.WriteStream;
}): Progress {
  const { plan, secondsMax, output } = options;
  const startedAt = performance.now();
  const seconds = (): number => Math.floor((performance.now() - startedAt) / 100) / 10;
  const before = sizeOf(plan);
  let [tries, left, doing] = [0, before, 'starting'];
  const words = (): string =>
    `${tries} tries, ${left.faults} of ${before.faults} faults, ${left.operations} of ${before.operations} operations, ${doing}`;
  if (output.isTTY !== true) {
    let writtenAt = Number.NEGATIVE_INFINITY;
    const line = (): void => {
      writtenAt = performance.now();
      output.write(`shrink: ${seconds().toFixed(1)} s, ${words()}\n`);
    };
    return {
      tried: (count) => {
        tries = count;
        if (performance.now() - writtenAt >= 10 * lineEveryMs) line();
      },
      reduced: (smaller, by) => {
        [left, doing] = [sizeOf(smaller), by];
        if (performance.now() - writtenAt >= lineEveryMs) line();
      },
      end: line,
    };
  }
  const bar = new SingleBar({
    format: '  {bar} {value} of {total} s at most  {words}',
    stream: output,
    clearOnComplete: true,
    hideCursor: true,
    barsize: 20,
    etaBuffer: 1,
  });
  const show = (): void => bar.update(Math.min(secondsMax, seconds()), { words: words() });
  bar.start(secondsMax, 0, { words: words() });
  return {
    tried: (count) => {
      tries = count;
      show();
    },
    reduced: (smaller, by) => {
      [left, doing] = [sizeOf(smaller), by];
      show();
    },
    end: () => bar.stop(),
  };
}
