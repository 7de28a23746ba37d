/**
 * How fast a cluster of five real nodes on this machine notices that one was killed: at the LAN defaults, from the SIGKILL until the first and until the last of
 * the others holds it dead, as their logs say it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type NodeProcess, startNode } from '../runtime-real/node-processes.js';
import { ms, type Row } from './figures.js';

export const nodesCount = 5;
export const roundsMeasured = 5;
/** A kill falls somewhere into a round of pings: after a pause of between two and three seconds. */
export const settleMs = (): number => 2_000 + 1_000 * Math.random();

/** In milliseconds after the kill. */
export interface Detection {
  readonly firstMs: number;
  readonly allMs: number;
}

export async function run(): Promise<Row[]> {
  const detections: Detection[] = [];
  for (let round = 0; round < roundsMeasured; round += 1) detections.push(await detect(round));
  return rowsOf('Engram', detections);
}

/** Medians, with the extremes, of what either system did. */
export function rowsOf(system: string, detections: readonly Detection[]): Row[] {
  const of = system === 'Engram' ? {} : { of: system };
  const row = (what: string, pick: (detection: Detection) => number, more: Partial<Row> = {}): Row => {
    const sorted = detections.map(pick).sort((left, right) => left - right);
    const median = sorted[Math.floor(sorted.length / 2)] as number;
    const measured = `${ms(median)} (${ms(sorted[0] as number)} to ${ms(sorted.at(-1) as number)}, ${sorted.length} rounds)`;
    return {
      what: `${system}, ${nodesCount} members, one killed: ${what}, median`,
      measured,
      value: median,
      lessIsBetter: true,
      ...more,
      ...of,
    };
  };
  return [
    row('until the first of the others holds it dead', ({ firstMs }) => firstMs, { comparable: 'first report of a death' }),
    row('until the last of the others holds it dead', ({ allMs }) => allMs, {
      comparable: 'death known to all',
      ...(system === 'Engram' ? { target: '≤ 3,000 ms' } : {}),
    }),
  ];
}

async function detect(round: number): Promise<Detection> {
  const folder = mkdtempSync(join(tmpdir(), 'engram-bench-'));
  const nodes: NodeProcess[] = [];
  try {
    const flags = ['--cluster-mode', 'cluster'];
    const first = await startNode({ name: 'n1', dataDir: join(folder, 'n1'), flags: [...flags, '--member', 'n1'] });
    nodes.push(first);
    const seed = String(first.logs.find(({ msg }) => msg === 'node.listening')?.membership);
    const names = Array.from({ length: nodesCount - 1 }, (_, at) => `n${at + 2}`);
    const environment = { ENGRAM_CLUSTER_SEEDS: seed };
    nodes.push(
      ...(await Promise.all(
        names.map((name) => startNode({ name, dataDir: join(folder, name), flags, environment, until: 'node.listening' })),
      )),
    );
    await Promise.all(nodes.flatMap((node) => nodes.filter((other) => other !== node).map((other) => knows(node, other))));
    await wait(settleMs());
    const victim = nodes[round % nodes.length] as NodeProcess;
    const others = nodes.filter((node) => node !== victim);
    const killedAt = performance.now();
    const reports = others.map(async (node) => {
      await Promise.race(['member.declared-dead', 'member.died'].map((msg) => node.logged(msg, (line) => line.node === victim.nodeId)));
      return performance.now() - killedAt;
    });
    victim.kill('SIGKILL');
    const [firstMs, all] = await Promise.all([Promise.race(reports), Promise.all(reports)]);
    return { firstMs, allMs: Math.max(...all) };
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function knows(node: NodeProcess, other: NodeProcess): Promise<void> {
  await node.logged('member.joined', (line) => line.node === other.nodeId);
}
