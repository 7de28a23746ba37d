/**
 * Tries plans on worker processes, in order of preference: later candidates are tried while earlier ones still run, but the answer is always the first that
 * fails, so that the outcome does not depend on how many workers there are.
 *
 * Bounded: once the time is up, or once told to stop, nothing more is tried and what is under way counts as not failing.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { RunPlan } from '../../scenarios/run-plan.js';
import type { Answer, Case, Question } from './trial-worker.js';
import type { Evidence } from './violation-kind.js';

export interface TrialPoolOptions {
  readonly jobs: number;
  /** All tries together, in milliseconds from now on. */
  readonly budgetMs: number;
  /** Called before each try. */
  readonly onTry: (tries: number) => void;
}

export interface Found {
  readonly index: number;
  readonly evidence: Evidence;
}

/** Why no more tries are made. */
export type Stop = 'time is up' | 'interrupted' | 'workers end by themselves';

/** A plan that runs longer than this counts as one that does not fail alike. */
const trialMsMax = 60_000;
/** A worker that ended by itself, or took too long, is replaced, but not for ever. */
const replacementsMax = 20;

export class TrialPool {
  readonly #options: TrialPoolOptions;
  readonly #workers: readonly TrialWorker[];
  /** By plan: one that was tried before is not tried again. */
  readonly #known = new Map<string, Evidence | null>();
  readonly #deadline: NodeJS.Timeout;
  #stop: Stop | null = null;
  #tries = 0;

  constructor(options: TrialPoolOptions) {
    this.#options = options;
    let replacements = 0;
    const onLost = (): void => {
      replacements += 1;
      if (replacements > replacementsMax) this.stop('workers end by themselves');
    };
    this.#workers = Array.from({ length: options.jobs }, () => new TrialWorker(onLost));
    this.#deadline = setTimeout(() => this.stop('time is up'), options.budgetMs);
  }

  /** Plans run so far. */
  get tries(): number {
    return this.#tries;
  }

  get stopped(): Stop | null {
    return this.#stop;
  }

  stop(why: Stop): void {
    this.#stop ??= why;
    this.close();
  }

  close(): void {
    clearTimeout(this.#deadline);
    for (const worker of this.#workers) worker.end();
  }

  /** The first of these plans that fails alike, or null. */
  async firstFailing(plans: readonly RunPlan[], of: Case): Promise<Found | null> {
    let found: Found | null = null;
    let given = 0;
    const lane = async (worker: TrialWorker): Promise<void> => {
      while (given < (found?.index ?? plans.length) && this.#stop === null) {
        const index = given;
        given += 1;
        const evidence = await this.#try(worker, plans[index], of);
        if (evidence !== null && index < (found?.index ?? plans.length)) found = { index, evidence };
      }
    };
    await Promise.all(this.#workers.map(lane));
    return found;
  }

  async #try(worker: TrialWorker, plan: RunPlan, of: Case): Promise<Evidence | null> {
    const key = createHash('sha256').update(JSON.stringify(plan)).digest('base64');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#tries += 1;
    this.#options.onTry(this.#tries);
    const evidence = await worker.ask(plan, of);
    if (this.#stop === null) this.#known.set(key, evidence);
    return evidence;
  }
}

interface Pending {
  readonly id: number;
  readonly settle: (evidence: Evidence | null) => void;
}

/** One worker process at a time; a lost one is replaced when the next question comes. */
class TrialWorker {
  readonly #onLost: () => void;
  #process: ChildProcess | null = null;
  #pending: Pending | null = null;
  #asked = 0;
  #ended = false;

  constructor(onLost: () => void) {
    this.#onLost = onLost;
    this.#process = this.#start();
  }

  ask(plan: RunPlan, of: Case): Promise<Evidence | null> {
    if (this.#ended) return Promise.resolve(null);
    const started = this.#process ?? this.#start();
    this.#process = started;
    this.#asked += 1;
    const question: Question = { id: this.#asked, plan, of };
    return new Promise((resolve) => {
      const patience = setTimeout(() => started.kill('SIGKILL'), trialMsMax);
      this.#pending = {
        id: question.id,
        settle: (evidence) => {
          clearTimeout(patience);
          this.#pending = null;
          resolve(evidence);
        },
      };
      started.send(question, (error) => {
        if (error !== null) started.kill('SIGKILL');
      });
    });
  }

  end(): void {
    this.#ended = true;
    this.#process?.kill('SIGKILL');
    this.#pending?.settle(null);
  }

  #start(): ChildProcess {
    const started = fork(fileURLToPath(new URL('trial-worker.ts', import.meta.url)), [], {
      execArgv: [...process.execArgv],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    started.on('message', (message) => {
      const { id, evidence } = message as Answer;
      if (this.#pending?.id === id) this.#pending.settle(evidence);
    });
    started.on('exit', () => {
      if (this.#process === started) this.#process = null;
      this.#pending?.settle(null);
      if (!this.#ended) this.#onLost();
    });
    started.on('error', () => this.#pending?.settle(null));
    return started;
  }
}
