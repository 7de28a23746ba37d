/**
 * Completes package-lock.json after `npm install`: binaries for other platforms that the registry in use does not carry.
 *
 * npm leaves an optional package out of the lock when it cannot see it, and then `npm ci` refuses the lock, on every platform. Their
 * versions are exact pins of their parents, so the entries can be written without asking anyone. They carry no integrity.
 *
 *     node tools/complete-lockfile.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
let added = 0;

for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined) continue;
    const platform = /-(android|darwin|linux|win32)-([a-z0-9]+)(-musl)?$/.exec(name);
    if (platform === null || !/^\d+\.\d+\.\d+$/.test(version))
      throw new Error(`cannot complete ${name}@${version}: no exact platform package`);
    const [, os, cpu, musl] = platform;
    const libc = os !== 'linux' ? {} : musl !== undefined ? { libc: ['musl'] } : {};
    const dev = parent.dev === true ? { dev: true } : {};
    lock.packages[key] = {
      version,
      cpu: [cpu.startsWith('arm') && cpu !== 'arm64' ? 'arm' : cpu],
      ...dev,
      ...libc,
      optional: true,
      os: [os],
    };
    added += 1;
  }
}

const { '': root, ...rest } = lock.packages;
lock.packages = { '': root, ...Object.fromEntries(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))) };
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`package-lock.json: ${added} platform packages added\n`);
