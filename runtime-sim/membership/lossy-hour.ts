/** An hour in which one packet of twenty is lost on every link: how many nodes are suspected, and how many are declared dead, though all live. */
import type { Experiment } from './experiment.js';
import { total } from './experiment.js';
import { LoneCluster } from './lone-cluster.js';

const nodes = 100;
const loss = 0.05;
const hourMs = 3_600_000;
const formationMsMax = 600_000;

export const lossyHour: Experiment = {
  name: 'lossy-hour',
  cases: [
    {
      label: `${nodes} nodes, ${loss * 100} % loss`,
      seeds: 20,
      goal: { text: 'no false death', isMet: (samples) => total(samples, 'deaths') === 0 },
      measure,
    },
  ],
  columns: [
    { title: 'hours of a node', cell: (samples) => String(samples.length * nodes) },
    { title: 'false suspicions', cell: (samples) => String(total(samples, 'suspicions')) },
    { title: 'false deaths', cell: (samples) => String(total(samples, 'deaths')) },
  ],
};

function measure(seed: number): { readonly suspicions: number; readonly deaths: number } {
  const cluster = new LoneCluster({ seed: `lossy-hour/${seed}`, nodes, links: { loss } });
  cluster.form(formationMsMax);
  let suspicions = 0;
  let deaths = 0;
  cluster.listener = (_, event) => {
    if (event.kind === 'member.suspected' && event.paths !== null) suspicions += 1;
    if (event.kind === 'member.declared-dead') deaths += 1;
  };
  cluster.run(cluster.nowMs + hourMs);
  return { suspicions, deaths };
}
