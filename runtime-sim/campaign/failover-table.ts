/** Failovers of a campaign as a table: by kind of fault in all, then by scenario. */
import type { FailoverReport, RunName, TimesReport } from './failover-tally.js';
import { escaped, grouped, msText, table } from './html-text.js';
import type { CampaignReport } from './report.js';

const columns = ['scenario', 'the primary was', 'measured', 'p50', 'p95', 'p99', 'max', 'worst seed', 'confirmed p50', 'p99', 'max'];
const reasonColumns = ['healed first', 'no majority', 'no writes', 'late'];

export function failoverSection({ failovers, scenarios }: CampaignReport): string {
  if (failovers.length === 0) return '';
  const rows = [
    ...failovers.map((failover) => row('all', failover)),
    ...scenarios.flatMap(({ name, failovers: own }) => own.map((failover) => row(name, failover))),
  ];
  const text =
    'From a fault that takes a confirmed primary away to the first write of its space that another confirmed primary acknowledges, as clients see ' +
    'it; then, until another was confirmed. ' +
    'Measured where the fault lasted until then, somebody could lead the control log and reach a copy, and a write was waiting; counted by ' +
    'reason where not. Late: all was there, ' +
    'and nobody acknowledged within five seconds.';
  const caption = 'simulated time; quantiles are right to a tenth of their value';
  const shown = table([...columns, ...reasonColumns], rows, caption);
  return `<section><h2>Failover</h2><p class="soft">${text}</p>${shown}${lateRuns(failovers)}</section>`;
}

function row(scenario: string, { kind, worst, confirmed, unmeasured, ...times }: FailoverReport): string[] {
  const name = worst === null ? '–' : escaped(scenario === 'all' ? nameOf(worst) : String(worst.seed));
  const reasons = [unmeasured.healed, unmeasured['no-majority'], unmeasured['no-writes']].map(grouped);
  const late = `<span class="${unmeasured.late > 0 ? 'missed' : ''}">${grouped(unmeasured.late)}</span>`;
  const [, p50, , p99, max] = cells(confirmed);
  return [escaped(scenario), kind, ...cells(times), name, p50, p99, max, ...reasons, late] as string[];
}

function cells({ n, p50Ms, p95Ms, p99Ms, maxMs }: TimesReport): string[] {
  return [grouped(n), ...[p50Ms, p95Ms, p99Ms, maxMs].map((ms) => (ms === null ? '–' : msText(ms)))];
}

function lateRuns(failovers: readonly FailoverReport[]): string {
  const named = failovers.flatMap(({ kind, late }) => late.map((run) => `${nameOf(run)} (${kind})`));
  return named.length === 0 ? '' : `<p>Late: ${escaped(named.join(', '))}.</p>`;
}

function nameOf({ scenario, seed }: RunName): string {
  return `${scenario} ${seed}`;
}
