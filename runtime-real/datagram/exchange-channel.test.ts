/** Exchanges: one question, one answer, or an honest nothing; bounded in size, in time and in number. */
import { createServer } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exchangeBytesMax } from '../grpc/channel-options.js';
import { freePorts } from '../node-processes.js';
import { ExchangeChannel, exchangesMax } from './exchange-channel.js';

const deadlineMs = 5_000;

function ask(channel: ExchangeChannel, to: string, bytes: Uint8Array, ms = deadlineMs): Promise<Uint8Array | null> {
  return new Promise((done) => channel.ask(to, bytes, { deadlineMs: ms, done }));
}

async function withPair(test: (asker: ExchangeChannel, answerer: ExchangeChannel, address: string) => Promise<void>): Promise<void> {
  const [asker, answerer] = [new ExchangeChannel(), new ExchangeChannel()];
  const address = `127.0.0.1:${(await freePorts(1))[0]}`;
  await answerer.listen(address);
  try {
    await test(asker, answerer, address);
  } finally {
    asker.close();
    answerer.close();
  }
}

const exchanges = suite('exchanges');

exchanges('a question of a mebibyte gets its answer', () =>
  withPair(async (asker, answerer, address) => {
    answerer.start((handle, bytes) =>
      answerer.answer(
        handle,
        bytes.map((byte) => byte ^ 255),
      ),
    );
    const question = Uint8Array.from({ length: exchangeBytesMax }, (_, at) => at & 255);
    const answer = await ask(asker, address, question);
    assert.equal(
      answer,
      question.map((byte) => byte ^ 255),
    );
    assert.is(Object.getPrototypeOf(answer), Uint8Array.prototype);
    assert.equal([asker.counts.asked, asker.counts.failed, answerer.counts.answered], [1, 0, 1]);
  }),
);

exchanges('what is larger is not sent, and not taken by who sends it all the same', () =>
  withPair(async (asker, answerer, address) => {
    let taken = 0;
    answerer.start((handle) => {
      taken += 1;
      // An answer that no exchange carries.
      answerer.answer(handle, new Uint8Array(2 * exchangeBytesMax));
    });
    assert.is(await ask(asker, address, new Uint8Array(exchangeBytesMax + 1)), null);
    assert.is(taken, 0);
    assert.is(await ask(asker, address, new Uint8Array(1)), null);
    assert.equal([taken, asker.counts.failed], [1, 2]);
  }),
);

exchanges('nothing there, a node that is not ready, silence and a peer that accepts and says nothing all end in nothing', () =>
  withPair(async (asker, answerer, address) => {
    const [closedPort] = await freePorts(1);
    assert.is(await ask(asker, `127.0.0.1:${closedPort}`, new Uint8Array(1)), null);
    assert.is(await ask(asker, address, new Uint8Array(1)), null);
    answerer.start(() => {});
    assert.is(await ask(asker, address, new Uint8Array(1), 100), null);
    const mute = createServer(() => {});
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as { port: number };
    assert.is(await ask(asker, `127.0.0.1:${port}`, new Uint8Array(1), 100), null);
    mute.close();
    assert.equal([asker.counts.asked, asker.counts.failed], [4, 4]);
  }),
);

exchanges('so many at once and no more: what comes beyond is refused at once', () =>
  withPair(async (asker, answerer, address) => {
    const handles: number[] = [];
    const all = new Promise<void>((resolve) => {
      answerer.start((handle) => {
        handles.push(handle);
        if (handles.length === exchangesMax) resolve();
      });
    });
    const waiting = Array.from({ length: exchangesMax }, () => ask(asker, address, new Uint8Array(1)));
    assert.is(await ask(asker, address, new Uint8Array(1)), null);
    await all;
    const other = new ExchangeChannel();
    assert.is(await ask(other, address, new Uint8Array(1)), null);
    assert.is(answerer.counts.refused, 1);
    for (const handle of handles) answerer.answer(handle, new Uint8Array([7]));
    assert.equal(new Set((await Promise.all(waiting)).map((answer) => answer?.[0])), new Set([7]));
    other.close();
  }),
);

exchanges.run();
