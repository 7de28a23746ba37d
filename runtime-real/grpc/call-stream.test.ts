/** A stream of calls over a wire that the test holds in its hands: order, cancelling, back-pressure, ends. */
import { EventEmitter } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { EngramError } from '../../core/errors.js';
import { type NodeId, nodeId } from '../../core/identifiers.js';
import type { AnswerFrame, CallFrame, Reply, Request } from '../../core/wire/generated/engram/v1/service.js';
import type { Asker } from '../host-calls.js';
import { getBody, outcomeOf, request } from '../test-support/raw-client.js';
import { CallStream, type Wire } from './call-stream.js';
import type { RequestGate } from './request-gate.js';

class TestWire extends EventEmitter implements Wire {
  readonly frames: AnswerFrame[] = [];
  readonly sent: (() => void)[] = [];
  paused = false;
  ended = false;

  write(frame: AnswerFrame, sent: () => void): boolean {
    this.frames.push(frame);
    this.sent.push(sent);
    return true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(): void {
    this.ended = true;
  }

  calls(...calls: CallFrame['calls']): void {
    this.emit('data', { calls });
  }

  outcomes(): string[] {
    return this.frames.flatMap(({ answers }) => answers.map(({ number, reply }) => `${number} ${outcomeOf(reply as Reply)}`));
  }
}

class TestGate implements RequestGate {
  readonly nodeId: NodeId = nodeId('1'.repeat(32));
  readonly nodeName = 'n1';
  readonly askers: Asker[] = [];
  readonly forgotten: number[] = [];
  refused: EngramError | null = null;

  refusal(): EngramError | null {
    return this.refused;
  }

  ask(_request: Request, asker: Asker): number {
    this.askers.push(asker);
    return this.askers.length;
  }

  forget(handle: number): void {
    this.forgotten.push(handle);
  }
}

function get(number: number): CallFrame['calls'][number] {
  return { number, request: request(getBody('a')), cancel: false };
}

function got(bytes: number): Reply {
  const memory = { episode: new Uint8Array(bytes), version: new Uint8Array(0), confidence: undefined, score: 0, writtenAtMs: 0 };
  return { header: undefined, body: { $case: 'got', value: { memory, alternates: [], alternatesTotal: 0, context: new Uint8Array(0) } } };
}

const microtasks = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const calls = suite('call stream');
let wire: TestWire;
let gate: TestGate;
let stream: CallStream;
calls.before.each(() => {
  wire = new TestWire();
  gate = new TestGate();
  stream = new CallStream(wire, gate);
});

calls('answers of one moment share a frame, in the order in which they came', async () => {
  wire.calls(get(1), get(2), get(3));
  gate.askers[2].answered(got(1));
  gate.askers[0].answered(got(1));
  await microtasks();
  assert.is(wire.frames.length, 1);
  assert.equal(wire.outcomes(), ['3 got', '1 got']);
});

calls('a frame ends where it would be too large; the rest waits until frames have left', async () => {
  for (let number = 1; number <= 9; number += 1) wire.calls(get(number));
  for (const asker of gate.askers) asker.answered(got(1.5 * 2 ** 20));
  await microtasks();
  assert.equal(
    wire.frames.map(({ answers }) => answers.length),
    [2, 2],
  );
  wire.sent[0]();
  assert.equal(
    wire.frames.map(({ answers }) => answers.length),
    [2, 2, 2],
  );
});

calls('a client that does not read is not read from, until what it was sent has left', async () => {
  for (let number = 1; number <= 9; number += 1) wire.calls(get(number));
  for (const asker of gate.askers) asker.answered(got(1.5 * 2 ** 20));
  await microtasks();
  assert.ok(wire.paused);
  for (let at = 0; at < wire.sent.length; at += 1) wire.sent[at]();
  assert.not(wire.paused);
  assert.is(wire.outcomes().length, 9);
});

calls('with too many calls under way no more are read', async () => {
  for (let number = 1; number <= 16_385; number += 1) wire.calls(get(number));
  assert.ok(wire.paused);
  for (const asker of gate.askers) asker.answered(got(0));
  await microtasks();
  assert.not(wire.paused);
});

calls('a cancelled call is forgotten and never answered', async () => {
  wire.calls(get(1), get(2));
  wire.calls({ number: 1, request: undefined, cancel: true }, { number: 99, request: undefined, cancel: true });
  assert.equal(gate.forgotten, [1]);
  gate.askers[0].answered(got(1));
  gate.askers[1].answered(got(1));
  await microtasks();
  assert.equal(wire.outcomes(), ['2 got']);
});

calls('a number twice, a call without request, and a request that nobody takes are answered with what is wrong', async () => {
  wire.calls(get(1), get(1), { number: 2, request: undefined, cancel: false });
  gate.refused = new EngramError('UNAVAILABLE', { message: 'stopping' });
  wire.calls(get(3));
  await microtasks();
  assert.equal(wire.outcomes(), ['1 INVALID_ARGUMENT', '2 INVALID_ARGUMENT', '3 UNAVAILABLE']);
});

calls('an answer that no message can carry becomes one that says so', async () => {
  wire.calls(get(1));
  gate.askers[0].answered(got(9 * 2 ** 20));
  await microtasks();
  assert.equal(wire.outcomes(), ['1 INVALID_ARGUMENT']);
});

calls('when the node stops, who waits learns that the outcome is unknown', async () => {
  wire.calls(get(1));
  gate.askers[0].unanswered(new EngramError('STOPPING', { message: 'gone' }));
  await microtasks();
  const [answer] = wire.frames[0].answers;
  assert.ok(answer.reply?.body?.$case === 'failure' && answer.reply.body.value.outcomeUnknown);
});

calls('a client that has said all is answered in full before the stream ends', async () => {
  wire.calls(get(1));
  wire.emit('end');
  assert.not(wire.ended);
  gate.askers[0].answered(got(1));
  await microtasks();
  assert.not(wire.ended);
  wire.sent[0]();
  assert.ok(wire.ended);
});

calls('a client that leaves is asked for no more, and what it waited for is forgotten', async () => {
  wire.calls(get(1), get(2));
  wire.emit('cancelled');
  assert.equal(gate.forgotten, [1, 2]);
  gate.askers[0].answered(got(1));
  await microtasks();
  assert.is(wire.frames.length, 0);
  await stream.drain();
});

calls('draining waits for what is under way', async () => {
  wire.calls(get(1));
  let isDrained = false;
  const drained = stream.drain().then(() => {
    isDrained = true;
  });
  await microtasks();
  assert.not(isDrained);
  gate.askers[0].answered(got(1));
  await microtasks();
  wire.sent[0]();
  await drained;
  assert.ok(wire.ended);
});

calls.run();
