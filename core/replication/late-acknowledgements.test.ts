/** What a copy acknowledged in an earlier boot it may have found damaged since: a late acknowledgement says nothing of what it holds now. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cluster } from '../test-support/cluster.js';
import type { Host } from '../test-support/host.js';
import { AckLevel } from '../wire/generated/engram/v1/service.js';

const late = suite('late acknowledgements');

late('an acknowledgement from before a copy was started anew counts for nothing', () => {
  const cluster = new Cluster(2);
  const [first, second] = cluster.hosts as [Host, Host];
  // The network keeps back what the copy says of the write.
  cluster.filter = ({ from }) => (from === second ? 'hold' : 'pass');
  const handle = first.remember({ id: 'a', text: 'precious' }, { ack: AckLevel.ACK_ALL, deadlineMs: 60_000 });
  for (const id of ['b', 'c']) first.remember({ id, text: `behind ${id}` });
  cluster.pass(100);
  const acknowledgements = cluster.held.filter(({ message }) => message.kind === 'acknowledge');
  assert.ok(acknowledgements.length > 0);
  cluster.held = [];
  assert.ok(second.rot('precious'));
  second.crash();
  // Nor does it get the record a second time.
  cluster.filter = ({ message }) => (message.kind === 'ping' ? 'pass' : 'drop');
  second.start();
  cluster.pass(2_000);
  assert.is(second.coverage(), 'n1.1:2-3');
  assert.is(first.outcome(handle), 'unanswered');
  cluster.deliverHeld(acknowledgements);
  cluster.pass(100);
  assert.is(first.outcome(handle), 'unanswered');
  cluster.filter = null;
  cluster.pass(3_000);
  assert.equal([first.outcome(handle), second.text('a')], ['written', 'precious']);
});

late.run();
