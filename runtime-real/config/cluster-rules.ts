/** What only several keys together can say about a cluster: who its members are, how they are found, and under which addresses nodes can be reached. */
import { networkInterfaces } from 'node:os';
import { suggestion } from '../../core/nearest-names.js';
import { type ConfiguredMember, isWildcard, memberText, portOf } from './addresses.js';
import { ConfigurationError, shown } from './configuration-error.js';
import type { GivenValues } from './sources.js';

export interface ClusterGiven {
  readonly self: string;
  readonly members: readonly ConfiguredMember[];
  readonly hasSeeds: boolean;
  readonly given: GivenValues;
}

export function checkMembers({ self, members, hasSeeds, given }: ClusterGiven): void {
  const where = whereOf('cluster.members', given);
  const names = members.map(({ name }) => name);
  if (names.length === 0) {
    if (hasSeeds) return;
    const hint =
      'list every node as name=host:port in cluster.members (--member once for each), or give the address of some node as a seed';
    throw new ConfigurationError(`${where}: cluster.mode is "cluster", but cluster.members is empty and there are no cluster.seeds`, hint);
  }
  for (const [at, member] of members.entries()) checkMember(member, { at, members, where });
  const lost = members.find(({ name, address }) => address === null && name !== self);
  if (lost !== undefined && !hasSeeds) {
    const hint = `give ${lost.name}=host:port, or cluster.seeds, so that membership finds where it is`;
    throw new ConfigurationError(`${where}: cluster.members has no address for ${lost.name}, and there are no cluster.seeds`, hint);
  }
  if (names.includes(self)) return;
  const hint = `set node.name to the member that this node is: ${suggestion(self, names)}`;
  throw new ConfigurationError(`${whereOf('node.name', given)}: node.name = ${shown(self)} is none of cluster.members`, hint);
}

interface Place {
  readonly at: number;
  readonly members: readonly ConfiguredMember[];
  readonly where: string;
}

function checkMember(member: ConfiguredMember, { at, members, where }: Place): void {
  const { name, address } = member;
  if (members.findIndex((other) => other.name === name) !== at) {
    throw new ConfigurationError(`${where}: cluster.members names ${name} twice`, 'give each member a name of its own');
  }
  if (address === null) return;
  if (members.findIndex((other) => other.address === address) !== at) {
    throw new ConfigurationError(`${where}: cluster.members has the address ${address} twice`, 'give each member an address of its own');
  }
  if (portOf(address) === 0) {
    throw new ConfigurationError(
      `${where}: cluster.members: ${memberText(member)} has port 0`,
      'give the port that the others reach it on',
    );
  }
}

/** 0.0.0.0 is an address to listen on; whoever is told to send there sends to himself. `key` is where the way out is to be said. */
export function checkAdvertised(address: string, key: string, given: GivenValues): void {
  if (!isWildcard(address)) return;
  const section = key.slice(0, key.indexOf('.'));
  const said = given.has(key) ? key : `${section}.listen`;
  const variable = `ENGRAM_${key.replace('.', '_').toUpperCase()}`;
  throw new ConfigurationError(
    `${whereOf(said, given)}: ${said} = ${shown(address)} stands for every address of this machine: other nodes cannot send there`,
    `set ${key} (${variable}) to the address that other nodes reach this one on${ownAddresses(portOf(address))}; port 0 stands for the port that is listened on`,
  );
}

export function whereOf(name: string, given: GivenValues): string {
  return given.get(name)?.where ?? 'configuration';
}

/** What people usually want to say, so that they need not look it up. */
function ownAddresses(port: number): string {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const reachable = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80'));
  if (reachable.length === 0) return '';
  const texts = reachable.slice(0, 3).map(({ address, family }) => (family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`));
  return `; this machine has ${texts.join(', ')}`;
}
