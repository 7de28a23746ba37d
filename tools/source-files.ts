/**
 * Which TypeScript files the repository has, side by side. Every repository check starts from this list and compares what it saw with it, so
 * that none passes because it looked at nothing.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the checkout. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The sides of the code base; dependencies point from later ones to earlier ones (see docs/architecture). */
export const sides = ['core', 'checker', 'scenarios', 'runtime-sim', 'runtime-real', 'jepsen-ts', 'bench', 'tools'] as const;

/** Folders that hold no source of ours: generated code and files that break the rules on purpose. */
const foldersSkipped = new Set(['node_modules', 'generated', 'fixtures', 'coverage']);

/** Paths of a side's .ts files, relative to the root, in the order of their names. Tests are among them. */
export function sourceFiles(side: string, base: string = root): string[] {
  if (!existsSync(join(base, side))) return [];
  const entries = readdirSync(join(base, side), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = `${side}/${entry.name}`;
    if (entry.isDirectory()) return foldersSkipped.has(entry.name) ? [] : sourceFiles(path, base);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts');
}
