/**
 * A process's timers, by name. Moving a timer later costs nothing: its event finds out when it comes and waits on. Moving it earlier schedules a
 * second event and makes the first one stale.
 */
import type { CoreEvent } from '../core/events.js';
import type { ClockModel } from './clock-model.js';
import type { EventHeap } from './event-heap.js';
import { eventKinds } from './trace.js';

export interface TimerState {
  /** The process that armed it. */
  readonly owner: NodeTimers;
  readonly event: CoreEvent & { readonly kind: 'timer' };
  armed: boolean;
  /** In monotonic milliseconds. */
  atMs: number;
  scheduledUs: number;
  /** The one event of the heap that counts. */
  version: number;
}

export class NodeTimers {
  readonly #heap: EventHeap;
  readonly #clock: ClockModel;
  readonly #node: number;
  readonly #timers = new Map<string, TimerState>();

  constructor(heap: EventHeap, clock: ClockModel, node: number) {
    this.#heap = heap;
    this.#clock = clock;
    this.#node = node;
  }

  arm(name: string, atMs: number, nowUs: number): void {
    let timer = this.#timers.get(name);
    if (timer === undefined) {
      timer = { owner: this, event: { kind: 'timer', name }, armed: false, atMs, scheduledUs: Number.POSITIVE_INFINITY, version: 0 };
      this.#timers.set(name, timer);
    }
    timer.armed = true;
    timer.atMs = atMs;
    this.#schedule(timer, Math.max(nowUs, this.#clock.trueUs(atMs)));
  }

  disarm(name: string): void {
    const timer = this.#timers.get(name);
    if (timer !== undefined) timer.armed = false;
  }

  /** Whether a timer event that came up is due. If it was moved later, it is scheduled again; if it is stale, it is forgotten. */
  due(timer: TimerState, version: number, nowUs: number): boolean {
    if (timer.owner !== this || version !== timer.version) return false;
    timer.scheduledUs = Number.POSITIVE_INFINITY;
    if (!timer.armed) return false;
    if (this.#clock.monotonicMs(nowUs) >= timer.atMs) return true;
    this.#schedule(timer, Math.max(nowUs + 1, this.#clock.trueUs(timer.atMs)));
    return false;
  }

  #schedule(timer: TimerState, atUs: number): void {
    if (timer.scheduledUs <= atUs) return;
    timer.version += 1;
    timer.scheduledUs = atUs;
    this.#heap.push(atUs, eventKinds.timer, this.#node, timer.version, timer);
  }
}
