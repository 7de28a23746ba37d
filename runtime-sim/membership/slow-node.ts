/**
 * One slow node: a process that gets the processor now and then only, after Lifeguard (Dadgar, Phillips, Currey, 2017), whose experiment stops processes for some
 * time, lets them run for some time, and counts what is said of nodes that are well. The slow node sees the answers to its pings late and takes others for
 * dead; what it is told of its own suspicion it sees late as well.
 *
 * Counted are the suspicions of nodes that are well, wherever they begin, with local health and without.
 */
import { lanMembership } from '../../core/membership/options.js';
import { type Experiment, type Measured, total } from './experiment.js';
import { LoneCluster } from './lone-cluster.js';

const nodes = 100;
const lastsMs = 300_000;
const formationMsMax = 600_000;
/** Stopped and running by turns, both drawn between two ends. */
const stopsMs = { min: 500, max: 4_000 };
const runsMs = { min: 5, max: 100 };
const timesFewer = 20;

export const slowNode: Experiment = {
  name: 'slow-node',
  cases: [
    { label: 'local health off', seeds: 100, goal: null, measure: (seed) => measure(seed, false) },
    { label: 'local health on', seeds: 100, goal: null, measure: (seed) => measure(seed, true) },
  ],
  columns: [
    { title: 'false suspicions', cell: (samples) => String(total(samples, 'suspicions')) },
    { title: 'false deaths', cell: (samples) => String(total(samples, 'deaths')) },
  ],
  together: ([off = [], on = []]) => {
    const [without, withIt] = [total(off, 'suspicions') / off.length, total(on, 'suspicions') / on.length];
    const ratio = without / withIt;
    const compared =
      withIt > 0 ? `${ratio.toFixed(1)} times fewer` : `${without.toFixed(1)} a run without, none in ${on.length} runs with it:`;
    return { text: `${compared} false suspicions with local health; goal: ${timesFewer} times`, met: without > 0 && ratio >= timesFewer };
  },
};

function measure(seed: number, localHealth: boolean): Measured {
  const cluster = new LoneCluster({ seed: `slow-node/${seed}`, nodes, parameters: { ...lanMembership, localHealth } });
  cluster.form(formationMsMax);
  const { draws } = cluster;
  const slow = draws.integer({ min: 0, max: nodes - 1 });
  let suspicions = 0;
  let deaths = 0;
  cluster.listener = (_, event) => {
    if (event.kind === 'member.suspected' && event.paths !== null && cluster.indexOf(event.node) !== slow) suspicions += 1;
    if (event.kind === 'member.declared-dead' && cluster.indexOf(event.node) !== slow) deaths += 1;
  };
  const endsMs = cluster.nowMs + lastsMs;
  while (cluster.nowMs < endsMs) {
    const stopMs = draws.integer(stopsMs);
    cluster.hosts[slow].pause(stopMs * 1_000);
    cluster.run(cluster.nowMs + stopMs + draws.integer(runsMs));
  }
  return { suspicions, deaths };
}
