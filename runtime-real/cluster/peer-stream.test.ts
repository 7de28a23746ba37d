/** The streams between nodes, without nodes: who is let in, what happens to what finds no room, and how a broken stream comes back. */
import { Server, ServerCredentials, type ServerDuplexStream, type ServiceDefinition } from '@grpc/grpc-js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type NodeId, nodeId } from '../../core/identifiers.js';
import type { PeerFrame } from '../../core/wire/generated/engram/v1/cluster.js';
import { serverOptions } from '../grpc/channel-options.js';
import { clusterService } from '../grpc/service-definitions.js';
import type { RuntimeEvent } from '../node/runtime-events.js';
import { freePorts } from '../node-processes.js';
import { GarblingProxy } from '../test-support/garbling-proxy.js';
import { helloOf, identityOf, type PeerIdentity } from './peer-hello.js';
import { PeerIntake } from './peer-intake.js';
import { PeerStream } from './peer-stream.js';

const nowhere = { address: '', zone: '', rack: '', clusterId: '', generation: 0, founder: 'n1', heldSpaces: [], keepsControlLog: true };
const near: PeerIdentity = {
  ...nowhere,
  ...{ cluster: 'engram', nodeId: nodeId('1'.repeat(32)), name: 'n1', membershipAddress: '10.0.0.1:7946' },
};
const far: PeerIdentity = { ...nowhere, cluster: 'engram', nodeId: nodeId('2'.repeat(32)), name: 'n2', membershipAddress: '' };
/** Who has been removed is told so; n9 is not wanted. */
const admit = ({ name }: PeerIdentity): { isRemoved: boolean } | string =>
  name === 'n9' ? 'n9 is not wanted here' : { isRemoved: name === 'n5' };
const [secret, otherSecret] = [1, 2].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array];

/** What happened, and a way to wait for what will. */
class Told<Event> {
  readonly all: Event[] = [];
  readonly #waiting = new Set<{ readonly fits: (event: Event) => boolean; readonly resolve: (event: Event) => void }>();

  readonly tell = (event: Event): void => {
    this.all.push(event);
    for (const waiting of this.#waiting) {
      if (!waiting.fits(event)) continue;
      this.#waiting.delete(waiting);
      waiting.resolve(event);
    }
  };

  next(fits: (event: Event) => boolean): Promise<Event> {
    return new Promise((resolve) => this.#waiting.add({ fits, resolve }));
  }
}

/** The receiving side of one member. */
class Receiver {
  readonly messages = new Told<Uint8Array>();
  readonly events = new Told<RuntimeEvent>();
  readonly #server = new Server(serverOptions);
  readonly #intake: PeerIntake;
  port = 0;

  constructor(own: PeerIdentity = far, keys: readonly Uint8Array[] = []) {
    const receive = (message: Uint8Array): void => this.messages.tell(message);
    this.#intake = new PeerIntake({ own: () => own, keys, admit, receive, eventsWaiting: () => 0, tell: this.events.tell });
    this.#server.addService(clusterService as unknown as ServiceDefinition, {
      exchange: (call: ServerDuplexStream<PeerFrame, PeerFrame>) => this.#intake.take(call),
      getClusterHealth: () => {},
    });
  }

  async open(port = 0): Promise<this> {
    this.port = await new Promise((resolve, reject) => {
      const credentials = ServerCredentials.createInsecure();
      this.#server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
    });
    return this;
  }

  close(): void {
    this.#intake.hangUp();
    this.#server.forceShutdown();
  }
}

class Sender {
  readonly events = new Told<RuntimeEvent>();
  readonly learnt: NodeId[] = [];
  readonly removed: boolean[] = [];
  readonly stream: PeerStream;

  constructor(port: number, own: PeerIdentity = near, keys: readonly Uint8Array[] = []) {
    const member = { name: 'n2', address: `127.0.0.1:${port}` };
    const learnt = ({ nodeId: id }: PeerIdentity, { isRemoved }: { readonly isRemoved: boolean }): void => {
      this.learnt.push(id);
      this.removed.push(isRemoved);
    };
    this.stream = new PeerStream({ member, own: () => own, keys, learnt, tell: this.events.tell });
  }

  isTold(kind: RuntimeEvent['kind']): Promise<RuntimeEvent> {
    return this.events.next((event) => event.kind === kind);
  }
}

function numbered(number: number, bytes = 100): Uint8Array {
  const message = new Uint8Array(bytes);
  new DataView(message.buffer).setUint32(0, number);
  return message;
}

function numberOf(message: Uint8Array): number {
  return new DataView(message.buffer, message.byteOffset).getUint32(0);
}

const peers = suite('peer streams');

