/** The report for people: one page that needs nothing else, no script, no network. */
import { rangeText } from './campaign-options.js';
import { axisOf, calibrationChart, distributionChart } from './distribution-charts.js';
import { failoverSection } from './failover-table.js';
import { reportStyle } from './html-style.js';
import { escaped, grouped, msText, table } from './html-text.js';
import { cellMeanings, failureId, legend, matrixChart } from './matrix-chart.js';
import { durationText } from './progress.js';
import type { CampaignReport, ScenarioReport } from './report.js';

export function htmlReport(report: CampaignReport): string {
  const title = `Campaign of seeds ${rangeText(report.options.seeds)}`;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(title)}</title><style>${reportStyle}</style></head>
<body><main>
${[header(title, report), matrix(report), failures(report), perScenario(report), perChecker(report), marks(report), failoverSection(report), distributions(report), calibrations(report)].filter(Boolean).join('\n')}
</main></body>
</html>
`;
}

function header(title: string, report: CampaignReport): string {
  const { options, code, pending, complete, runs, runsWanted, wallMs, acknowledgedWrites, lostWrites } = report;
  const passed = runs === report.ok && report.marksMissed.length === 0 && report.notDeterministic === 0 && report.errors.length === 0;
  const verdict = report.violations > 0 ? 'violations' : passed ? (complete ? 'ok' : 'not complete') : 'failed';
  const chosen = [
    `scenarios ${options.scenarios.join(', ')}`,
    ...(options.nodes === null ? [] : [`${options.nodes} nodes`]),
    `${options.durationMs / 1_000} s under load`,
    ...(options.plant === null ? [] : [`planted bug ${options.plant}`]),
    ...(options.checkDeterminism ? ['each seed run twice'] : []),
  ];
  const figures: [string, string][] = [
    ['runs', complete ? grouped(runs) : `${grouped(runs)} of ${grouped(runsWanted)}`],
    ['ok', grouped(report.ok)],
    ['violations', grouped(report.violations)],
    ['not converged', grouped(report.notConverged)],
    ['unknown', grouped(report.unknown)],
    ...(options.checkDeterminism ? [['not deterministic', grouped(report.notDeterministic)] as [string, string]] : []),
    ['marks missed', grouped(report.marksMissed.length)],
    ['acknowledged writes', grouped(acknowledgedWrites)],
    ['lost', grouped(lostWrites)],
    ['events / s of a worker', grouped(report.eventsPerSecond)],
    ['seeds / min', grouped(report.seedsPerMinute)],
    ['time', durationText(wallMs)],
    ['peak memory', `${grouped(report.peakRssMiB)} MiB`],
  ];
  const shown = figures.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('');
  return `<header><h1>${escaped(title)}</h1>
<p><span class="verdict ${verdict === 'ok' ? 'ok' : verdict === 'not complete' ? 'late' : ''}">${verdict}</span></p>
<p class="soft">${escaped(chosen.join(' · '))}<br>code <code>${escaped(code)}</code>${pending.length === 0 ? '' : `<br>pending, skipped: ${escaped(pending.join(', '))}`}</p>
<dl class="figures">${shown}</dl>${bound(report)}</header>`;
}

/** The rule of three: no event among N bounds its rate at 3/N with 95 % confidence. */
function bound({ runs, violations, lostWrites, acknowledgedWrites, options }: CampaignReport): string {
  if (violations > 0 || lostWrites > 0 || runs < 100 || options.plant !== null) return '';
  const share = (of: number): string => `${((3 / of) * 100).toPrecision(2)} %`;
  return `<p class="soft">No violation in ${grouped(runs)} runs: with 95 % confidence fewer than ${share(runs)} of runs have one. No loss among ${grouped(acknowledgedWrites)}
acknowledged writes bounds the rate of losses, were they independent, at ${share(acknowledgedWrites)}.</p>`;
}

function matrix({ scenarios, options, failures: told }: CampaignReport): string {
  const meanings = cellMeanings.map(([character, meaning]) => `${character} ${meaning}`).join(', ');
  return `<section><h2>Verdicts</h2><p class="soft">A cell per seed, from left to right; in report.json the same as text (${escaped(meanings)}).</p>
