/**
 * One process per data directory, also when processes race, and nothing to clean up after kill -9.
 *
 * Node offers no flock. So each contender first leaves a *claim* of its own, a file that nobody else ever writes, and only then looks round; if it
 * sees the claim of another living process, it does not go on. Of two that race, at least the later to look sees the other: both may be held up
 * (then the first by name waits and the other withdraws), both can never go on. There is no shared lock file whose stale remains two processes
 * could take over at the same time.
 *
 * A claim names its process by pid, start time and boot of the machine, read from /proc: a recycled pid is another process. A claim made in another
 * pid namespace or on another machine (a container on the same volume) cannot be looked up; its owner touches it every second, and it counts as
 * dead once it has not been touched for `foreignSilenceMs`. Where there is no /proc, a pid that exists is taken to be alive.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { EngramError } from '../../core/errors.js';

const touchEveryMs = 1_000;
const foreignSilenceMs = 4_000;
const triesMax = 10;

interface Claim {
  readonly pid: number;
  /** Start of the process in clock ticks since the machine's boot; empty where the system does not tell. */
  readonly startedAt: string;
  /** Machine, its boot, and pid namespace: within one, pids can be compared. */
  readonly realm: string;
}

export interface DirectoryLock {
  release(): void;
  /** Resolves, within a second or so, when the claim is gone although nobody released it: the directory has been removed. What is written to it now stays nowhere. */
  readonly lost: Promise<EngramError>;
}

/** Takes the lock, or throws DATA_DIRECTORY_LOCKED naming directory and pid. Creates the directory when missing. */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const claims = join(directory, 'lock');
  try {
    makeDirectories(claims);
  } catch (error) {
    throw unusable(directory, error);
  }
  let own = makeClaim(directory, claims);
  for (let tried = 1; ; tried += 1) {
    const rivals = await livingRivals(claims, own);
    const [rival] = rivals;
    if (rival === undefined) return hold(directory, own);
    // A claim that has stood for a while is a holder's; a young one may be about to be withdrawn.
    const giveUp = tried === triesMax || !rivals.some(({ path }) => isYoung(path));
    // Among those that race the first by name stays and looks again: without this all might withdraw for ever.
    const stays = !giveUp && rivals.every(({ path }) => own < path);
    if (!stays) rmSync(own, { force: true });
    if (giveUp) throw locked(directory, rival.claim);
    await wait(10 + Math.random() * 40);
    if (!stays) own = makeClaim(directory, claims);
  }
}

/**
 * Whether its holder died without letting go: there are claims, and each names a process of this machine that is gone. What cannot be looked up (another
 * container's claim, one that cannot be read) counts as alive.
 */
export function isAbandoned(directory: string): boolean {
  const claims = join(directory, 'lock');
  let names: readonly string[];
  try {
    names = readdirSync(claims).filter((name) => name.startsWith('claim-'));
  } catch {
    return false;
  }
  return names.length > 0 && names.every((name) => isOfDeadProcess(readClaim(join(claims, name))));
}

function isOfDeadProcess(claim: Claim | null): boolean {
  return claim !== null && claim.realm === realm() && !isRunning(claim);
}

/** One by one, from the first that is missing: `recursive` of Node 20 never returns on paths where nothing can be made, as under /proc. */
function makeDirectories(path: string): void {
  try {
    mkdirIfMissing(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectories(dirname(path));
    mkdirIfMissing(path);
  }
}

/** Another process may make it at the same time. */
function mkdirIfMissing(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}

function makeClaim(directory: string, claims: string): string {
  const claim: Claim = { pid: process.pid, startedAt: startOf(process.pid) ?? '', realm: realm() };
  const name = `${process.pid}-${randomBytes(8).toString('hex')}`;
  const [draft, own] = [join(claims, `draft-${name}`), join(claims, `claim-${name}`)];
  try {
    // Renamed into place: a claim that can be seen can be read whole.
    writeFileSync(draft, JSON.stringify(claim), { mode: 0o600 });
    renameSync(draft, own);
  } catch (error) {
    rmSync(draft, { force: true });
    throw unusable(directory, error);
  }
  return own;
}

function isYoung(path: string): boolean {
  try {
    const { birthtimeMs } = statSync(path);
    return Math.abs(Date.now() - birthtimeMs) < 500;
  } catch {
    return true;
  }
}

function hold(directory: string, own: string): DirectoryLock {
  let isLost = (_why: EngramError): void => {};
  const lost = new Promise<EngramError>((resolve) => {
    isLost = resolve;
  });
  const touch = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(own, now, now);
    } catch (error) {
      // On a full or read-only disk the claim still stands for everyone on this machine.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return;
      clearInterval(touch);
      isLost(removed(directory));
    }
  }, touchEveryMs).unref();
  return {
    lost,
    release: () => {
      clearInterval(touch);
      rmSync(own, { force: true });
    },
  };
}

