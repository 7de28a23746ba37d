/** Re-merge: a cluster falls into two halves, each takes the other for dead, and after a long time the links are back. Time from there until all see all. */
import { atMost, type Experiment, timeColumns } from './experiment.js';
import { LoneCluster } from './lone-cluster.js';

const formationMsMax = 600_000;
const reMergeMsMax = 600_000;
const minuteMs = 60_000;

const lengths = [
  { label: '1 minute', partedMs: minuteMs, nodes: 10, seeds: 1_000 },
  { label: '1 minute', partedMs: minuteMs, nodes: 100, seeds: 100 },
  { label: '1 hour', partedMs: 60 * minuteMs, nodes: 10, seeds: 20 },
  { label: '1 day', partedMs: 24 * 60 * minuteMs, nodes: 6, seeds: 20 },
];

export const reMerge: Experiment = {
  name: 're-merge',
  cases: lengths.map(({ label, partedMs, nodes, seeds }) => ({
    label: `${label}, ${nodes} nodes`,
    seeds,
    goal: atMost('mergedMs', 10_000, 1),
    measure: (seed) => measure(seed, nodes, partedMs),
  })),
  columns: timeColumns('mergedMs', 'merged'),
};

function measure(seed: number, nodes: number, partedMs: number): { readonly mergedMs: number } {
  const cluster = new LoneCluster({ seed: `re-merge/${seed}`, nodes });
  cluster.form(formationMsMax);
  const left = cluster.draws.subset([...cluster.hosts.keys()], { min: Math.floor(nodes / 2), max: Math.floor(nodes / 2) });
  const right = [...cluster.hosts.keys()].filter((index) => !left.includes(index));
  cluster.part(left, right);
  cluster.run(cluster.nowMs + partedMs + cluster.draws.integer({ min: 0, max: 10_000 }));
  const isParted = left.every((one) =>
    right.every((other) => cluster.views.says(one, other, 'dead') && cluster.views.says(other, one, 'dead')),
  );
  if (!isParted) throw new Error(`seed ${seed}: the halves do not take each other for dead after ${partedMs} ms`);
  cluster.mend(left, right);
  const healedMs = cluster.nowMs;
  const isMerged = cluster.run(healedMs + reMergeMsMax, () => cluster.agreed);
  return { mergedMs: isMerged ? cluster.nowMs - healedMs : Number.POSITIVE_INFINITY };
}