${legend()}${matrixChart(scenarios, options.seeds, told)}</section>`;
}

function failures({ failures: told, errors, runs, ok }: CampaignReport): string {
  const rows = told.map((failure) => {
    const { scenario, seed, verdict, reason, replay, seedFile } = failure;
    const file = seedFile === null ? '' : `<br><span class="soft">seed file</span> <code>${escaped(seedFile)}</code>`;
    return `<tr id="${failureId(failure)}"><th scope="row">${escaped(scenario)}, seed ${seed}</th><td>${escaped(verdict)}</td><td>${escaped(reason)}<br><code>${escaped(replay)}</code>${file}</td></tr>`;
  });
  const broken = errors.map(
    ({ scenario, seed, error, replay }) =>
      `<tr><th scope="row">${escaped(scenario)}, seed ${seed}</th><td>internal error</td><td><code>${escaped(error)}</code><br><code>${escaped(replay)}</code></td></tr>`,
  );
  if (rows.length + broken.length === 0) return '';
  const caption =
    runs - ok > told.length ? `the first ${told.length} of ${runs - ok}; all are in runs.jsonl` : `all ${rows.length + broken.length}`;
  return `<section><h2>Failures</h2><div class="wide"><table class="failures"><caption>${caption}</caption>
<thead><tr><th scope="col" class="first">run</th><th scope="col" class="first">verdict</th><th scope="col" class="first">what happened, and the command that replays it</th></tr></thead>
<tbody>${[...broken, ...rows].join('\n')}</tbody></table></div></section>`;
}

function perScenario({ scenarios }: CampaignReport): string {
  const row = (scenario: ScenarioReport): string[] => {
    const { name, runs, ok, violations, notConverged, unknown, operations, acknowledgedWrites, lostWrites, simulatedMs } = scenario;
    const convergence = scenario.distributions[convergenceName];
    const late = convergence === undefined ? ['–', '–'] : [msText(convergence.p50), msText(convergence.max)];
    const counts = [runs, ok, violations, notConverged, unknown, operations, acknowledgedWrites, lostWrites].map(grouped);
    return [escaped(name), ...counts, durationText(simulatedMs), ...late];
  };
  const columns = ['scenario', 'runs', 'ok', 'violations', 'not conv.', 'unknown', 'operations', 'acknowledged', 'lost', 'simulated'];
  return `<section><h2>Scenarios</h2>${table([...columns, 'convergence p50', 'max'], scenarios.map(row), 'simulated time in hours, minutes and seconds')}</section>`;
}

const convergenceName = 'convergence after the heal';

function perChecker({ scenarios }: CampaignReport): string {
  const names = [...new Set(scenarios.flatMap(({ verdicts }) => Object.keys(verdicts)))];
  const count = (checker: string, verdict: string): number =>
    scenarios.reduce((sum, { verdicts }) => sum + (verdicts[checker]?.[verdict] ?? 0), 0);
  const rows = names.map((name) => [escaped(name), ...['ok', 'violation', 'unknown'].map((verdict) => grouped(count(name, verdict)))]);
  return `<section><h2>Checkers</h2>${table(['checker', 'ok', 'violation', 'unknown'], rows, 'runs that each checker judged; where it does not apply it is not counted')}</section>`;
}

function marks({ marks: reached }: CampaignReport): string {
  if (reached.length === 0) return '';
  const rows = reached.map(({ name, runs, state, seedsNeeded, scenarios }) => [
    escaped(name),
    grouped(runs),
    `<span class="${state === 'missed' ? 'missed' : ''}">${state}</span>`,
    grouped(seedsNeeded),
    escaped(scenarios.join(', ')),
  ]);
  const caption = 'a mark is judged once its scenarios have run at least that many seeds';
  return `<section><h2>Rare states reached</h2>${table(['mark', 'runs', 'state', 'seeds needed', 'scenarios'], rows, caption)}</section>`;
}

function distributions({ scenarios }: CampaignReport): string {
  const names = [...new Set(scenarios.flatMap((scenario) => Object.keys(scenario.distributions)))];
  const sections = names.map((name, at) => {
    const having = scenarios.flatMap((scenario) => {
      const distribution = scenario.distributions[name];
      return distribution === undefined ? [] : [{ scenario: scenario.name, distribution }];
    });
    const axis = axisOf(having.map(({ distribution }) => distribution));
    const charts = having.map(({ scenario, distribution }, index) =>
      distributionChart(`figure-${at}-${index}`, name, scenario, distribution, axis),
    );
    return `<h3>${escaped(name)}</h3><div class="charts">${charts.join('\n')}</div>`;
  });
  if (sections.length === 0) return '';
  return `<section><h2>Distributions</h2><p class="soft">Simulated time, logarithmic; quantiles are right to a tenth of their value.</p>${sections.join('\n')}</section>`;
}

function calibrations({ calibrations: pooled }: CampaignReport): string {
  const charts = pooled.map((calibration, at) => calibrationChart(`calibration-${at}`, calibration));
  if (charts.length === 0) return '';
  return `<section><h2>Calibration</h2><p class="soft">What was claimed against what came true; on the dashed line a claim is honest.</p><div class="charts">${charts.join('\n')}</div></section>`;
}
