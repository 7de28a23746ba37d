/**
 * Everything about a node that can be configured: one entry per key, with its judge, its default and its meaning. The file, the environment, the
 * flags, `--print-config` and the documentation are all made from this table.
 */
import { z } from 'zod';
import {
  defaultMemoryOptions,
  defaultReplicationOptions,
  defaultStorageOptions,
  type MemoryOptions,
  type ReplicationOptions,
  type StorageOptions,
} from '../../core/configuration.js';
import { lanMembership, type MembershipParameters, membershipPresets } from '../../core/membership/options.js';
import { addressPattern, memberPattern, servicePattern } from './addresses.js';
import type { Bounds } from './bounds.js';
import { membershipKeys } from './membership-keys.js';

export type Value = string | number | readonly string[];

export interface Key {
  readonly schema: z.ZodType<Value>;
  /** How a text from the environment or a flag becomes a value. */
  readonly kind: 'text' | 'number' | 'texts';
  /** In words, for messages: `a whole number from 1 to 7`. */
  readonly allowed: string;
  readonly default: Value;
  readonly meaning: string;
  /** Never printed: not in messages, not by --print-config. */
  readonly isSecret?: boolean;
}

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export const logFormats = ['json', 'pretty'] as const;
export const clusterModes = ['single', 'cluster'] as const;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const secretPattern = /^[\x21-\x7e]{16,256}$/;
const zonePattern = /^$|^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/;
const int32Max = 2 ** 31 - 1;

// Local health is switched off only to measure what it is worth, and that is done where nothing depends on it.
const { localHealth: _measuringSwitch, ...lanWithoutSwitch } = lanMembership;

/** The protocol's parameters that have a key. */
export const membershipNames = Object.keys(lanWithoutSwitch) as (keyof typeof lanWithoutSwitch)[];

