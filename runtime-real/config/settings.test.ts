/** Configuration: what is said where wins over what, and every mistake is named with file, key, value and what is allowed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigurationError } from './configuration-error.js';
import { keyReference } from './reference.js';
import { clusterKeys } from './secrets.js';
import { type NodeSettings, settingsOf, settingsText } from './settings.js';
import { fromEnvironment, fromFile, fromFlag, type GivenValues } from './sources.js';

interface Said {
  readonly file?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly flags?: Readonly<Record<string, readonly [string, string | readonly string[]]>>;
}

function read({ file, environment = {}, flags = {} }: Said): NodeSettings {
  const directory = mkdtempSync(join(tmpdir(), 'engram-config-'));
  try {
    const given: GivenValues = new Map();
    if (file !== undefined) {
      const path = join(directory, 'engram.toml');
      writeFileSync(path, file);
      fromFile(path, given);
    }
    fromEnvironment(environment, given);
    for (const [flag, [key, value]] of Object.entries(flags)) fromFlag(flag, key, value, given);
    return settingsOf(given);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function refusal(said: Said): string {
  try {
    read(said);
  } catch (error) {
    if (error instanceof ConfigurationError) return `${error.message} | ${error.hint}`;
    throw error;
  }
  return 'accepted';
}

const config = suite('configuration');

config('without any there is a single node on loopback', () => {
  const { node, cluster, log } = read({});
  assert.is(node.listen, '127.0.0.1:50051');
  assert.is(node.dataDir, './engram-node-data');
  assert.is(cluster.mode, 'single');
  assert.equal(cluster.members, [{ name: 'node', address: '127.0.0.1:50051' }]);
  assert.equal(log, { level: 'info', format: 'json' });
});

config('a flag wins over the environment, the environment over the file', () => {
  const file = '[node]\nname = "f"\nlisten = "127.0.0.1:1001"\ndata_dir = "f"\n[storage]\ncompact_live_share_max = 0.25';
  const environment = { ENGRAM_NODE_LISTEN: '127.0.0.1:1002', ENGRAM_NODE_DATA_DIR: 'e', ENGRAM_STORAGE_SEGMENT_BYTES: '65536' };
  const { node, storage } = read({ file, environment, flags: { '--data-dir': ['node.data_dir', 'x'] } });
  assert.equal([node.name, node.listen, node.dataDir], ['f', '127.0.0.1:1002', 'x']);
  assert.equal([storage.segmentBytes, storage.compactLiveShareMax], [65_536, 0.25]);
});

config('in a cluster the address to listen on is that of the own member', () => {
  const environment = { ENGRAM_CLUSTER_MODE: 'cluster', ENGRAM_CLUSTER_MEMBERS: 'n1=h1:1, n2=[::1]:2', ENGRAM_NODE_NAME: 'n2' };
  const { node, cluster } = read({ environment });
  assert.equal([node.listen, node.advertise], ['[::1]:2', '[::1]:2']);
  assert.equal(cluster.members, [
    { name: 'n1', address: 'h1:1' },
    { name: 'n2', address: '[::1]:2' },
  ]);
});

config('what is printed can be read and says the same', () => {
  const environment = {
    ...{ ENGRAM_CLUSTER_MODE: 'cluster', ENGRAM_CLUSTER_MEMBERS: 'n1=h1:1,n2=h2:2,n3', ENGRAM_NODE_NAME: 'n2' },
    ...{ ENGRAM_CLUSTER_SEEDS: 'h1:7946,[fd00::1]:7946', ENGRAM_MEMBERSHIP_PRESET: 'wan', ENGRAM_MEMBERSHIP_ZONE: 'eu-1' },
  };
  for (const settings of [read({}), read({ environment })]) assert.equal(read({ file: settingsText(settings) }), settings);
});

const cluster = '[cluster]\nmode = "cluster"\n';
const mistakes: readonly (readonly [string, Said, readonly string[]])[] = [
  ['an unknown section', { file: '[storrage]\n' }, ['engram.toml', '[storrage]', 'did you mean storage?']],
  ['an unknown key', { file: '[node]\nlissten = "a:1"' }, ['engram.toml', 'node.lissten', 'did you mean listen?']],
  ['a key outside a section', { file: 'name = "n1"' }, ['engram.toml', 'key name outside a section']],
  ['a section that is a value', { file: 'node = 5' }, ['engram.toml', 'node is a section', '5']],
  ['no TOML', { file: '[node]\nname = ' }, ['engram.toml:2:']],
  [
    'a number out of bounds',
    { file: '[cluster]\nreplication_factor = 9' },
    ['cluster.replication_factor = 9', 'a whole number from 1 to 7'],
  ],
  [
    'a text for a number',
    { environment: { ENGRAM_STORAGE_SEGMENT_BYTES: '16MiB' } },
    ['ENGRAM_STORAGE_SEGMENT_BYTES', '"16MiB"', 'whole number from 4096'],
  ],
  ['a share of all', { file: '[storage]\ncompact_live_share_max = 1' }, ['compact_live_share_max = 1', 'between 0 and 1']],
  ['no such mode', { flags: { '--cluster-mode': ['cluster.mode', 'many'] } }, ['--cluster-mode', '"many"', 'one of single, cluster']],
  ['no address', { flags: { '--listen': ['node.listen', 'localhost'] } }, ['--listen', '"localhost"', 'host:port']],
  ['a port that is none', { flags: { '--listen': ['node.listen', 'localhost:65536'] } }, ['localhost:65536', 'host:port']],
  ['no member', { flags: { '--member': ['cluster.members', ['n1=']] } }, ['--member', '["n1="]', 'name=host:port']],
  [
    'members of a single node',
    { flags: { '--member': ['cluster.members', ['n1=h:1']] } },
    ['cluster.mode is "single"', '--cluster-mode cluster'],
  ],
  ['a cluster without members and seeds', { file: cluster }, ['cluster.members is empty', '--member', 'cluster.seeds']],
  ['seeds of a single node', { file: '[cluster]\nseeds = ["h:1"]' }, ['seeds are given', 'cluster.mode is "single"']],
  [
    'a member that nobody can find',
    { file: `${cluster}members = ["node=h:1", "n2"]` },
    ['no address for n2', 'no cluster.seeds', 'give n2=host:port'],
  ],
  ['a service record by a wrong name', { file: `${cluster}seeds_srv = ["engram.example"]` }, ['engram.example', '_service._udp.domain']],
  [
    'to advertise every address of the machine',
    { file: `${cluster}seeds = ["h:1"]\n[node]\nlisten = "0.0.0.0:50051"` },
    ['engram.toml', 'node.listen', '0.0.0.0:50051', 'set node.advertise (ENGRAM_NODE_ADVERTISE)'],
  ],
  [
    'to advertise every address of the machine for datagrams',
    { file: `${cluster}seeds = ["h:1"]\n[membership]\nlisten = "[::]:7946"` },
    ['membership.listen', '[::]:7946', 'set membership.advertise (ENGRAM_MEMBERSHIP_ADVERTISE)', 'port 0'],
  ],
  [
    'a wildcard said outright',
    { file: `${cluster}seeds = ["h:1"]\n[membership]\nadvertise = "[::0]:1"` },
    ['membership.advertise', '[::0]:1'],
  ],
  [
    'ping times that contradict',
    { file: '[membership]\nprobe_timeout_ms = 500' },
    ['membership.probe_timeout_ms = 500', 'below membership.probe_interval_ms (500)'],
  ],
  ['no such preset', { file: '[membership]\npreset = "moon"' }, ['"moon"', 'one of local, lan, wan']],
  ['a stranger', { file: `${cluster}members = ["n1=h:1"]\n[node]\nname = "n2"` }, ['node.name = "n2"', 'did you mean n1?']],
  ['a name twice', { file: `${cluster}members = ["node=h:1", "node=h:2"]` }, ['names node twice']],
  ['an address twice', { file: `${cluster}members = ["node=h:1", "b=h:1"]` }, ['address h:1 twice']],
  ['a port nobody can dial', { file: `${cluster}members = ["node=h:0"]` }, ['node=h:0 has port 0']],
  ['an unknown variable', { environment: { ENGRAM_NODE_NAM: 'n1' } }, ['ENGRAM_NODE_NAM', 'did you mean ENGRAM_NODE_NAME']],
  [
    'times that contradict',
    { file: '[replication]\nreachable_ms = 300' },
    ['replication.reachable_ms = 300', 'twice replication.ping_interval_ms'],
  ],
  [
    'deadlines that contradict',
    { file: '[memory]\ndeadline_ms_max = 100' },
    ['memory.deadline_ms_default', 'memory.deadline_ms_max (100)'],
  ],
];

for (const [name, said, words] of mistakes) {
  config(`${name} is refused`, () => {
    const told = refusal(said);
    for (const word of words) assert.ok(told.includes(word), `${word} is missing in: ${told}`);
  });
}

config('a secret is shown neither when it is refused nor when the configuration is printed', () => {
  const refused = refusal({ environment: { ENGRAM_CLUSTER_SECRETS: 'much too short' } });
  assert.ok(refused.includes('ENGRAM_CLUSTER_SECRETS') && refused.includes('16 to 256') && !refused.includes('short'), refused);
  const secret = 'correct-horse-battery-staple';
  const settings = read({ environment: { ENGRAM_CLUSTER_SECRETS: secret } });
  assert.equal(settings.cluster.secrets, [secret]);
  const printed = settingsText(settings);
  assert.ok(!printed.includes(secret) && printed.includes('# 1 set, not shown: secrets'));
});

config('secrets come from a file of their own: the first signs; a mistake in it is named by its line and not shown', () => {
  const directory = mkdtempSync(join(tmpdir(), 'engram-secrets-'));
  const file = join(directory, 'secrets');
  const keysOf = (text: string, more = ''): readonly Uint8Array[] => {
    writeFileSync(file, text);
    return clusterKeys(read({ file: `[cluster]\nsecrets_file = ${JSON.stringify(file)}\n${more}` }));
  };
  const refusedWith = (text: string, more = ''): string => {
    try {
      keysOf(text, more);
      return 'nothing';
    } catch (error) {
      return (error as ConfigurationError).message;
    }
  };
  try {
    const [first, second] = [`first-${'x'.repeat(20)}`, `second-${'y'.repeat(20)}`];
    const both = keysOf(`${first}\n\n${second}\n`);
    assert.equal([both.length, both[0]?.length], [2, 32]);
    assert.equal(clusterKeys(read({ environment: { ENGRAM_CLUSTER_SECRETS: `${first},${second}` } })), both);
    assert.is(refusedWith(`${first}\n\ntiny\n`), `${file}:3 (cluster.secrets_file): that is no secret (it is not shown here)`);
    assert.is(refusedWith('\n'), `${file} (cluster.secrets_file): there is no secret in it`);
    assert.match(refusedWith(first, `secrets = [${JSON.stringify(second)}]`), /both set/);
    rmSync(file);
    assert.throws(() => clusterKeys(read({ file: `[cluster]\nsecrets_file = ${JSON.stringify(file)}` })), /there is no such file/);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

config('a preset is what the keys are that nobody set', () => {
  const { membership } = read({ file: '[membership]\npreset = "local"\nindirect_probes = 5' });
  assert.equal([membership.probeIntervalMs, membership.probeTimeoutMs, membership.indirectProbes], [200, 100, 5]);
  assert.is(read({}).membership.probeIntervalMs, 500);
});

config('members may be given by name alone when seeds are known; a node may know nothing but seeds', () => {
  const named = read({ file: `${cluster}members = ["node", "n2"]\nseeds = ["h:7946"]` });
  assert.equal(named.cluster.members, [
    { name: 'node', address: null },
    { name: 'n2', address: null },
  ]);
  assert.is(named.node.listen, '127.0.0.1:50051');
  assert.equal(read({ file: `${cluster}seeds_srv = ["_engram._udp.example.org"]` }).cluster.members, []);
});

config('a file that is not there is named', () => {
  assert.throws(() => fromFile('/nowhere/engram.toml', new Map()), /\/nowhere\/engram\.toml: there is no such file/);
});

config('the documentation has every key as the program knows it', () => {
  const page = readFileSync(new URL('../../docs/operations/configuration.md', import.meta.url), 'utf8');
  assert.ok(page.includes(keyReference()), `docs/operations/configuration.md should contain:\n\n${keyReference()}`);
});

config.run();
