/** A lone pause: one process of a cluster at rest stands still for a second, as under SIGSTOP. Nobody may be declared dead for it. */
import { type Experiment, type Measured, total } from './experiment.js';
import { LoneCluster } from './lone-cluster.js';

const formationMsMax = 600_000;
const restMs = 5_000;
const pauseMs = 1_000;
const watchedMs = 20_000;

export const lonePause: Experiment = {
  name: 'lone-pause',
  cases: [
    { nodes: 5, seeds: 1_000 },
    { nodes: 100, seeds: 200 },
  ].map(({ nodes, seeds }) => ({
    label: `${nodes} nodes, ${pauseMs / 1_000} s`,
    seeds,
    goal: { text: 'no death', isMet: (samples) => total(samples, 'deaths') === 0 },
    measure: (seed) => measure(seed, nodes),
  })),
  columns: [
    { title: 'suspicions of it', cell: (samples) => String(total(samples, 'suspicions')) },
    { title: 'suspicions by it', cell: (samples) => String(total(samples, 'accusations')) },
    { title: 'deaths', cell: (samples) => String(total(samples, 'deaths')) },
  ],
};

function measure(seed: number, nodes: number): Measured {
  const cluster = new LoneCluster({ seed: `lone-pause/${seed}`, nodes });
  cluster.form(formationMsMax);
  cluster.run(cluster.nowMs + restMs + cluster.draws.integer({ min: 0, max: 1_000 }));
  const paused = cluster.draws.integer({ min: 0, max: nodes - 1 });
  let suspicions = 0;
  let accusations = 0;
  let deaths = 0;
  cluster.listener = (host, event) => {
    if (event.kind === 'member.suspected' && event.paths !== null) {
      if (host.index === paused) accusations += 1;
      else suspicions += 1;
    }
    if (event.kind === 'member.declared-dead') deaths += 1;
  };
  cluster.hosts[paused].pause(pauseMs * 1_000);
  cluster.run(cluster.nowMs + watchedMs);
  return { suspicions, accusations, deaths };
}
