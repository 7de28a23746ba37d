/** The Kubernetes manifest of a cluster: what its pods are configured with is in order, and its parts fit together. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type NodeSettings, settingsOf } from './settings.js';
import { fromEnvironment, type GivenValues } from './sources.js';

const manifest = readFileSync(new URL('../../deploy/engram-cluster.yaml', import.meta.url), 'utf8');

function settingsOfPod(name: string, podIp: string): NodeSettings {
  const environment: Record<string, string> = { ENGRAM_NODE_NAME: name };
  for (const [, key, value] of manifest.matchAll(/\{ name: (ENGRAM_\w+), value: "?([^"}]*?)"? \}/g)) {
    environment[key as string] = (value as string).replace('$(POD_IP)', podIp);
  }
  const given: GivenValues = new Map();
  fromEnvironment(environment, given);
  return settingsOf(given);
}

function figure(pattern: RegExp): string {
  const found = pattern.exec(manifest)?.[1];
  assert.ok(found, String(pattern));
  return found;
}

const cluster = suite('cluster manifest');

cluster('every pod of the set is a member, and tells the others its own address', () => {
  const replicas = Number(figure(/replicas: (\d+)/));
  const pods = Array.from({ length: replicas }, (_, at) => `engram-${at}`);
  for (const [at, pod] of pods.entries()) {
    const { node, membership, cluster: said, http } = settingsOfPod(pod, `10.1.2.${at}`);
    assert.equal(
      said.members.map(({ name }) => name),
      pods,
    );
    assert.equal([node.advertise, membership.advertise], [`10.1.2.${at}:50051`, `10.1.2.${at}:7946`]);
    assert.equal([node.listen, membership.listen, http.listen], ['0.0.0.0:50051', '0.0.0.0:7946', '0.0.0.0:7432']);
    assert.is(said.secretsFile, '/secrets/cluster-secrets');
  }
});

cluster('without its own address a pod does not start: it would tell the others 0.0.0.0', () => {
  const without = manifest.match(/ENGRAM_MEMBERSHIP_ADVERTISE/g);
  assert.is(without?.length, 1);
  assert.throws(() => settingsOfPod('engram-0', '0.0.0.0'), /stands for every address of this machine/);
});

cluster('the headless service is the one that seeds name, and shows pods before they are ready', () => {
  const [service] = manifest.split('\n---\n') as [string];
  assert.match(service, 'clusterIP: None');
  assert.match(service, 'publishNotReadyAddresses: true');
  const name = /name: (\S+)/.exec(service)?.[1];
  assert.equal(settingsOfPod('engram-0', '10.1.2.3').cluster.seeds, [`${name}:7946`]);
  assert.is(figure(/serviceName: (\S+)/), name);
  for (const protocol of ['UDP', 'TCP']) assert.match(service, new RegExp(`port: 7946, protocol: ${protocol}`));
});

cluster('a pod is given longer to end than it takes to answer what is under way', () => {
  const graceMs = 1_000 * Number(figure(/terminationGracePeriodSeconds: (\d+)/));
  assert.ok(graceMs > settingsOfPod('engram-0', '10.1.2.3').node.drainMs + 5_000);
});

cluster.run();
