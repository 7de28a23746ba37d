/** The answer to one run: the JSON fields of SPEC section 7, the same as a short table for people, and the exit code. */
import pc from 'picocolors';
import { durationMsDefault } from '../scenarios/catalogue.js';
import { exitCodes } from './exit-codes.js';
import type { RunResult } from './run-seed.js';
import type { PlanSize } from './shrink/progress.js';

export interface Divergence {
  readonly event: number;
  readonly first: string;
  readonly second: string;
}

export interface RunReport {
  readonly seed: number;
  readonly scenario: string;
  readonly nodes: number;
  readonly simulatedMs: number;
  readonly wallMs: number;
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly traceHash: string;
  readonly operations: RunResult['operations'];
  readonly acknowledgedWrites: number;
  readonly lostWrites: number;
  readonly convergenceMs: number | null;
  readonly probes: RunResult['probes'];
  readonly verdicts: RunResult['verdicts'];
  readonly verdict: RunResult['verdict'];
  readonly failovers: RunResult['failovers'];
  readonly reason: string | null;
  readonly replay: string;
  readonly seedFile: string | null;
  readonly firstDivergence?: Divergence | null;
  readonly commitMatches?: boolean;
  readonly traceMatches?: boolean;
  readonly shrunk?: ShrinkReport;
  /** How the violation came about, line by line; empty when there is none. */
  readonly chain?: readonly string[];
}

/** What became of a plan by shrinking. */
export interface ShrinkReport {
  /** The seed file of the whole plan. */
  readonly from: string;
  readonly before: PlanSize;
  readonly after: PlanSize;
  readonly tries: number;
  readonly seconds: number;
  /** `minimal` when no single part can go any more, else what ended it earlier. */
  readonly ended: string;
}

export interface RunNaming {
  readonly seed: number;
  readonly scenario: string;
  /** As given; null when the scenario chose. */
  readonly nodes: number | null;
  readonly durationMs: number;
  readonly plant: string | null;
  readonly controlLog: boolean;
  readonly checkDeterminism: boolean;
}

/** The one command that runs this again. */
export function replayCommand({ seed, scenario, nodes, durationMs, plant, controlLog, checkDeterminism }: RunNaming): string {
  const options = [
    ...(nodes === null ? [] : [`--nodes ${nodes}`]),
    ...(durationMs === durationMsDefault ? [] : [`--duration ${durationMs / 1_000}`]),
    ...(plant === null ? [] : [`--plant ${plant}`]),
    ...(controlLog ? [] : ['--no-control-log']),
    ...(checkDeterminism ? ['--check-determinism'] : []),
  ];
  return ['bin/engram-sim', `--seed ${seed}`, `--scenario ${scenario}`, ...options].join(' ');
}

/** The one command that runs the plan of a seed file again. */
export function replayFileCommand(path: string): string {
  return `bin/engram-sim replay ${shellWord(path.startsWith('-') ? `./${path}` : path)}`;
}

/** One word for sh, whatever is in it. */
function shellWord(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export function reportOf(run: RunResult, replay: string, seedFile: string | null): RunReport {
  return {
    seed: run.seed,
    scenario: run.scenario,
    nodes: run.plan.nodes.length,
    simulatedMs: run.simulatedMs,
    wallMs: run.wallMs,
    events: run.events,
    eventsPerSecond: Math.round((run.events / run.wallMs) * 1_000),
    traceHash: run.traceHash,
    operations: run.operations,
    acknowledgedWrites: run.acknowledgedWrites,
    lostWrites: run.lostWrites,
    convergenceMs: run.convergenceMs,
    probes: run.probes,
    verdicts: run.verdicts,
    verdict: run.verdict,
    failovers: run.failovers,
    reason: run.reason,
    replay,
    seedFile,
  };
}

export function exitCodeOf(run: Pick<RunResult, 'verdict' | 'notConverged'>, diverged: boolean): number {
  if (run.verdict === 'violation' && !run.notConverged) return exitCodes.violation;
  if (diverged) return exitCodes.notDeterministic;
  return run.verdict === 'ok' ? exitCodes.ok : exitCodes.notConverged;
}

/** One JSON object on one line of standard output, or a table. */
export function printReport(report: RunReport, json: boolean): void {
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : reportText(report));
}

