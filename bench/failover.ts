/**
 * How long writes stand still when a primary is killed: five real nodes, one space with three copies, a client that writes one memory after the other; whoever is
 * primary gets SIGKILL, twenty times over, and is started again. The clock runs from the signal to the first write that a primary confirmed by the control log
 * acknowledges. One that took over before anybody had confirmed it is measured beside.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connectEngram, type Space } from '../runtime-real/index.js';
import { freeMembers, type NodeProcess, startNode } from '../runtime-real/node-processes.js';
import { disk, percentile, type Row } from './figures.js';
import { launchFlags } from './processes.js';

const nodes = 5;
export const kills = 20;
/** After a restart everybody has to have come to rest, so that each kill meets a whole cluster. */
const restMs = 4_000;
const patienceMs = 60_000;

interface Failover {
  readonly anyMs: number;
  readonly confirmedMs: number;
}

export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(process.env.ENGRAM_BENCH_DIR ?? process.cwd(), '.engram-bench-'));
  const fleet = new Map<string, NodeProcess>();
  try {
    const members = await freeMembers(nodes);
    const start = async (name: string): Promise<void> => {
      const flags = ['--log-level', 'info', '--log-format', 'json'];
      fleet.set(name, await startNode({ name, members, flags, dataDir: join(folder, name), runtimeFlags: launchFlags }));
    };
    await Promise.all(members.map((member) => start(member.split('=')[0] as string)));
    const servers = [...fleet.values()].map(({ address }) => address);
    const engram = await connectEngram({ servers, deadlineMs: patienceMs });
    try {
      const measured: Failover[] = [];
      for (let count = 0; count < kills; count += 1) {
        const space = engram.space('failover');
        const primary = await confirmed(space, null);
        await new Promise((resolve) => setTimeout(resolve, restMs));
        measured.push(await killed(fleet.get(primary) as NodeProcess, space));
        await start(primary);
      }
      return [disk(folder), ...rowsOf(measured)];
    } finally {
      await engram.close();
    }
  } finally {
    await Promise.all([...fleet.values()].map((node) => node.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes until a confirmed primary other than `gone` acknowledges; says who. */
async function confirmed(space: Space, gone: string | null, any: () => void = () => {}): Promise<string> {
  for (let count = 0; ; count += 1) {
    const { answeredBy } = await space.remember({ id: 'probe', text: `write ${count}`, embed: false });
    if (answeredBy.nodeName === gone) continue;
    any();
    if (answeredBy.confirmed) return answeredBy.nodeName;
  }
}

async function killed(node: NodeProcess, space: Space): Promise<Failover> {
  const startedAt = performance.now();
  node.kill('SIGKILL');
  let anyMs = Number.NaN;
  await confirmed(space, node.name, () => {
    if (Number.isNaN(anyMs)) anyMs = performance.now() - startedAt;
  });
  return { anyMs, confirmedMs: performance.now() - startedAt };
}

function rowsOf(measured: readonly Failover[]): Row[] {
  const spread = (times: readonly number[]): string => {
    const seconds = (share: number): string => `${(percentile([...times], share) / 1_000).toFixed(2)} s`;
    return `median ${seconds(0.5)}, worst of ${times.length} ${seconds(1)}`;
  };
  const confirmedMs = measured.map((each) => each.confirmedMs);
  return [
    {
      what: `${nodes} nodes, 3 copies, the primary killed ${kills} times: until a confirmed primary acknowledged a write`,
      measured: spread(confirmedMs),
      value: percentile(confirmedMs, 0.5),
      comparable: 'median time from a kill to the next write acknowledged',
      lessIsBetter: true,
      target: 'worst ≤ 1.5 s',
    },
    { what: 'the same, until any primary acknowledged one (provisional ones too)', measured: spread(measured.map((each) => each.anyMs)) },
  ];
}
