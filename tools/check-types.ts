/**
 * Compiles every side with its own settings, two at a time. A side that has sources which none of its tsconfig files would compile fails.
 *
 *     npm run types
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isTest, root, sides, sourceFiles } from './source-files.js';

const compilersAtOnce = 2;
/** What the compiler remembers from one time to the next, so that only what changed is checked again. Checkouts that share installed packages have one each. */
const remembered = join(root, 'node_modules/.cache/types', createHash('sha256').update(root).digest('hex').slice(0, 16));

interface Project {
  readonly config: string;
  readonly sources: number;
}

function projectsOf(side: string): Project[] {
  if (!existsSync(join(root, side))) return [];
  const configs = readdirSync(join(root, side)).filter((name) => /^tsconfig.*\.json$/.test(name));
  const files = sourceFiles(side);
  const testsApart = configs.includes('tsconfig.tests.json');
  if (files.length > 0 && configs.length === 0) throw new Error(`${side}/ has sources and no tsconfig.json`);
  return configs.map((name) => ({
    config: `${side}/${name}`,
    sources: testsApart ? files.filter((file) => isTest(file) === (name === 'tsconfig.tests.json')).length : files.length,
  }));
}

function compile(project: Project): Promise<boolean> {
  return new Promise((resolve) => {
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const memory = ['--incremental', '--tsBuildInfoFile', join(remembered, `${project.config.replace('/', '-')}.tsbuildinfo`)];
    execFile(
      process.execPath,
      [tsc, '--noEmit', '-p', project.config, ...memory],
      { cwd: root, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => {
        process.stdout.write(`${error === null ? 'ok  ' : 'FAIL'} ${project.config} (${project.sources} sources)\n${stdout}${stderr}`);
        resolve(error === null);
      },
    );
  });
}

const queue = sides.flatMap(projectsOf).filter((project) => project.sources > 0);
if (queue.length === 0) throw new Error('no sources found: nothing was checked');
let failed = 0;
await Promise.all(
  Array.from({ length: compilersAtOnce }, async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) if (!(await compile(next))) failed += 1;
  }),
);
process.exitCode = failed > 0 ? 1 : 0;
