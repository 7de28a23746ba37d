/** The demo's crash: another process imports, and is killed with SIGKILL in the middle of it. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { EngramError } from '../../../core/errors.js';
import type { EpisodeInput } from '../../client/types.js';

export interface Crash {
  /** What the process was told was durable, and told us, before it died. */
  readonly acknowledged: readonly string[];
  /** Episodes handed to it. */
  readonly given: number;
  readonly pid: number;
}

export interface CrashPlan {
  readonly dataDir: string;
  readonly space: string;
  readonly episodes: readonly EpisodeInput[];
  /** Killed as soon as this many have been acknowledged. */
  readonly killAfter: number;
  readonly onAcknowledged?: (acknowledged: number) => void;
}

/** Runs `engram import - --acknowledged` on the episodes and kills it. Fails if it ended by itself: then nothing was shown. */
export async function importAndKill(plan: CrashPlan): Promise<Crash> {
  const program = fileURLToPath(new URL('../../engram.ts', import.meta.url));
  const words = ['--data-dir', plan.dataDir, '--space', plan.space, 'import', '-', '--acknowledged', '--batch', '16'];
  const child = spawn(process.execPath, [...process.execArgv, program, ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint = `${complaint}${chunk}`.slice(-2_000);
  });
  // Its end of the pipe breaks when it dies: that is what we are here for.
  child.stdin.on('error', () => {});

  const acknowledged: string[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (id) => {
    acknowledged.push(id);
    plan.onAcknowledged?.(acknowledged.length);
    if (acknowledged.length === plan.killAfter) child.kill('SIGKILL');
  });
  const read = new Promise((resolve) => lines.once('close', resolve));
  const ended = new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.once('exit', (_code, signal) => resolve(signal));
    child.once('error', reject);
  });

  let given = 0;
  for (const episode of plan.episodes) {
    if (child.exitCode !== null || child.signalCode !== null || child.stdin.destroyed) break;
    given += 1;
    // Only as fast as it reads: otherwise all would lie in the pipe before the first is durable.
    if (!child.stdin.write(`${JSON.stringify(episode)}\n`))
      await Promise.race([new Promise((resolve) => child.stdin.once('drain', resolve)), ended]);
  }
  child.stdin.end();
  const signal = await ended;
  await read;
  if (signal !== 'SIGKILL') {
    throw new EngramError('INTERNAL', {
      message: `the importing process ended by itself after ${acknowledged.length} episodes: ${complaint.trim() || 'no word from it'}`,
    });
  }
  return { acknowledged, given, pid: child.pid ?? 0 };
}
