/** A traced run is the same run, and its trace hangs together: messages, disks and causes tie up. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scenarioOf } from '../../scenarios/catalogue.js';
import type { Scenario, ScenarioName } from '../../scenarios/scenario.js';
import { runSeed } from '../run-seed.js';
import { RecordedRun } from './recorded-run.js';
import type { TraceEvent } from './trace-events.js';

const tracer = suite('tracer');

function record(name: ScenarioName, seed: number): { run: RecordedRun; traceHash: string; untracedHash: string } {
  const options = { scenario: scenarioOf(name) as Scenario, seed, durationMs: 12_000 };
  const run = new RecordedRun();
  const { traceHash } = runSeed({ ...options, sink: run });
  return { run, traceHash, untracedHash: runSeed(options).traceHash };
}

const recorded = [record('crash-restart', 5), record('asymmetric', 5)];

function of<Kind extends TraceEvent['kind']>(run: RecordedRun, ...kinds: readonly Kind[]): Extract<TraceEvent, { kind: Kind }>[] {
  return run.events.filter((event): event is Extract<TraceEvent, { kind: Kind }> => (kinds as readonly string[]).includes(event.kind));
}

tracer('leaves the trace hash as it is', () => {
  for (const { traceHash, untracedHash } of recorded) assert.is(traceHash, untracedHash);
});

tracer('numbers events from 1, never goes back in time, and names only earlier events as causes', () => {
  for (const { run } of recorded) {
    let before = 0;
    for (const [index, event] of run.events.entries()) {
      assert.is(event.i, index + 1);
      assert.ok(event.us >= before, `event ${event.i} is later than the one before`);
      assert.ok(event.cause === null || event.cause < event.i, `the cause of event ${event.i} came before it`);
      before = event.us;
    }
  }
});

tracer('only what the plan ordered has no cause', () => {
  const ordered = ['process.started', 'operation.invoked', 'fault.began', 'fault.ended', 'phase.began', 'operator.asked'];
  for (const { run } of recorded) {
    assert.equal(
      [...new Set(run.events.filter(({ cause }) => cause === null).map(({ kind }) => kind))].filter((kind) => !ordered.includes(kind)),
      [],
    );
  }
});

tracer('every message that is received or dropped was sent, to whom and by whom it says', () => {
  for (const { run } of recorded) {
    const ends = of(run, 'message.received', 'request.received', 'reply.received', 'message.dropped', 'request.dropped', 'reply.dropped');
    assert.ok(ends.length > 1_000);
    for (const end of ends) {
      const sent = run.at(end.message);
      assert.ok(sent !== null && 'to' in sent && 'copies' in sent);
      assert.is(sent.at, end.from);
      assert.is(sent.kind.split('.')[0], end.kind.split('.')[0]);
      if ('to' in end) assert.is(sent.to, end.to);
      else assert.is(sent.to, end.at);
    }
  }
});

tracer('no message arrives more often than copies of it were sent, and all but the last arrive or are dropped', () => {
  for (const { run } of recorded) {
    const sent = of(run, 'message.sent', 'request.sent');
    const open = sent.filter(({ i, copies }) => {
      const ends = run.journeyOf(i).slice(1);
      assert.ok(ends.length <= Math.max(1, copies), `message ${i} ended ${ends.length} times, sent ${copies} times`);
      return ends.length < Math.max(1, copies);
    });
    const endedUs = (run.events.at(-1) as TraceEvent).us;
    for (const { i, us } of open) assert.ok(us > endedUs - 5_000_000, `message ${i} of ${us} us has neither arrived nor been dropped`);
  }
});

tracer('what is lost says why and where', () => {
  const [{ run: crashes }, { run: cuts }] = recorded;
  assert.ok(of(crashes, 'message.dropped').some(({ why }) => why === 'receiver-down'));
  assert.ok(of(cuts, 'message.dropped').some(({ why, where }) => why === 'cut' && where === 'sending'));
});

tracer('replies answer requests of the same client and operation', () => {
  for (const { run } of recorded) {
    for (const reply of of(run, 'reply.sent')) {
      const request = run.at(reply.answers as number);
      assert.ok(request !== null && request.kind === 'request.sent');
      assert.is(request.at, reply.to);
      assert.is(request.operation, reply.operation);
    }
  }
});

tracer('a disk operation that is done was asked for by the same process, unless it is the one that fell with it', () => {
  for (const { run } of recorded) {
    const done = of(run, 'disk.done');
    assert.ok(done.length > 100);
    for (const { disk, operation, file, at, incarnation } of done) {
      const asked = run.at(disk);
      assert.ok(asked !== null && asked.kind === 'disk.asked');
      assert.equal([asked.operation, asked.file, asked.at, asked.incarnation], [operation, file, at, incarnation]);
    }
  }
});

tracer('follows an acknowledged write from the client through the disk of the primary and the network to the other copies', () => {
  const { run } = recorded[1];
  const ended = of(run, 'operation.ended').find((event) => event.outcome === 'ok' && event.version !== null);
  assert.ok(ended !== undefined);
  const steps = run.chainTo(ended).map(({ kind }) => kind);
  for (const kind of ['operation.invoked', 'request.sent', 'request.received', 'disk.asked', 'disk.done', 'reply.sent', 'reply.received']) {
    assert.ok(steps.includes(kind as TraceEvent['kind']), `${kind} is among ${steps.join(', ')}`);
  }
  const [invoked] = run.ofOperation(ended.operation);
  assert.ok(invoked.kind === 'operation.invoked');
  const carriers = run.ofDot(invoked.space, ended.version as string);
  assert.ok(carriers.some(({ kind, at }) => kind === 'disk.asked' && at === ended.node));
  assert.ok(carriers.some(({ kind }) => kind === 'message.sent'));
});

tracer('a crash names what fell with it, and the next process is another incarnation', () => {
  const { run } = recorded[0];
  const [crash] = of(run, 'process.crashed');
  const again = of(run, 'process.started').find(({ at, i }) => at === crash.at && i > crash.i);
  assert.ok(again !== undefined);
  assert.is(again.incarnation, (crash.incarnation as number) + 1);
});

tracer('a bounded memory keeps the beginning and counts the rest', () => {
  const run = new RecordedRun({ eventsMax: 10 });
  const { events } = runSeed({ scenario: scenarioOf('asymmetric') as Scenario, seed: 5, durationMs: 1_000, sink: run });
  assert.is(run.events.length, 10);
  assert.ok(run.dropped > 0 && events > 10);
});

tracer.run();