async function livingRivals(claims: string, own: string): Promise<{ path: string; claim: Claim }[]> {
  const rivals: { path: string; claim: Claim }[] = [];
  for (const name of readdirSync(claims)) {
    const path = join(claims, name);
    if (!name.startsWith('claim-') || path === own) continue;
    const claim = readClaim(path);
    if (claim === null) continue;
    if (await isAlive(path, claim)) rivals.push({ path, claim });
    else rmSync(path, { force: true });
  }
  return rivals;
}

function readClaim(path: string): Claim | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Claim;
  } catch {
    return null;
  }
}

async function isAlive(path: string, claim: Claim): Promise<boolean> {
  return claim.realm === realm() ? isRunning(claim) : isTouched(path);
}

/** Of a claim that was made in our own realm. */
function isRunning(claim: Claim): boolean {
  const start = startOf(claim.pid);
  if (start !== null) return start !== 'dead' && start === claim.startedAt;
  try {
    process.kill(claim.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Watches the claim for a while: its time of modification is only compared with itself, so that clocks need not agree. */
async function isTouched(path: string): Promise<boolean> {
  const touchedAt = (): number | null => {
    try {
      return statSync(path).mtimeMs;
    } catch {
      return null;
    }
  };
  const before = touchedAt();
  for (let waitedMs = 0; waitedMs < foreignSilenceMs; waitedMs += 200) {
    await wait(200);
    const now = touchedAt();
    if (now === null) return false;
    if (now !== before) return true;
  }
  return false;
}

/** `dead` for a process that is gone or a zombie; null where the system has no /proc. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain spaces and parentheses: fields are counted from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? 'dead' : (fields[19] ?? '');
  } catch {
    return hasProc() ? 'dead' : null;
  }
}

function hasProc(): boolean {
  try {
    readFileSync('/proc/self/stat');
    return true;
  } catch {
    return false;
  }
}

function realm(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

function locked(directory: string, claim: Claim): EngramError {
  const who = claim.realm === realm() ? `process ${claim.pid}` : `process ${claim.pid} of another container or machine`;
  const self = claim.pid === process.pid && claim.realm === realm() ? ' (this process itself: it has opened the directory before)' : '';
  return new EngramError('DATA_DIRECTORY_LOCKED', {
    message: `the data directory ${resolve(directory)} is in use by ${who}${self}`,
    field: 'dataDir',
  });
}

function removed(directory: string): EngramError {
  return new EngramError('DATA_DIRECTORY_UNUSABLE', {
    message: `the data directory ${resolve(directory)} was removed, or the lock in it, while it was in use: nothing that is written to it now would stay`,
    field: 'dataDir',
    hint: 'put the directory back where it was, or start with an empty one: that is another node, which its peers fill',
  });
}

function unusable(directory: string, cause: unknown): EngramError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message = `the data directory ${resolve(directory)} cannot be used: ${why}`;
  return new EngramError('DATA_DIRECTORY_UNUSABLE', {
    message,
    field: 'dataDir',
    hint: isFull(cause) ? 'free some space: a start writes a few hundred bytes' : 'give a directory that this user may write to',
    cause,
  });
}

function isFull(cause: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException | null)?.code ?? '');
}
