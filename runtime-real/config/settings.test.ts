/** Configuration: what is said where wins over what, and every mistake is named with file, key, value and what is allowed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigurationError } from './configuration-error.js';
import { keyReference } from './reference.js';
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
  const environment = { ENGRAM_CLUSTER_MODE: 'cluster', ENGRAM_CLUSTER_MEMBERS: 'n1=h1:1,n2=h2:2', ENGRAM_NODE_NAME: 'n2' };
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
  ['no member', { flags: { '--member': ['cluster.members', ['n1']] } }, ['--member', '["n1"]', 'name=host:port']],
  [
    'members of a single node',
    { flags: { '--member': ['cluster.members', ['n1=h:1']] } },
    ['cluster.mode is "single"', '--cluster-mode cluster'],
  ],
  ['a cluster without members', { file: cluster }, ['cluster.members is empty', '--member']],
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

config('a file that is not there is named', () => {
  assert.throws(() => fromFile('/nowhere/engram.toml', new Map()), /\/nowhere\/engram\.toml: there is no such file/);
});

config('the documentation has every key as the program knows it', () => {
  const page = readFileSync(new URL('../../docs/operations/configuration.md', import.meta.url), 'utf8');
  assert.ok(page.includes(keyReference()), `docs/operations/configuration.md should contain:\n\n${keyReference()}`);
});

config.run();
