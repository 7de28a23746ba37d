/**
 * Checks the direction of every import against .dependency-cruiser.cjs, and that the check itself saw every source file: a resolver that
 * quietly understands no TypeScript would otherwise report "no violations" over nothing.
 *
 *     npm run boundaries [ROOT]
 */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { root, sides, sourceFiles } from './source-files.js';

const base = resolve(process.argv[2] ?? root);
const { forbidden, options } = createRequire(import.meta.url)(resolve(base, '.dependency-cruiser.cjs'));
const files = sides.flatMap((side) => sourceFiles(side, base));
const present = sides.filter((side) => sourceFiles(side, base).length > 0);

const cruised = await cruise([...present], { ...options, baseDir: base, ruleSet: { forbidden }, validate: true });
const { modules, summary } = cruised.output as ICruiseResult;
const seen = new Set(modules.map((module) => module.source));
const unseen = files.filter((file) => !seen.has(file));
const edges = modules.reduce((sum, module) => sum + module.dependencies.length, 0);

for (const violation of summary.violations) {
  const circle = violation.cycle?.map((step) => step.name).join(' -> ');
  process.stdout.write(`${violation.rule.name}: ${violation.from} -> ${circle ?? violation.to}\n`);
}
for (const file of unseen) process.stdout.write(`not seen by the check: ${file}\n`);
process.stdout.write(
  `boundaries: ${files.length} sources, ${edges} imports, ${summary.violations.length} violations, ${unseen.length} unseen\n`,
);
const sawNothing = files.length === 0 || (files.length > 1 && edges === 0);
process.exitCode = summary.violations.length > 0 || unseen.length > 0 || sawNothing ? 1 : 0;