const colours = { ok: pc.green, violation: pc.red, unknown: pc.yellow, 'not-applicable': pc.dim } as const;

function reportText(report: RunReport): string {
  const { operations } = report;
  const times = Math.round(report.simulatedMs / report.wallMs);
  const lines = [
    `${colours[report.verdict](report.verdict)}  ${report.scenario}, seed ${report.seed}, ${report.nodes} nodes${report.reason === null ? '' : `: ${report.reason}`}`,
    '',
    line('operations', `${operations.invoked} (${operations.ok} ok, ${operations.failed} failed, ${operations.unknown} unknown)`),
    line('acknowledged', `${report.acknowledgedWrites} writes, ${report.lostWrites} lost`),
    line('converged', report.convergenceMs === null ? 'never' : `${report.convergenceMs} ms after the heal`),
    line('simulated', `${(report.simulatedMs / 1_000).toFixed(1)} s in ${report.wallMs} ms, ${times} x real time`),
    line('events', `${report.events}, ${report.eventsPerSecond} per second`),
    line('trace hash', report.traceHash),
    ...Object.entries(report.verdicts)
      .filter(([, { verdict }]) => verdict !== 'not-applicable')
      .map(([name, verdict]) => line(name, colours[verdict.verdict](verdict.verdict) + ('reason' in verdict ? `  ${verdict.reason}` : ''))),
    ...failoverLines(report.failovers),
    line(
      'marks',
      Object.entries(report.probes)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ') || 'none',
    ),
    ...lateLines(report),
  ];
  return `${lines.join('\n')}\n`;
}

function failoverLines(failovers: RunReport['failovers']): string[] {
  if (failovers.length === 0) return [];
  const took = failovers.flatMap(({ acknowledgedMs }) => acknowledgedMs ?? []).map(Math.round);
  const late = failovers.filter(({ reason }) => reason === 'late').length;
  const most = took.length === 0 ? '' : `, at most ${Math.max(...took)} ms`;
  return [line('failovers', `${failovers.length}, ${took.length} of them measured${most}${late > 0 ? pc.red(`, ${late} late`) : ''}`)];
}

function lateLines(report: RunReport): string[] {
  const { firstDivergence } = report;
  return [
    ...(firstDivergence === undefined
      ? []
      : [
          line(
            'determinism',
            firstDivergence === null ? 'three runs, one in a fresh thread, equal at every event' : pc.red(divergenceText(firstDivergence)),
          ),
        ]),
    ...(report.commitMatches === undefined ? [] : [line('commit', report.commitMatches ? 'the same' : 'another')]),
    ...(report.traceMatches === undefined ? [] : [line('trace', report.traceMatches ? 'the same' : 'another')]),
    ...(report.shrunk === undefined ? [] : shrinkLines(report.shrunk)),
    ...(report.seedFile === null ? [] : [line('seed file', report.seedFile)]),
    ...(report.chain === undefined || report.chain.length === 0 ? [] : ['', ...report.chain]),
    ...(report.verdict === 'ok' && firstDivergence == null ? [] : ['', `replay: ${report.replay}`]),
  ];
}

function shrinkLines({ before, after, tries, seconds, ended }: ShrinkReport): string[] {
  const stopped = ended === 'minimal' ? 'nothing more can be left out' : ended;
  return [
    line('shrunk', `${before.faults} faults to ${after.faults}, ${before.operations} operations to ${after.operations}`),
    line('by', `${tries} tries in ${seconds} s: ${stopped}`),
  ];
}

function divergenceText({ event, first, second }: Divergence): string {
  return `first difference at event ${event}: ${first} | ${second}`;
}

function line(name: string, value: string): string {
  return `  ${name.padEnd(18)}${value}`;
}
