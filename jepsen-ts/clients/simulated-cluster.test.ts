/** The client library under simulated faults: what it does is a function of code and seed, and a crash of a primary costs neither a write nor its oneness. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connectEngram, type Engram } from '../../runtime-real/index.js';
import { crash, type FaultPlan, restart, split } from '../../scenarios/fault-plan.js';
import { SimulatedCluster } from './simulated-cluster.js';

const simulated = suite('client on a simulated cluster');

interface Told {
  readonly traceHash: string;
  /** Node ids in the order of the acknowledgements. */
  readonly acknowledgedBy: readonly string[];
  readonly alternates: number;
  readonly lost: readonly string[];
}

/** Writes one by one, each text once, and reads all back at the end. */
async function writeThrough(seed: number, faults: FaultPlan): Promise<Told> {
  const cluster = await SimulatedCluster.start({ seed, nodes: 3, faults });
  const engram = await connectEngram({ servers: cluster.servers, deadlineMs: 20_000 }, cluster.world);
  try {
    const acknowledgedBy: string[] = [];
    for (let at = 0; at < 200; at += 1) {
      const { answeredBy } = await engram.space('story').remember({ id: `e${at}`, text: `text ${at}`, embed: false });
      acknowledgedBy.push(answeredBy.nodeId);
      await cluster.world.wait(20);
    }
    const { lost, alternates } = await readBack(engram);
    return { traceHash: cluster.traceHash, acknowledgedBy, alternates, lost };
  } finally {
    await engram.close();
  }
}

async function readBack(engram: Engram): Promise<{ lost: string[]; alternates: number }> {
  const lost: string[] = [];
  let alternates = 0;
  for (let at = 0; at < 200; at += 1) {
    const memory = await engram.space('story').get(`e${at}`);
    if (memory?.text !== `text ${at}`) lost.push(`e${at}`);
    alternates += memory?.alternatesTotal ?? 0;
  }
  return { lost, alternates };
}

simulated('the same calls under the same seed are the same run, under another seed another one', async () => {
  const first = await writeThrough(7, []);
  assert.equal(await writeThrough(7, []), first);
  assert.is.not((await writeThrough(8, [])).traceHash, first.traceHash);
});

for (const node of ['n1', 'n2', 'n3']) {
  simulated(`${node} loses power under writes and comes back: nothing acknowledged is lost, nothing is written twice`, async () => {
    const { lost, alternates, acknowledgedBy } = await writeThrough(7, [
      crash({ atMs: 2_500, node, amid: 'write' }),
      restart({ atMs: 7_000, node }),
    ]);
    assert.equal(lost, []);
    assert.is(alternates, 0);
    assert.is(acknowledgedBy.length, 200);
  });
}

simulated('a client that is cut off from the primary without a word writes on at another node', async () => {
  const calm = await writeThrough(7, []);
  const primary = calm.acknowledgedBy[0] as string;
  const cut = (name: string): FaultPlan =>
    split({ fromMs: 2_500, untilMs: 60_000, left: [name], right: ['application', 'n1', 'n2', 'n3'] });
  const runs = await Promise.all(['n1', 'n2', 'n3'].map((name) => writeThrough(7, cut(name))));
  for (const { lost, alternates } of runs) assert.equal([lost, alternates], [[], 0]);
  const moved = runs.filter(({ acknowledgedBy }) => acknowledgedBy[0] === primary && acknowledgedBy[199] !== primary);
  assert.is(moved.length, 1, 'exactly one of the three was the primary');
});

simulated.run();
