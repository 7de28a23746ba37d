/** What is done to the nodes from outside, as sentences: the faults of the plan, and the phases of a run. */
import { unreachable } from '../../core/invariant.js';
import type { Fault, LinkRates } from '../../scenarios/fault-plan.js';
import type { TraceHeader } from './trace-events.js';

/** `n1, n2 and n3`. */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
}

const clientsNamedMax = 3;

/** Nodes by name, and clients too while they are few. */
export function endpointsText(names: readonly string[], { nodes, clients }: TraceHeader): string {
  const known = new Set(nodes.map(({ name }) => name));
  const others = names.filter((name) => !known.has(name));
  const own = names.filter((name) => known.has(name));
  if (others.length <= clientsNamedMax) return listed([...own, ...others]);
  return listed([...own, others.length === clients.length ? 'all clients' : `${others.length} clients`]);
}

export function faultSentence(fault: Fault, ends: boolean, header: TraceHeader): string {
  const link = (names: { readonly from: readonly string[]; readonly to: readonly string[] }): string =>
    `${endpointsText(names.from, header)} to ${endpointsText(names.to, header)}`;
  switch (fault.kind) {
    case 'cutLinks':
      return `cuts the links from ${link(fault)}`;
    case 'healLinks':
      return `heals the links from ${link(fault)}`;
    case 'setLinkRates':
      return fault.rates === null
        ? `lets the links from ${link(fault)} be as before`
        : `sets the links from ${link(fault)} to ${ratesText(fault.rates)}`;
    case 'clogLinks':
      return ends ? `unclogs the links from ${link(fault)}` : `clogs the links from ${link(fault)}: what is sent is held back`;
    case 'kill':
      return fault.amid === 'write' ? `will kill the process of ${fault.node} during its next write` : `kills the process of ${fault.node}`;
    case 'crash':
      return fault.amid === 'write' ? `will take the power of ${fault.node} during its next write` : `takes the power of ${fault.node}`;
    case 'restart':
      return `gives ${fault.node} power${fault.moved === true ? ', and another address' : ''}`;
    case 'leave':
      return `asks ${fault.node} to take its leave`;
    case 'diskStall':
      return ends ? `lets the disk of ${fault.node} go on` : `lets the disk of ${fault.node} stall`;
    case 'diskError':
      return ends ? `lets ${fault.operation}s of ${fault.node} succeed again` : `lets every ${fault.operation} of ${fault.node} fail`;
    case 'diskCapacity':
      return ends ? `lifts the bound of the disk of ${fault.node}` : `bounds the disk of ${fault.node} to ${fault.bytes} bytes`;
    case 'diskBitRot':
      return `lets bits rot on the disk of ${fault.node}`;
    case 'diskLostWrite':
      return `lets a synced write of ${fault.node} never have reached its disk`;
    case 'diskMisdirectedWrite':
      return `lets a synced write of ${fault.node} have gone to another place of its disk`;
    case 'diskBadSectors':
      return ends
        ? `lets all sectors of ${fault.node} be read again`
        : `lets sectors of ${fault.node} go bad${fault.untilMs === null ? ' for good' : ''}`;
    case 'diskCheckpointRot':
      return `lets bits rot in a checkpoint of ${fault.node}`;
    case 'destroyDisk':
      return `destroys the disk of ${fault.node} for good`;
    case 'clockJump':
      return `lets the wall clock of ${fault.node} jump by ${fault.byMs} ms`;
    case 'clockDrift':
      return `lets the clocks of ${fault.node} drift by ${fault.ppm} ppm`;
    default:
      return unreachable(fault);
  }
}

function ratesText({ delayUsMin, jitterUs, loss, duplicate, queueBytes = 0 }: LinkRates): string {
  const delay = `${delayUsMin / 1_000} to ${(delayUsMin + jitterUs) / 1_000} ms`;
  const chances = [...(loss > 0 ? [`${percent(loss)} lost`] : []), ...(duplicate > 0 ? [`${percent(duplicate)} doubled`] : [])];
  const queue = queueBytes > 0 ? [`a queue of ${queueBytes} bytes`] : [];
  return [delay, ...chances, ...queue].join(', ');
}

function percent(share: number): string {
  return `${Math.round(share * 1_000) / 10} %`;
}

const rests = { cut: 'cut off', deaf: 'deaf', mute: 'mute', down: 'without power' } as const;

export function phaseSentence(phase: string, { nodes, liveness }: TraceHeader): string {
  if (phase !== 'majority') return phaseSentences[phase] ?? phase;
  const rest = nodes.map(({ name }) => name).filter((name) => !liveness.majority.includes(name));
  return `heals ${listed(liveness.majority)}${rest.length === 0 ? '' : ` and leaves ${listed(rest)} ${rests[liveness.rest]}`}`;
}

const phaseSentences: Readonly<Record<string, string>> = {
  load: 'begins the load',
  draining: 'ends the load: what was asked is waited for',
  all: 'heals everything',
  waiting: 'finds all copies equal; terms that overlap are given time to end',
  serving: 'asks every space for one write more',
  settling: 'waits until all copies are equal again',
  reading: 'reads every id from every copy',
  done: 'ends',
};
