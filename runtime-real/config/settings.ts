/** The configuration of one node, whole and judged: what the program runs with. */
import type { MemoryOptions, ReplicationOptions, StorageOptions } from '../../core/configuration.js';
import { suggestion } from '../../core/nearest-names.js';
import { type ConfiguredMember, memberOf } from './addresses.js';
import { ConfigurationError, shown } from './configuration-error.js';
import { type clusterModes, keyNames, keyOf, type logFormats, type logLevels, sections, type Value } from './keys.js';
import type { GivenValues } from './sources.js';

export interface NodeSettings {
  readonly node: {
    readonly name: string;
    readonly dataDir: string;
    readonly listen: string;
    readonly advertise: string;
    readonly drainMs: number;
  };
  readonly cluster: {
    readonly mode: (typeof clusterModes)[number];
    readonly name: string;
    /** In the order of the configuration; this node alone in mode `single`. */
    readonly members: readonly ConfiguredMember[];
    readonly replicationFactor: number;
  };
  readonly storage: StorageOptions;
  readonly memory: MemoryOptions;
  readonly replication: ReplicationOptions;
  readonly log: { readonly level: (typeof logLevels)[number]; readonly format: (typeof logFormats)[number] };
}

export const defaultListen = '127.0.0.1:50051';

/** Judges each value, fills in the defaults, and checks what only several keys together can say. Throws ConfigurationError. */
export function settingsOf(given: GivenValues): NodeSettings {
  const tables: Record<string, Record<string, Value>> = {};
  for (const name of keyNames) {
    const [section, key] = name.split('.') as [string, string];
    tables[section] ??= {};
    tables[section][camelCase(key)] = judged(name, given);
  }
  const { node, cluster, ...others } = tables as unknown as NodeSettings & { cluster: { members: readonly string[] } };
  const members = cluster.members.map(memberOf);
  if (cluster.mode === 'cluster') checkMembers(members, node.name, given);
  else if (members.length > 0) {
    const hint = 'set cluster.mode = "cluster" (or --cluster-mode cluster), or leave the members out';
    throw new ConfigurationError(`${whereOf('cluster.members', given)}: members are given, but cluster.mode is "single"`, hint);
  }
  const own = members.find(({ name }) => name === node.name)?.address;
  const listen = node.listen || own || defaultListen;
  const advertise = node.advertise || own || listen;
  const all = cluster.mode === 'cluster' ? members : [{ name: node.name, address: advertise }];
  checkTimes(others as unknown as NodeSettings, given);
  return { ...(others as unknown as NodeSettings), node: { ...node, listen, advertise }, cluster: { ...cluster, members: all } };
}

/** The settings as an engram.toml that says the same, with what each key means. */
export function settingsText(settings: NodeSettings): string {
  const tables = settings as unknown as Record<string, Record<string, unknown>>;
  const lines: string[] = [];
  for (const [section, keys] of Object.entries(sections)) {
    lines.push(`[${section}]`);
    for (const [key, { meaning, allowed }] of Object.entries(keys)) {
      const value = tables[section][camelCase(key)];
      lines.push(`# ${meaning} ${allowed[0].toUpperCase()}${allowed.slice(1)}.`, `${key} = ${tomlValue(value, settings)}`);
    }
    lines.push('');
  }
  return lines.join('\n');
}

function tomlValue(value: unknown, settings: NodeSettings): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  if (settings.cluster.mode === 'single') return '[]';
  return `[${(value as ConfiguredMember[]).map(({ name, address }) => JSON.stringify(`${name}=${address}`)).join(', ')}]`;
}

function judged(name: string, given: GivenValues): Value {
  const { schema, allowed, default: standard } = keyOf(name);
  const said = given.get(name);
  if (said === undefined) return standard;
  const result = schema.safeParse(said.value);
  if (result.success) return result.data;
  throw new ConfigurationError(`${said.where}: ${name} = ${shown(said.value)} is not allowed`, `${name} is ${allowed}`);
}

function checkMembers(members: readonly ConfiguredMember[], self: string, given: GivenValues): void {
  const where = whereOf('cluster.members', given);
  const names = members.map(({ name }) => name);
  if (names.length === 0) {
    const hint = 'list every node as name=host:port in cluster.members, or give --member once for each';
    throw new ConfigurationError(`${where}: cluster.mode is "cluster", but cluster.members is empty`, hint);
  }
  for (const [at, { name, address }] of members.entries()) {
    if (names.indexOf(name) !== at)
      throw new ConfigurationError(`${where}: cluster.members names ${name} twice`, 'give each member a name of its own');
    if (members.findIndex((other) => other.address === address) !== at) {
      throw new ConfigurationError(`${where}: cluster.members has the address ${address} twice`, 'give each member an address of its own');
    }
    if (address.endsWith(':0')) {
      throw new ConfigurationError(`${where}: cluster.members: ${name}=${address} has port 0`, 'give the port that the others reach it on');
    }
  }
  if (names.includes(self)) return;
  const hint = `set node.name to the member that this node is: ${suggestion(self, names)}`;
  throw new ConfigurationError(`${whereOf('node.name', given)}: node.name = ${shown(self)} is none of cluster.members`, hint);
}

function checkTimes({ replication, memory }: NodeSettings, given: GivenValues): void {
  if (replication.reachableMs < 2 * replication.pingIntervalMs) {
    throw new ConfigurationError(
      `${whereOf('replication.reachable_ms', given)}: replication.reachable_ms = ${replication.reachableMs} leaves no room for a lost ping`,
      `replication.reachable_ms is at least twice replication.ping_interval_ms (${replication.pingIntervalMs})`,
    );
  }
  if (memory.deadlineMsDefault > memory.deadlineMsMax) {
    throw new ConfigurationError(
      `${whereOf('memory.deadline_ms_default', given)}: memory.deadline_ms_default = ${memory.deadlineMsDefault} is above the longest deadline`,
      `memory.deadline_ms_default is at most memory.deadline_ms_max (${memory.deadlineMsMax})`,
    );
  }
}

function whereOf(name: string, given: GivenValues): string {
  return given.get(name)?.where ?? 'configuration';
}

function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
