/** Nodes of a benchmark as child processes, and the processor time that each process uses. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freeMembers, type NodeProcess, startNode } from '../runtime-real/node-processes.js';

/** As bin/engram-node starts them. */
export const launchFlags = ['--max-semi-space-size=32', '--heap-growing-percent=300'];
/** Of Linux: /proc counts in hundredths of a second. */
const ticksPerSecond = 100;

export interface ProcessorTime {
  readonly userUs: number;
  readonly kernelUs: number;
}

/** One node alone, or n1 to nK of a cluster whose members all serve; their data under `folder`. `runtimeFlags` are of Node.js itself. */
export async function startNodes(count: number, folder: string, runtimeFlags: readonly string[] = []): Promise<NodeProcess[]> {
  mkdirSync(folder, { recursive: true });
  const shared = { runtimeFlags: [...launchFlags, ...runtimeFlags], flags: ['--log-level', 'info', '--log-format', 'json'] };
  if (count === 1) return [await startNode({ ...shared, name: 'n1', dataDir: join(folder, 'n1') })];
  const members = await freeMembers(count);
  return Promise.all(members.map((_, at) => startNode({ ...shared, name: `n${at + 1}`, members, dataDir: join(folder, `n${at + 1}`) })));
}

/** Since the process began. */
export function processorTimeOf(pid: number): ProcessorTime {
  // The name in parentheses may hold spaces: fields are counted from behind it.
  const [, rest] = /^\d+ \(.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
  const fields = (rest ?? '').split(' ');
  const us = (field: number): number => (Number(fields[field]) / ticksPerSecond) * 1e6;
  return { userUs: us(11), kernelUs: us(12) };
}

/** Resident bytes of the process. */
export function residentBytesOf(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1_024;
}