peers('messages arrive whole and in order, also those of before the stream stood', async () => {
  const receiver = await new Receiver().open();
  const sender = new Sender(receiver.port);
  for (let number = 0; number < 100; number += 1) sender.stream.send(numbered(number));
  await sender.isTold('stream.opened');
  for (let number = 100; number < 5_000; number += 1) sender.stream.send(numbered(number, 4_000));
  await receiver.messages.next((message) => numberOf(message) === 4_999);
  assert.equal(
    receiver.messages.all.map(numberOf),
    Array.from({ length: 5_000 }, (_, at) => at),
  );
  assert.equal(sender.learnt, [far.nodeId]);
  sender.stream.close();
  receiver.close();
});

peers('a receiver that goes and comes back is found again, on a connection of its own', async () => {
  const receiver = await new Receiver().open();
  const sender = new Sender(receiver.port);
  await sender.isTold('stream.opened');
  receiver.close();
  await sender.isTold('stream.closed');
  assert.not(sender.stream.isOpen);
  const again = await new Receiver().open(receiver.port);
  await sender.isTold('stream.opened');
  sender.stream.send(numbered(7));
  await again.messages.next((message) => numberOf(message) === 7);
  sender.stream.close();
  again.close();
});

peers('to a peer that swallows everything a bounded amount waits; the rest is dropped and counted; silence ends the stream', async () => {
  const receiver = await new Receiver().open();
  const [port] = await freePorts(1);
  const proxy = await GarblingProxy.open(port, `127.0.0.1:${receiver.port}`);
  const sender = new Sender(port);
  await sender.isTold('stream.opened');
  proxy.mischief = { kind: 'swallow' };
  const dropped = sender.isTold('messages.dropped');
  const closed = sender.isTold('stream.closed');
  const message = new Uint8Array(2 ** 20);
  for (let count = 0; count < 100; count += 1) sender.stream.send(message);
  assert.is((await dropped).kind, 'messages.dropped');
  assert.match(((await closed) as Extract<RuntimeEvent, { kind: 'stream.closed' }>).reason, 'nothing was heard');
  proxy.mischief = { kind: 'none' };
  await sender.isTold('stream.opened');
  sender.stream.close();
  receiver.close();
  await proxy.close();
});

for (const [what, other, reason] of [
  ['another cluster', { ...near, cluster: 'theirs' }, /"theirs"/],
  ['a stranger', { ...near, name: 'n9' }, /n9 is not wanted here/],
  ['a cluster that was made apart', { ...near, clusterId: 'ab'.repeat(16) }, /another cluster of the same name/],
  ['a copy of the own directory', { ...near, nodeId: far.nodeId }, /copied data directory/],
] as const) {
  peers(`${what} is refused on both sides`, async () => {
    const receiver = await new Receiver({ ...far, clusterId: 'cd'.repeat(16) }).open();
    const refused = receiver.events.next(({ kind }) => kind === 'stream.refused');
    const sender = new Sender(receiver.port, other);
    const heard = await sender.isTold('stream.refused');
    assert.match((heard as Extract<RuntimeEvent, { kind: 'stream.refused' }>).reason, reason);
    assert.match(((await refused) as Extract<RuntimeEvent, { kind: 'stream.refused' }>).reason, reason);
    assert.equal(sender.learnt, []);
    sender.stream.close();
    receiver.close();
  });
}

peers('a node without the secret, or with another one, is refused; with one of several it is let in', async () => {
  const receiver = await new Receiver(far, [secret, otherSecret]).open();
  for (const [keys, why] of [
    [[], /it has none/],
    [[new Uint8Array(32)], /unknown here/],
  ] as const) {
    const sender = new Sender(receiver.port, near, keys);
    const refused = (await sender.isTold('stream.refused')) as Extract<RuntimeEvent, { kind: 'stream.refused' }>;
    assert.match(refused.reason, why);
    sender.stream.close();
  }
  const sender = new Sender(receiver.port, near, [secret]);
  await sender.isTold('stream.opened');
  sender.stream.close();
  receiver.close();
});

peers('who has been removed is told so', async () => {
  const receiver = await new Receiver().open();
  const sender = new Sender(receiver.port, { ...near, name: 'n5' });
  await sender.isTold('stream.opened');
  assert.equal(sender.removed, [true]);
  sender.stream.close();
  receiver.close();
});

peers('a hello with a flipped bit makes no identity', () => {
  const hello = helloOf(far);
  const read = (said: Parameters<typeof identityOf>[0]) => identityOf(said, near, { name: 'n2' });
  assert.equal(read(hello), far);
  assert.is(read({ ...hello, membershipAddress: '10.0.0.9:7946' }), 'its hello was damaged on the way');
  assert.is(read({ ...hello, nodeId: `3${hello.nodeId.slice(1)}` }), 'its hello was damaged on the way');
  assert.is(read(undefined), 'it did not say who it is');
  assert.match(String(read({ ...hello, protocolVersion: 1 })), /version 1/);
  assert.match(String(read(helloOf({ ...far, name: 'n3' }))), /calls itself "n3"/);
});

peers.run();
