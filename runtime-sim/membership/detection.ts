/**
 * Detection: one node of a cluster at rest loses power. Time from there until somebody declares it dead, and from the declaration until nobody takes it for
 * alive or suspect any more.
 */
import { atMost, type Experiment, type Goal, timeColumns } from './experiment.js';
import { LoneCluster } from './lone-cluster.js';

const formationMsMax = 600_000;
/** At rest: what the formation had to tell has been told. */
const restMs = 5_000;
const detectionMsMax = 120_000;

const both = (...goals: readonly Goal[]): Goal => ({
  text: goals.map(({ text }) => text).join(', '),
  isMet: (samples) => goals.every((goal) => goal.isMet(samples)),
});
const named = (name: string, goal: Goal): Goal => ({ ...goal, text: `${name} ${goal.text}` });

export const detection: Experiment = {
  name: 'detection',
  cases: [
    { nodes: 5, seeds: 1_000, goal: named('declared', atMost('declaredMs', 3_000, 0.99)) },
    {
      nodes: 100,
      seeds: 1_000,
      goal: both(named('declared', atMost('declaredMs', 7_000, 0.99)), named('informed', atMost('informedMs', 1_500, 0.99))),
    },
    { nodes: 1_000, seeds: 20, goal: named('informed', atMost('informedMs', 3_000, 1)) },
  ].map(({ nodes, seeds, goal }) => ({ label: `${nodes} nodes`, seeds, goal, measure: (seed) => measure(seed, nodes) })),
  columns: [...timeColumns('declaredMs', 'declared'), ...timeColumns('informedMs', 'informed')],
};

function measure(seed: number, nodes: number): { readonly declaredMs: number; readonly informedMs: number } {
  const cluster = new LoneCluster({ seed: `detection/${seed}`, nodes });
  cluster.form(formationMsMax);
  cluster.run(cluster.nowMs + restMs + cluster.draws.integer({ min: 0, max: 1_000 }));
  const lost = cluster.draws.integer({ min: 0, max: nodes - 1 });
  const crashedMs = cluster.nowMs;
  let declaredMs = Number.POSITIVE_INFINITY;
  const informed = new Set<number>();
  cluster.listener = (host, event) => {
    const isDeath = event.kind === 'member.declared-dead' || event.kind === 'member.died';
    if (!isDeath || cluster.indexOf(event.node) !== lost) return;
    if (event.kind === 'member.declared-dead') declaredMs = Math.min(declaredMs, cluster.nowMs - crashedMs);
    informed.add(host.index);
  };
  cluster.crash(lost);
  const isSeen = cluster.run(crashedMs + detectionMsMax, () => informed.size === nodes - 1);
  return { declaredMs, informedMs: isSeen ? cluster.nowMs - crashedMs - declaredMs : Number.POSITIVE_INFINITY };
}
