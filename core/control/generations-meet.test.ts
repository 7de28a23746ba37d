/** Those whom a recovery has given up come back after all, and lead once more by what they knew before they are told what has become of it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Transmission } from '../test-support/cluster.js';
import { controlOf, foundingEntries as entries, isConfirmed, stateOf, waitingCluster } from '../test-support/founded-cluster.js';
import { type Host, testSpace as space } from '../test-support/host.js';
import { partsOf } from './bundle.js';
import { decodeRaftMessage } from './raft/message-codec.js';

const meeting = suite('generations that meet');

const hasSnapshot = ({ message }: Transmission): boolean =>
  message.kind === 'control' && (partsOf(message.bytes) ?? []).some((part) => decodeRaftMessage(part)?.kind === 'snapshot');

meeting('those who were given up and led once more in a later term follow the next generation once they meet it', () => {
  const cluster = waitingCluster();
  const [first, second, third] = cluster.hosts as [Host, Host, Host];
  first.deliver({ kind: 'found', handle: 1, entries });
  cluster.passUntil(() => isConfirmed(first) && stateOf(third)?.rows[space] !== undefined);
  cluster.isolate(third);
  cluster.pass(3_000);
  third.deliver({ kind: 'recover', handle: 2 });
  cluster.passUntil(() => isConfirmed(third));
  // They hear it for a moment, and not what it has to tell.
  cluster.heal();
  cluster.filter = (transmission) => (transmission.from === third && hasSnapshot(transmission) ? 'drop' : 'pass');
  const reached = controlOf(third)?.raft?.term ?? 0;
  cluster.passUntil(() => [first, second].every((host) => (controlOf(host)?.raft?.term ?? 0) >= reached));
  cluster.filter = null;
  cluster.isolate(third);
  cluster.passUntil(() => [first, second].some((host) => controlOf(host)?.raft?.role === 'leader'));
  cluster.passUntil(() => isConfirmed(first));
  assert.equal(
    cluster.hosts.map((host) => stateOf(host)?.generation),
    [1, 1, 2],
  );
  cluster.heal();
  cluster.passUntil(() => cluster.hosts.every((host) => stateOf(host)?.generation === 2 && stateOf(host)?.voters.length === 3));
  cluster.passUntil(() => cluster.hosts.filter(isConfirmed).length === 1);
});

meeting.run();
