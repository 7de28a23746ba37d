/**
 * Failover at the control log: a node that leads spaces is lost; how long until each of them has a confirmed primary again. What the new primary has to pull from
 * other copies first is not in it.
 *
 *     npm run control-failover -- --seeds 1..200
 *
 * Prints one line of JSON for each case: milliseconds from the fault. Exit code 1 when a space never got a confirmed primary.
 */
import { parseArgs } from 'node:util';
import type { ControlObservation } from '../../checker/control-observations.js';
import { Draws } from '../../scenarios/random-streams.js';
import { ControlCluster } from './control-cluster.js';
import { type ControlFault, calmPlan } from './control-plan.js';

type Case = 'killed' | 'killed, leading the control log' | 'cut off' | 'cut off, leading the control log';
const cases: readonly Case[] = ['killed', 'killed, leading the control log', 'cut off', 'cut off, leading the control log'];
const nodes = 5;
const spaces = 5;
const faultMs = 6_000;
const endMs = 16_000;

/** Of the spaces that the lost node led, the time until the last had a confirmed primary. */
export function measureFailover(seed: number, what: Case): number {
  const draws = new Draws(`failover/${seed}`, what);
  const strikesMs = faultMs + draws.integer({ min: 0, max: 1_000 });
  const plan = { ...calmPlan(nodes, endMs), founders: nodes };
  const cluster = new ControlCluster(`failover/${seed}/${what}`, plan);
  cluster.runUntil(2_000);
  for (let number = 0; number < spaces; number += 1) {
    const order = [...cluster.members.slice(number), ...cluster.members.slice(0, number)];
    const copies = order.slice(0, 3).map(({ id }) => id);
    cluster.leader?.propose({ kind: 'space-created', name: `space-${number}`, generation: 0, copies });
    cluster.runUntil(cluster.nowMs + 10);
  }
  cluster.runUntil(strikesMs);
  const { leader } = cluster;
  const wanted = what.endsWith('leading the control log');
  const victims = cluster.hosts.filter((host) => (host === leader) === wanted);
  const victim = draws.pick(victims);
  const led = Object.values(victim.inspect()?.state.rows ?? {}).flatMap(({ space, copies }) => (copies[0] === victim.id ? [space] : []));
  const fault: ControlFault = what.startsWith('killed')
    ? { kind: 'crash', atMs: strikesMs, forMs: endMs, node: victim.name, how: 'kill', amidWrite: null }
    : { kind: 'cut', atMs: strikesMs, forMs: endMs, from: plan.nodes, to: [victim.name], isBothWays: false };
  cluster.strike(fault);
  if (fault.kind === 'cut') cluster.strike({ ...fault, from: [victim.name], to: plan.nodes });
  const before = cluster.observations.length;
  const isReplaced = (observations: readonly ControlObservation[]): number => {
    const times = led.map(
      (space) => observations.find((each) => each.kind === 'confirmed' && each.space === space && each.node !== victim.name)?.atMs,
    );
    return Math.max(...times.map((atMs) => atMs ?? Number.POSITIVE_INFINITY));
  };
  cluster.runUntil(endMs);
  return isReplaced(cluster.observations.slice(before)) - strikesMs;
}

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '1..100' } } });
const range = /^(\d+)\.\.(\d+)$/.exec(values.seeds);
if (range === null) {
  process.stderr.write('control-failover: --seeds takes A..B\n');
  process.exit(2);
}
for (const what of cases) {
  const times: number[] = [];
  for (let seed = Number(range[1]); seed <= Number(range[2]); seed += 1) times.push(measureFailover(seed, what));
  times.sort((left, right) => left - right);
  const at = (share: number): number => Math.round(times[Math.min(times.length - 1, Math.ceil(share * times.length) - 1)]);
  process.stdout.write(`${JSON.stringify({ case: what, seeds: times.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) })}\n`);
  if (!Number.isFinite(times[times.length - 1])) process.exitCode = 1;
}
