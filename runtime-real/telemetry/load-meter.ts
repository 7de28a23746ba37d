/**
 * How busy this process is: the share of time that its event loop does not wait. All work of a node but scans and system calls goes through that one loop,
 * so near 100 % it answers late whatever the machine's other processors do.
 */
import { type EventLoopUtilization, performance } from 'node:perf_hooks';

const measuredEveryMs = 5_000;

export class LoadMeter {
  readonly #report: (percent: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #before: EventLoopUtilization | undefined;

  constructor(report: (percent: number) => void) {
    this.#report = report;
  }

  start(): void {
    this.#before = performance.eventLoopUtilization();
    this.#timer = setInterval(() => this.measure(), measuredEveryMs).unref();
  }

  /** Reports the share since the last time, in percent. */
  measure(): void {
    const now = performance.eventLoopUtilization();
    this.#report(performance.eventLoopUtilization(now, this.#before).utilization * 100);
    this.#before = now;
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
