/**
 * Installs the packages of a checkout, once, whoever comes first: called by the launchers when something is missing.
 *
 * Mutual exclusion by claims: each contender leaves a file named by its pid, then looks round. If it sees another living claim, it withdraws and
 * waits; of two contenders at least the later to look sees the other. A claim of a dead process counts for nothing, so being killed leaves no
 * lock behind; the installer's own pid is claimed too, because npm outlives a killed launcher.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const claims = join(root, '.setup-lock');
const marker = join(root, 'node_modules/.package-lock.json');
/** An installation takes seconds to a minute; after this long the other one hangs. */
const waitMsMax = 15 * 60_000;

const say = (text) => process.stderr.write(`engram: ${text}\n`);

/** When the process started, where the system tells (Linux): a recycled pid is not the process that claimed. */
function startOf(pid) {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? 'dead' : `${boot} ${fields[18]}`;
  } catch {
    return '';
  }
}

function isAlive(pid, claim) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return startOf(pid) === claim;
}

function claim(pid) {
  const written = join(claims, `new-${pid}`);
  writeFileSync(written, startOf(pid));
  renameSync(written, join(claims, String(pid)));
}

function withdraw(pid) {
  rmSync(join(claims, String(pid)), { force: true });
}

/** Pids of living claims other than ours; those of the dead are swept away. */
function others() {
  return readdirSync(claims)
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .filter((name) => {
      try {
        if (isAlive(Number(name), readFileSync(join(claims, name), 'utf8'))) return true;
      } catch {
        return false;
      }
      withdraw(name);
      return false;
    });
}

async function acquire() {
  const giveUpAt = Date.now() + waitMsMax;
  for (let told = false; ; ) {
    mkdirSync(claims, { recursive: true });
    claim(process.pid);
    const [other] = others();
    if (other === undefined) return;
    withdraw(process.pid);
    if (!told) say(`another process (${other}) is installing the packages; waiting for it`);
    told = true;
    if (Date.now() > giveUpAt) throw new Error(`process ${other} has been installing for too long; end it and try again`);
    await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 400));
  }
}

/** Whether every dependency is installed in its pinned version. npm writes the marker last, so an interrupted installation has none. */
function isComplete() {
  if (!existsSync(marker)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).dependencies;
  const installed = JSON.parse(readFileSync(marker, 'utf8')).packages;
  return Object.entries(wanted).every(([name, version]) => installed[`node_modules/${name}`]?.version === version);
}

function install() {
  return new Promise((resolve, reject) => {
    const npm = spawn('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', 2, 2] });
    if (npm.pid !== undefined) claim(npm.pid);
    const end = (settle) => {
      if (npm.pid !== undefined) withdraw(npm.pid);
      settle();
    };
    npm.on('error', (error) => end(() => reject(new Error(`cannot start npm (${error.message}); it comes with Node.js`))));
    npm.on('exit', (code, signal) =>
      end(() => (code === 0 ? resolve() : reject(new Error(`npm ci failed (${code ?? signal}); see its words above`)))),
    );
  });
}

async function setUp() {
  await acquire();
  try {
    if (!isComplete()) {
      say('first use: installing the packages');
      await install();
      if (!isComplete()) throw new Error('npm ci ended well but left packages out: do package.json and package-lock.json agree?');
    }
    utimesSync(marker, new Date(), new Date());
  } finally {
    withdraw(process.pid);
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    withdraw(process.pid);
    process.exit(4);
  });
}

setUp().catch((error) => {
  say(`set-up failed: ${error.message}`);
  process.exitCode = 4;
});
