/** A campaign from its options to its report: workers run the seeds, results are kept as they come, and an interrupt ends it with what is known by then. */
import { join } from 'node:path';
import { UsageError } from '../exit-codes.js';
import { CampaignFolder, writeIdentity, writeWhole } from './campaign-folder.js';
import { type CampaignOptions, seedAt } from './campaign-options.js';
import type { SeedJob, WorkerAnswer } from './campaign-worker.js';
import { codeIdentity } from './code-identity.js';
import { htmlReport } from './html-report.js';
import { Progress } from './progress.js';
import { type CampaignError, type CampaignState, reportOf, runsWanted } from './report.js';
import { Tally } from './tally.js';
import { WorkerPool } from './worker-pool.js';

/** A report is written anew this often, so that even a kill leaves one behind. */
const reportIntervalMs = 60_000;
/** Failures told on standard error while it runs; all are in the report. */
const failuresSaidMax = 20;
/** A simulator that fails this often needs mending, not more seeds. */
const errorsMax = 20;

export interface CampaignRequest {
  readonly options: CampaignOptions;
  readonly pending: readonly string[];
  readonly jobs: number;
  /** Where results and reports go. */
  readonly out: string;
  /** Where seed files go; null for the usual place. */
  readonly seedFolder: string | null;
  /** End with the first run that breaks a promise; one that proves nothing does not. */
  readonly stopAtFirst: boolean;
}

export interface CampaignEnd {
  readonly state: CampaignState;
  readonly report: string;
  readonly html: string;
  readonly interrupted: boolean;
}

class Campaign {
  readonly #request: CampaignRequest;
  readonly #code = codeIdentity();
  readonly #tally: Tally;
  readonly #errors: CampaignError[] = [];
  readonly #folder: CampaignFolder;
  readonly #progress: Progress;
  readonly #begunMs = performance.now();
  readonly #wallMsBefore: number;
  #reportedMs = performance.now();
  /** Position in the order of runs: seed after seed, each through all scenarios. */
  #given = 0;
  #said = 0;
  #stopped = false;

  constructor(request: CampaignRequest) {
    this.#request = request;
    const tally = new Tally(request.options);
    const opened = CampaignFolder.open(request.out, { code: this.#code, options: request.options }, (record, place) => {
      if (!tally.lacks(record.scenario, record.seed)) {
        throw new UsageError(
          `${place}: ${record.scenario} ${record.seed} is there twice, or no part of this campaign`,
          'give another --out',
        );
      }
      tally.add(record);
    });
    this.#tally = tally;
    this.#folder = opened.folder;
    this.#wallMsBefore = opened.wallMsBefore;
    const doneBefore = tally.total('runs');
    this.#progress = new Progress({ total: runsWanted(request.options), doneBefore });
    if (doneBefore > 0) this.#progress.say(`${request.out} has ${doneBefore} of ${runsWanted(request.options)} runs already`);
  }

  async run(): Promise<CampaignEnd> {
    const { options, seedFolder } = this.#request;
    const jobs = Math.min(this.#request.jobs, runsWanted(options) - this.#tally.total('runs'));
    const pool = new WorkerPool({ options, seedFolder, jobs, next: () => this.#next(), answered: (answer) => this.#answered(answer) });
    let interrupted = false;
    const interrupt = (): void => {
      interrupted = true;
      this.#progress.say('interrupted: the report is of what is done by now');
      void pool.stop();
    };
    // Once: whoever asks twice means it.
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
    try {
      await pool.run();
    } finally {
      process.removeListener('SIGINT', interrupt).removeListener('SIGTERM', interrupt);
      this.#progress.end();
      this.#folder.close();
    }
    return { state: this.#state(), ...this.#writeReports(), interrupted };
  }

  #next(): SeedJob | null {
    const { seeds, scenarios } = this.#request.options;
    while (!this.#stopped && this.#given < runsWanted(this.#request.options)) {
      const job = { scenario: scenarios[this.#given % scenarios.length], seed: seedAt(seeds, Math.floor(this.#given / scenarios.length)) };
      this.#given += 1;
      if (this.#tally.lacks(job.scenario, job.seed)) return job;
    }
    return null;
  }

  #answered(answer: WorkerAnswer): void {
    if (answer.kind === 'error') this.#failedInside(answer);
    else {
      const { record } = answer;
      this.#folder.append(record);
      this.#tally.add(record);
      if (record.verdict !== 'ok' || record.divergence !== null) {
        this.#say(`${record.verdict}: ${record.divergence ?? record.reason}\n  replay: ${record.replay}`);
        if (this.#request.stopAtFirst && (record.verdict !== 'unknown' || record.divergence !== null)) this.#stopped = true;
      }
    }
    this.#progress.update({ done: this.#tally.total('runs'), failed: this.#tally.failed });
    if (performance.now() - this.#reportedMs > reportIntervalMs) this.#writeReports();
  }

  #failedInside({ job, error, replay }: Extract<WorkerAnswer, { kind: 'error' }>): void {
    this.#errors.push({ ...job, error, replay });
    this.#say(`the simulator failed on ${job.scenario}, seed ${job.seed}: ${error}`);
    if (this.#errors.length >= errorsMax) this.#stopped = true;
  }

  #say(text: string): void {
    this.#said += 1;
    if (this.#said <= failuresSaidMax) this.#progress.say(text);
    if (this.#said === failuresSaidMax) this.#progress.say('further failures are in the report');
  }

  #state(): CampaignState {
    const { options, pending } = this.#request;
    const wallMs = this.#wallMsBefore + performance.now() - this.#begunMs;
    return { options, pending, code: this.#code, tally: this.#tally, errors: this.#errors, wallMs };
  }

  #writeReports(): { readonly report: string; readonly html: string } {
    const state = this.#state();
    writeIdentity(this.#request.out, { code: this.#code, options: this.#request.options, wallMs: state.wallMs });
    this.#reportedMs = performance.now();
    return writeReports(this.#request.out, state);
  }
}

/** Writes `report.json` and `report.html` and returns their paths. */
export function writeReports(folder: string, state: CampaignState): { readonly report: string; readonly html: string } {
  const [report, html] = [join(folder, 'report.json'), join(folder, 'report.html')];
  const content = reportOf(state, report);
  writeWhole(report, `${JSON.stringify(content)}\n`);
  writeWhole(html, htmlReport(content));
  return { report, html };
}

/** Runs a campaign, or what is left of it. Rejects with UsageError or SetupError when its directory is not to be used. */
export function runCampaign(request: CampaignRequest): Promise<CampaignEnd> {
  return new Campaign(request).run();
}
