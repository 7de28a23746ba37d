/** UDP as it is: both families, what cannot be sent is counted, and a flood costs neither memory nor the turns of others. */
import { createSocket } from 'node:dgram';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RuntimeEvent } from '../node/runtime-events.js';
import { DatagramSocket, datagramsPerTurnMax, datagramsWaitingMax } from './datagram-socket.js';

class Heard {
  readonly all: { readonly from: string; readonly bytes: Uint8Array }[] = [];
  #wake: () => void = () => {};

  readonly receive = (from: string, bytes: Uint8Array): void => {
    this.all.push({ from, bytes });
    this.#wake();
  };

  async count(wanted: number): Promise<void> {
    while (this.all.length < wanted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

const silent = (): void => {};

const datagrams = suite('datagrams');

for (const [family, host] of [
  ['IPv4', '127.0.0.1'],
  ['IPv6', '[::1]'],
] as const) {
  datagrams(`${family}: bytes arrive as they were sent, with the address to answer to`, async () => {
    const [one, two] = await Promise.all([DatagramSocket.open(`${host}:0`, silent), DatagramSocket.open(`${host}:0`, silent)]);
    const heard = new Heard();
    two.start(heard.receive);
    const packet = Uint8Array.from({ length: 1_400 }, (_, at) => at & 255);
    one.send(`${host}:${two.port}`, packet);
    await heard.count(1);
    assert.equal(heard.all[0], { from: `${host}:${one.port}`, bytes: packet });
    assert.is(Object.getPrototypeOf(heard.all[0]?.bytes), Uint8Array.prototype);
    assert.equal([one.counts.sent, one.counts.sentBytes, two.counts.received, two.counts.receivedBytes], [1, 1_400, 1, 1_400]);
    one.close();
    two.close();
  });
}

datagrams('a socket for every address speaks both families, and names IPv4 addresses as such', async () => {
  const [both, four] = await Promise.all([DatagramSocket.open('[::]:0', silent), DatagramSocket.open('127.0.0.1:0', silent)]);
  const [atBoth, atFour] = [new Heard(), new Heard()];
  both.start(atBoth.receive);
  four.start(atFour.receive);
  both.send(`127.0.0.1:${four.port}`, new Uint8Array([1]));
  await atFour.count(1);
  four.send(`127.0.0.1:${both.port}`, new Uint8Array([2]));
  await atBoth.count(1);
  assert.is(atBoth.all[0]?.from, `127.0.0.1:${four.port}`);
  both.close();
  four.close();
});

datagrams('what cannot be sent is counted and told once, and nothing else happens', async () => {
  const events: RuntimeEvent[] = [];
  let told: () => void = silent;
  const first = new Promise<void>((resolve) => {
    told = resolve;
  });
  const socket = await DatagramSocket.open('127.0.0.1:0', (event) => {
    events.push(event);
    told();
  });
  for (let count = 0; count < 10; count += 1) socket.send('[::1]:9', new Uint8Array(1));
  await first;
  while (socket.counts.sendErrors < 10) await new Promise((resolve) => setImmediate(resolve));
  assert.is(events.length, 1);
  assert.is(events[0]?.kind, 'datagrams.failed');
  socket.close();
  socket.send('127.0.0.1:9', new Uint8Array(1));
});

datagrams('of a flood a bounded part is taken in each turn, a bounded part waits, and the rest is dropped and counted', async () => {
  const socket = await DatagramSocket.open('127.0.0.1:0', silent);
  const taken: number[] = [0];
  socket.start(() => {
    taken[taken.length - 1] = (taken.at(-1) ?? 0) + 1;
  });
  const flood = datagramsPerTurnMax + datagramsWaitingMax + 500;
  // As a burst comes up from the operating system within one turn.
  for (let count = 0; count < flood; count += 1) socket.arrived(new Uint8Array(1), { address: '10.0.0.1', port: 1 });
  while (taken.reduce((sum, each) => sum + each, 0) < datagramsPerTurnMax + datagramsWaitingMax) {
    await new Promise((resolve) => setImmediate(resolve));
    taken.push(0);
  }
  assert.is(socket.counts.overflowed, 500);
  assert.ok(
    taken.every((each) => each <= 2 * datagramsPerTurnMax),
    `taken in turns: ${taken.join(' ')}`,
  );
  socket.close();
});

datagrams('a port in use is refused', async () => {
  const other = createSocket('udp4');
  await new Promise<void>((resolve) => other.bind(0, '127.0.0.1', resolve));
  try {
    await DatagramSocket.open(`127.0.0.1:${other.address().port}`, silent);
    assert.unreachable('the port was taken');
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, 'EADDRINUSE');
  } finally {
    other.close();
  }
});

datagrams.run();
