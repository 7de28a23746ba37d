/** The configuration of one node, whole and judged: what the program runs with. */
import type { MemoryOptions, ReplicationOptions, StorageOptions } from '../../core/configuration.js';
import { type MembershipParameters, type MembershipPreset, membershipPresets } from '../../core/membership/options.js';
import { type ConfiguredMember, memberOf, memberText } from './addresses.js';
import { checkAdvertised, checkMembers, whereOf } from './cluster-rules.js';
import { ConfigurationError, shown } from './configuration-error.js';
import {
  type clusterModes,
  keyNames,
  keyOf,
  type logFormats,
  type logLevels,
  membershipNames,
  sections,
  snakeCase,
  type Value,
} from './keys.js';
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
    readonly seeds: readonly string[];
    readonly seedsSrv: readonly string[];
    readonly seedsFile: string;
    readonly seedsRefreshMs: number;
    readonly secrets: readonly string[];
    readonly secretsFile: string;
  };
  readonly membership: {
    readonly listen: string;
    readonly advertise: string;
    readonly zone: string;
    readonly rack: string;
    readonly preset: MembershipPreset;
  } & Omit<MembershipParameters, 'localHealth'>;
  readonly http: { readonly listen: string };
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
  const hasSeeds = cluster.seeds.length + cluster.seedsSrv.length > 0 || cluster.seedsFile !== '';
  if (cluster.mode === 'cluster') checkMembers({ self: node.name, members, hasSeeds, given });
  else if (members.length > 0 || hasSeeds) {
    const key = members.length > 0 ? 'cluster.members' : 'cluster.seeds';
    const hint = 'set cluster.mode = "cluster" (or --cluster-mode cluster), or leave them out';
    throw new ConfigurationError(`${whereOf(key, given)}: ${key.slice(8)} are given, but cluster.mode is "single"`, hint);
  }
  const own = members.find(({ name }) => name === node.name)?.address ?? null;
  const listen = node.listen || own || defaultListen;
  const advertise = node.advertise || own || listen;
  const membership = { ...(others as unknown as NodeSettings).membership };
  const preset: MembershipParameters = membershipPresets[membership.preset];
  for (const name of membershipNames) if (!given.has(`membership.${snakeCase(name)}`)) Object.assign(membership, { [name]: preset[name] });
  if (cluster.mode === 'cluster') {
    checkAdvertised(advertise, 'node.advertise', given);
    checkAdvertised(membership.advertise || membership.listen || listen, 'membership.advertise', given);
  }
  const settings = {
    ...(others as unknown as NodeSettings),
    node: { ...node, listen, advertise },
    membership,
    cluster: { ...cluster, members: cluster.mode === 'cluster' ? members : [{ name: node.name, address: advertise }] },
  };
  checkTimes(settings, given);
  return settings;
}

/** The settings as an engram.toml that says the same, with what each key means. */
export function settingsText(settings: NodeSettings): string {
  const tables = settings as unknown as Record<string, Record<string, unknown>>;
  const lines: string[] = [];
  for (const [section, keys] of Object.entries(sections)) {
    lines.push(`[${section}]`);
    for (const [key, { meaning, allowed, isSecret = false }] of Object.entries(keys)) {
      const value = tables[section][camelCase(key)];
      const said = `# ${meaning} ${allowed[0].toUpperCase()}${allowed.slice(1)}.`;
      if (isSecret && (value as readonly string[]).length > 0)
        lines.push(said, `# ${(value as readonly string[]).length} set, not shown: ${key}`);
      else lines.push(said, `${key} = ${tomlValue(`${section}.${key}`, value, settings)}`);
    }
    lines.push('');
  }
  return lines.join('\n');
}

function tomlValue(name: string, value: unknown, settings: NodeSettings): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  if (settings.cluster.mode === 'single') return '[]';
  const texts = name === 'cluster.members' ? (value as ConfiguredMember[]).map(memberText) : (value as string[]);
  return `[${texts.map((text) => JSON.stringify(text)).join(', ')}]`;
}

function judged(name: string, given: GivenValues): Value {
  const { schema, allowed, default: standard, isSecret = false } = keyOf(name);
  const said = given.get(name);
  if (said === undefined) return standard;
  const result = schema.safeParse(said.value);
  if (result.success) return result.data;
  throw new ConfigurationError(
    `${said.where}: ${name} = ${isSecret ? '(not shown)' : shown(said.value)} is not allowed`,
    `${name} is ${allowed}`,
  );
}

function checkTimes({ replication, memory, membership }: NodeSettings, given: GivenValues): void {
  if (membership.probeTimeoutMs >= membership.probeIntervalMs) {
    throw new ConfigurationError(
      `${whereOf('membership.probe_timeout_ms', given)}: membership.probe_timeout_ms = ${membership.probeTimeoutMs} leaves no time for indirect pings`,
      `membership.probe_timeout_ms is below membership.probe_interval_ms (${membership.probeIntervalMs})`,
    );
  }
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

function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
