/** The text of a seeds file: one `host:port` on each line; empty lines and what follows a `#` are nothing. */
import { addressPattern, portOf } from '../config/addresses.js';

/** More are not read: a handful of seeds finds the whole cluster. */
export const seedsMax = 1_000;

export interface Mistake {
  /** From 1. */
  readonly line: number;
  readonly text: string;
  readonly reason: string;
}

export interface SeedList {
  /** In the order of the file, each once. */
  readonly seeds: readonly string[];
  readonly mistakes: readonly Mistake[];
}

export function readSeeds(text: string): SeedList {
  const seeds = new Set<string>();
  const mistakes: Mistake[] = [];
  for (const [at, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const said = line.replace(/#.*$/, '').trim();
    if (said === '') continue;
    const reason = reasonAgainst(said, seeds.size);
    if (reason === null) seeds.add(said);
    else mistakes.push({ line: at + 1, text: said.slice(0, 100), reason });
  }
  return { seeds: [...seeds], mistakes };
}

function reasonAgainst(said: string, count: number): string | null {
  if (!addressPattern.test(said)) return 'is no host:port';
  if (portOf(said) === 0) return 'has port 0, which nobody can send to';
  return count >= seedsMax ? `is beyond the ${seedsMax} seeds that are read` : null;
}
