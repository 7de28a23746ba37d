/** An update that only one disk had may be lost with that disk. What it took the place of is on the other disks still, and comes back from there. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cluster, smallSegments } from '../test-support/cluster.js';
import { AckLevel } from '../wire/generated/engram/v1/service.js';

const lostUpdate = suite('a lost update');

for (const writesAfter of [0, 30]) {
  lostUpdate(`gives back what it took the place of, with ${writesAfter} writes behind it`, () => {
    const cluster = new Cluster(3, { storage: smallSegments });
    const [first] = cluster.hosts;
    first.remember({ id: 'm', text: 'old' }, { ack: AckLevel.ACK_ALL });
    cluster.rewrite(first, 30);
    cluster.pass(1_500);
    cluster.isolate(first);
    first.remember({ id: 'm', text: 'on one disk alone' });
    cluster.rewrite(first, writesAfter);
    cluster.pass(1_500);
    first.crash();
    assert.ok(first.rot('on one disk alone'));
    for (let restart = 0; restart < 3; restart += 1) {
      first.start();
      cluster.pass(500);
      first.crash();
    }
    first.start();
    cluster.heal();
    cluster.pass(10_000);
    for (const host of cluster.hosts) assert.is(host.text('m'), 'old', `n${host.index + 1}`);
  });
}

lostUpdate.run();
