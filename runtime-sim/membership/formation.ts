/** Formation: nodes that start within a second of each other and know one address find each other. Time from the first start until all see all. */
import { atMost, type Experiment, timeColumns } from './experiment.js';
import { LoneCluster } from './lone-cluster.js';

const longestMs = 600_000;

export const formation: Experiment = {
  name: 'formation',
  cases: [
    { nodes: 5, seeds: 1_000, goal: atMost('formedMs', 5_000, 1) },
    { nodes: 100, seeds: 200, goal: null },
  ].map(({ nodes, seeds, goal }) => ({ label: `${nodes} nodes`, seeds, goal, measure: (seed) => measure(seed, nodes) })),
  columns: timeColumns('formedMs', 'formed'),
};

function measure(seed: number, nodes: number): { readonly formedMs: number } {
  const cluster = new LoneCluster({ seed: `formation/${seed}`, nodes, seeds: 1 });
  cluster.form(longestMs);
  return { formedMs: cluster.nowMs };
}