/** Sections in the order in which they are printed. */
export const sections: Readonly<Record<string, Readonly<Record<string, Key>>>> = {
  node: {
    name: text(
      namePattern,
      'node',
      'Name of this node, for people; in a cluster the name of one of the members.',
      'up to 64 letters, digits, ., _ and -',
    ),
    data_dir: text(
      /^[^\0]+$/,
      './engram-node-data',
      'Directory of everything that this node keeps; made when missing. One process at a time.',
      'a path',
    ),
    listen: text(
      /^$|^.+$/,
      '',
      'Address to listen on for gRPC; port 0 takes a free one. Empty: 127.0.0.1:50051, in a cluster the address of the member with this name.',
      'host:port',
    ),
    advertise: text(
      /^$|^.+$/,
      '',
      'Address under which clients reach this node, if it is not the one it listens on. Empty: the address in members, else listen.',
      'host:port',
    ),
    drain_ms: whole({ min: 0, max: 3_600_000 }, 10_000, 'How long a node that was told to stop waits for answers under way.'),
  },
  cluster: {
    mode: choice(clusterModes, 'single', 'single: this node alone. cluster: nodes that find each other and replicate to each other.'),
    name: text(
      namePattern,
      'engram',
      'Name of the cluster, the same on all nodes: others are refused.',
      'up to 64 letters, digits, ., _ and -',
    ),
    members: texts(
      z.string().regex(memberPattern),
      100,
      'name or name=host:port',
      'Every node that may hold copies, this one included, the same on all nodes; where a node is that is only named, membership says.',
    ),
    seeds: texts(
      z.string().regex(addressPattern),
      100,
      'host:port',
      'Addresses for datagrams (membership.listen) of some other nodes: enough to find all of them. A name stands for all its addresses.',
    ),
    seeds_srv: texts(
      z.string().regex(servicePattern),
      16,
      '_service._udp.domain',
      'DNS service records that name seeds, such as those of a headless service of Kubernetes.',
    ),
    seeds_file: text(/^[^\0]*$/, '', 'File with one seed on each line, watched for changes.', 'a path'),
    seeds_refresh_ms: whole({ min: 1_000, max: 3_600_000 }, 30_000, 'How often names and service records of seeds are resolved anew.'),
    secrets: {
      ...texts(
        z.string().regex(secretPattern),
        8,
        'of 16 to 256 printable characters without spaces',
        'What datagrams are authenticated with: the first is used, all are accepted. Empty: whoever reaches the port is believed.',
      ),
      isSecret: true,
    },
    secrets_file: text(/^[^\0]*$/, '', 'File with one secret on each line, instead of secrets.', 'a path'),
    replication_factor: whole({ min: 1, max: 7 }, 3, 'Copies of each space, on as many nodes; with fewer nodes, one on each.'),
  },
  storage: fromOptions<StorageOptions>(defaultStorageOptions, {
    segmentBytes: [{ min: 4_096, max: int32Max }, 'Size of one segment of the log.'],
    reserveStepBytes: [{ min: 4_096, max: int32Max }, 'Step in which the next segment is reserved while the one before fills.'],
    groupBytesMax: [{ min: 1, max: int32Max }, 'Most bytes of records in one append and sync.'],
    gatherBytesMax: [
      { min: 1, max: int32Max },
      'Most bytes of episodes in writes that wait for room in the log; beyond, they are answered OVERLOADED.',
    ],
    cacheBytesMax: [{ min: 0, max: Number.MAX_SAFE_INTEGER }, 'Bytes of episodes kept in memory.'],
    compactLiveShareMax: [{ min: 0, max: 1, share: true }, 'A sealed segment of which no more than this share is of use may be compacted.'],
    retainGarbageBytesMax: [
      { min: 0, max: Number.MAX_SAFE_INTEGER },
      'Garbage beyond this is compacted without waiting for lagging copies.',
    ],
    gatherPauseMsMax: [{ min: 0, max: 1_000 }, 'While many write at once a group of records waits at most this long for more; 0: never.'],
    watermarkAfterQuietMs: [{ min: 1, max: int32Max }, 'After this long without a write the durable watermark is put on disk.'],
    scrubEveryMs: [{ min: 1_000, max: int32Max }, 'How long after a walk over all that is stored, or after the start, the next begins.'],
    scrubBytesPerSecond: [{ min: 0, max: int32Max }, 'How fast that walk reads at most; 0: it never begins.'],
    fullRetryMs: [{ min: 1, max: int32Max }, 'How often a full disk is tried again.'],
  }),
  memory: fromOptions<MemoryOptions>(defaultMemoryOptions, {
    textBytesMax: [{ min: 1, max: int32Max }, 'Longest text of an episode.'],
    dimensionsMax: [{ min: 1, max: int32Max }, 'Most dimensions of an embedding.'],
    recallLimitMax: [{ min: 1, max: int32Max }, 'Most memories that one recall answers.'],
    alternatesListedMax: [{ min: 0, max: int32Max }, 'Most alternates that an answer lists.'],
    retryWindowMs: [{ min: 0, max: int32Max }, 'How long a repeated request is recognised.'],
    supersededRequestIdsMax: [{ min: 0, max: int32Max }, 'Most request ids that a version carries of those it took the place of.'],
    deadlineMsDefault: [{ min: 1, max: int32Max }, 'Deadline of requests that name none.'],
    deadlineMsMax: [{ min: 1, max: int32Max }, 'Longest deadline; longer ones are cut to it.'],
    sessionWaitMs: [{ min: 0, max: int32Max }, 'How long a request waits for its session token to be met.'],
    requestsWaitingMax: [{ min: 1, max: int32Max }, 'Most requests under way at once; beyond, they are answered OVERLOADED.'],
    foreignClockAheadMsMax: [{ min: 0, max: int32Max }, 'How far a foreign time may move the logical clock ahead of the own clock.'],
  }),
  replication: fromOptions<ReplicationOptions>(defaultReplicationOptions, {
    pingIntervalMs: [{ min: 10, max: 60_000 }, 'How often the other copies are asked whether they answer.'],
    reachableMs: [{ min: 20, max: 600_000 }, 'A copy that has not answered for this long is out of reach.'],
    messageBytesMax: [{ min: 65_536, max: 4 * 2 ** 20 }, 'Largest message to another node.'],
    pushWindowBytes: [
      { min: 65_536, max: int32Max },
      'Bytes pushed to a copy and not acknowledged; beyond, the copy fetches what it misses.',
    ],
    fetchCreditBytes: [{ min: 65_536, max: int32Max }, 'Bytes that one fetch asks for.'],
    fetchTimeoutMs: [{ min: 10, max: 600_000 }, 'A fetch without progress for this long is started again.'],
    gapGraceMs: [{ min: 0, max: 600_000 }, 'What is missing for this long is fetched.'],
    hintRecordsMax: [{ min: 0, max: int32Max }, 'Most writes kept for copies out of reach; beyond, they are answered OVERLOADED.'],
    hintBytesMax: [{ min: 0, max: Number.MAX_SAFE_INTEGER }, 'Most bytes of writes kept for copies out of reach.'],
  }),
  membership: {
    listen: text(
      /^$|^.+$/,
      '',
      'Address for datagrams (UDP) and exchanges (TCP); port 0 takes a free one. Empty: port 7946 beside node.listen, or a free one where that is taken.',
      'host:port',
    ),
    advertise: text(
      /^$|^.+$/,
      '',
      'Address under which other nodes reach membership.listen, if it is another. Port 0 stands for the one that is listened on.',
      'host:port',
    ),
    zone: text(zonePattern, '', 'Failure domain of this node, such as a data centre.', 'up to 64 letters, digits, ., _, / and -'),
    rack: text(zonePattern, '', 'Failure domain within the zone.', 'up to 64 letters, digits, ., _, / and -'),
    preset: choice(
      Object.keys(membershipPresets) as [string, ...string[]],
      'lan',
      'What the keys below are when they are not set: for nodes on one machine (local), at one site (lan: the defaults shown), at several sites (wan).',
    ),
    ...fromOptions<Omit<MembershipParameters, 'localHealth'>>(lanWithoutSwitch, membershipKeys),
  },
  http: {
    listen: text(
      /^$|^.+$/,
      '',
      'Address for HTTP: health and metrics; port 0 takes a free one. Empty: port 7432 beside node.listen, or a free one where that is taken.',
      'host:port',
    ),
  },
  log: {
    level: choice(logLevels, 'info', 'What is logged on standard error: this level and above.'),
    format: choice(logFormats, 'json', 'json: one object per line. pretty: for people.'),
  },
};

