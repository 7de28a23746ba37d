/**
 * The demo's crash of a primary under load: writers remember and a reader recalls without a pause while the primary is killed with SIGKILL. Every
 * acknowledgement and every answer is noted with its time and with who gave it.
 */
import { EngramError } from '../../../core/errors.js';
import type { Space } from '../../client/space.js';
import type { Answerer, EpisodeInput } from '../../client/types.js';

export interface NotedAnswer {
  /** After the kill; before it, null. */
  readonly afterKillMs: number | null;
  readonly ms: number;
  readonly answeredBy: Answerer;
  /** Of the best memory; null when nothing was recalled. */
  readonly adjusted: number | null;
  readonly reasons: readonly string[];
}

export interface Failover {
  /** Ids in order of their acknowledgement. */
  readonly acknowledged: readonly string[];
  readonly acknowledgedBeforeKill: number;
  readonly victim: Answerer;
  /** Who took over. */
  readonly successor: Answerer;
  /** From the kill to the first write that the successor acknowledged. */
  readonly firstWriteMs: number;
  readonly failedWrites: number;
  readonly answers: readonly NotedAnswer[];
  readonly failedRecalls: number;
}

export interface FailoverPlan {
  readonly space: Space;
  readonly episodes: readonly (EpisodeInput & { readonly id: string })[];
  readonly questions: readonly string[];
  /** The primary is killed as soon as this many writes have been acknowledged. */
  readonly killAfter: number;
  readonly kill: (victim: Answerer) => Promise<void>;
  readonly onAcknowledged: (acknowledged: number) => void;
}

const writersAtOnce = 4;
const deadlineMs = 20_000;

export async function killPrimaryUnderLoad(plan: FailoverPlan): Promise<Failover> {
  return new LoadedFailover(plan).run();
}

class LoadedFailover {
  readonly #plan: FailoverPlan;
  readonly #acknowledged: string[] = [];
  readonly #answers: NotedAnswer[] = [];
  #failedWrites = 0;
  #failedRecalls = 0;
  #next = 0;
  #isWriting = true;
  #kill: { readonly victim: Answerer; readonly atMs: number; readonly acknowledged: number; readonly done: Promise<void> } | null = null;
  #takeover: { readonly successor: Answerer; readonly afterMs: number } | null = null;

  constructor(plan: FailoverPlan) {
    this.#plan = plan;
  }

  async run(): Promise<Failover> {
    const reader = this.#read();
    await Promise.all(Array.from({ length: writersAtOnce }, () => this.#write()));
    this.#isWriting = false;
    await reader;
    const [kill, takeover] = [this.#kill, this.#takeover];
    await kill?.done;
    if (kill === null || takeover === null) {
      const why = kill === null ? 'the writes ended before a node was killed' : 'no other node took a write after the kill';
      throw new EngramError('INTERNAL', { message: `the crash showed nothing: ${why}` });
    }
    return {
      acknowledged: this.#acknowledged,
      acknowledgedBeforeKill: kill.acknowledged,
      victim: kill.victim,
      successor: takeover.successor,
      firstWriteMs: takeover.afterMs,
      failedWrites: this.#failedWrites,
      answers: this.#answers,
      failedRecalls: this.#failedRecalls,
    };
  }

  async #write(): Promise<void> {
    const { space, episodes } = this.#plan;
    while (this.#next < episodes.length) {
      const episode = episodes[this.#next] as EpisodeInput & { readonly id: string };
      this.#next += 1;
      await space.remember(episode, { deadlineMs }).then(
        ({ id, answeredBy }) => this.#note(id, answeredBy),
        () => {
          this.#failedWrites += 1;
        },
      );
    }
  }

  #note(id: string, answeredBy: Answerer): void {
    this.#acknowledged.push(id);
    this.#plan.onAcknowledged(this.#acknowledged.length);
    if (this.#kill === null) {
      if (this.#acknowledged.length < this.#plan.killAfter) return;
      const atMs = performance.now();
      this.#kill = { victim: answeredBy, atMs, acknowledged: this.#acknowledged.length, done: this.#plan.kill(answeredBy) };
    } else if (answeredBy.nodeId !== this.#kill.victim.nodeId) {
      this.#takeover ??= { successor: answeredBy, afterMs: performance.now() - this.#kill.atMs };
    }
  }

  async #read(): Promise<void> {
    const { space, questions } = this.#plan;
    for (let asked = 0; this.#isWriting; asked += 1) {
      const startedAtMs = performance.now();
      try {
        const { memories, answeredBy } = await space.recall({ text: questions[asked % questions.length], limit: 3 }, { deadlineMs });
        const now = performance.now();
        const confidence = memories[0]?.confidence;
        this.#answers.push({
          afterKillMs: this.#kill === null ? null : now - this.#kill.atMs,
          ms: now - startedAtMs,
          answeredBy,
          adjusted: confidence?.adjusted ?? null,
          reasons: confidence?.reasons ?? [],
        });
      } catch {
        this.#failedRecalls += 1;
      }
    }
  }
}
