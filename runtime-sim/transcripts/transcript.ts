/** Runs a moment and tells it: the text that is kept beside this file, and compared with it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Scenario } from '../../scenarios/scenario.js';
import { runSeed } from '../run-seed.js';
import { lineText, narrate, tellAll } from '../trace/narration.js';
import { RecordedRun } from '../trace/recorded-run.js';
import type { TraceSink } from '../trace/trace-events.js';
import type { Moment } from './moments.js';

export interface Transcript {
  readonly text: string;
  /** Why the run itself was not ok, or null: a moment that breaks a promise is no example. */
  readonly fault: string | null;
}

/** Judges what holds of any run; a plan made by hand exercises what its transcript shows. */
const byHand: Scenario = {
  name: 'swarm',
  nodesMin: 1,
  checkers: ['loss', 'convergence', 'split-brain', 'durability'],
  plan: () => ({ faults: [], splits: [], rest: 'down', families: [] }),
};

/** The moment's whole run goes to `sink`; returns why it was not ok, or null. */
export function runMoment({ name, plan, seed }: Moment, sink: TraceSink): string | null {
  const titled: TraceSink = { header: (header) => sink.header({ ...header, scenario: name }), event: (event) => sink.event(event) };
  const { verdict, reason } = runSeed({ scenario: byHand, seed, plan, sink: titled });
  return verdict === 'ok' ? null : `${verdict}: ${reason}`;
}

export function transcribe(moment: Moment): Transcript {
  const { about, parts } = moment;
  const run = new RecordedRun();
  const fault = runMoment(moment, run);
  const style = { loadStartUs: run.about.loadStartUs, decimals: 0 };
  const told = parts.map((part) => {
    const lines = [...narrate(run.about, run.events, { ...tellAll, ...part })];
    return lines.map((line) => lineText(line, style)).join('\n');
  });
  return { text: `${about}\n\n${told.join('\n     ...\n')}\n`, fault };
}

export function transcriptPath(name: string): string {
  return fileURLToPath(new URL(`${name}.txt`, import.meta.url));
}

/** The stored text; empty when there is none yet. */
export function storedTranscript(name: string): string {
  try {
    return readFileSync(transcriptPath(name), 'utf8');
  } catch {
    return '';
  }
}

/** What differs, line by line: `-` is stored, `+` is what happens now. Three lines around each difference are shown. Empty when nothing differs. */
export function differenceText(stored: string, now: string): string {
  const lines = differingLines(stored.split('\n'), now.split('\n'));
  const near = (at: number): boolean => lines.slice(Math.max(0, at - around), at + around + 1).some((line) => !line.startsWith(' '));
  return lines.filter((line, at) => !line.startsWith(' ') || near(at)).join('\n');
}

const around = 3;

/** By the longest common subsequence of lines. */
function differingLines(stored: readonly string[], now: readonly string[]): string[] {
  const common = Array.from({ length: stored.length + 1 }, () => new Uint32Array(now.length + 1));
  for (let a = stored.length - 1; a >= 0; a -= 1) {
    for (let b = now.length - 1; b >= 0; b -= 1) {
      common[a][b] = stored[a] === now[b] ? common[a + 1][b + 1] + 1 : Math.max(common[a + 1][b], common[a][b + 1]);
    }
  }
  const lines: string[] = [];
  let [a, b] = [0, 0];
  while (a < stored.length || b < now.length) {
    if (a < stored.length && b < now.length && stored[a] === now[b]) {
      lines.push(` ${stored[a]}`);
      a += 1;
      b += 1;
    } else if (b === now.length || (a < stored.length && common[a + 1][b] >= common[a][b + 1])) {
      lines.push(`-${stored[a]}`);
      a += 1;
    } else {
      lines.push(`+${now[b]}`);
      b += 1;
    }
  }
  return lines;
}