export const keyNames: readonly string[] = Object.entries(sections).flatMap(([section, keys]) =>
  Object.keys(keys).map((key) => `${section}.${key}`),
);

export function keyOf(name: string): Key {
  const [section, key] = name.split('.') as [string, string];
  return sections[section][key];
}

/** `segmentBytes` is `segment_bytes` in the file. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function text(pattern: RegExp, standard: string, meaning: string, allowed: string): Key {
  const schema =
    allowed === 'host:port' ? z.string().refine((value) => value === '' || addressPattern.test(value)) : z.string().regex(pattern);
  return { schema, kind: 'text', allowed, default: standard, meaning };
}

function texts(schema: z.ZodString, countMax: number, each: string, meaning: string): Key {
  const list = z.array(schema).max(countMax) as unknown as z.ZodType<Value>;
  return { schema: list, kind: 'texts', allowed: `a list of up to ${countMax} texts ${each}`, default: [], meaning };
}

function choice(of: readonly [string, ...string[]], standard: string, meaning: string): Key {
  return { schema: z.enum(of), kind: 'text', allowed: `one of ${of.join(', ')}`, default: standard, meaning };
}

function whole(bounds: Bounds, standard: number, meaning: string): Key {
  const { min, max, share = false } = bounds;
  const schema = share ? z.number().gt(min).lt(max) : z.int().min(min).max(max);
  const allowed = share ? `a number between ${min} and ${max}, both excluded` : `a whole number from ${min} to ${max}`;
  return { schema, kind: 'number', allowed, default: standard, meaning };
}

function fromOptions<Options extends object>(
  defaults: Options,
  bounds: Readonly<Record<keyof Options & string, readonly [Bounds, string]>>,
): Record<string, Key> {
  const keys: Record<string, Key> = {};
  for (const name of Object.keys(defaults) as (keyof Options & string)[]) {
    const [allowed, meaning] = bounds[name];
    keys[snakeCase(name)] = whole(allowed, defaults[name] as number, meaning);
  }
  return keys;
}
