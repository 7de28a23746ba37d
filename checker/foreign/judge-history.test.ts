/** Histories from elsewhere: what is read from them, what is refused with its line, and what is said of them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Datum, MalformedHistory } from './datum.js';
import { eventsOfEdn, eventsOfJsonLines } from './events.js';
import { type ForeignModel, initialFault, judgeForeignHistory } from './judge-history.js';

const foreign = suite('histories from elsewhere');

type Line = Readonly<Record<string, unknown>>;
type Figures = Readonly<Record<string, unknown>>;

/** `p type f value` and more; a JSON line each. */
function line(process: unknown, type: string, f: string, value?: unknown, more: Line = {}): string {
  return JSON.stringify({ process, type, f, ...(value === undefined ? {} : { value }), ...more });
}

function judged(model: ForeignModel, lines: readonly string[], initial: Datum = null): Figures {
  return judgeForeignHistory(eventsOfJsonLines(lines), model, initial) as Figures;
}

/** One process after the other: each operation ends before the next begins. */
function inSequence(...operations: readonly (readonly [f: string, asked: unknown, answered?: unknown])[]): string[] {
  return operations.flatMap(([f, asked, answered = asked]) => [line(0, 'invoke', f, asked), line(0, 'ok', f, answered)]);
}

function refused(model: ForeignModel, lines: readonly string[], lineNumber: number, what: string): void {
  try {
    judged(model, lines);
    assert.unreachable(what);
  } catch (error) {
    assert.instance(error, MalformedHistory, String(error));
    assert.ok((error as Error).message.includes(what), (error as Error).message);
    assert.is((error as MalformedHistory).line, lineNumber, (error as Error).message);
  }
}

foreign('registers: a stale read is found, with the lines of the nemesis left out and evidence by index', () => {
  const lines = [
    ...inSequence(['write', 1], ['write', 2]),
    line('nemesis', 'info', 'start', 'n1'),
    line(1, 'invoke', 'read', null, { index: 77 }),
    line(1, 'ok', 'read', 1),
  ];
  const verdict = judged('register', lines);
  assert.is(verdict.verdict, 'violation');
  assert.equal(verdict.operations, [0, 2, 77]);
  assert.is(judged('register', [...lines.slice(0, -1), line(1, 'ok', 'read', 2)]).verdict, 'ok');
});

foreign('registers: the initial value is given, values repeat, and writes may have ended or not', () => {
  assert.is(judged('register', inSequence(['read', null, 0])).verdict, 'violation');
  assert.is(judged('register', inSequence(['read', null, 0]), 0).verdict, 'ok');
  assert.is(judged('register', inSequence(['write', 1], ['write', 2], ['write', 1], ['read', null, 1])).verdict, 'ok');
  assert.is(judged('register', inSequence(['write', 1], ['write', 1], ['write', 2], ['read', null, 1])).verdict, 'violation');
  const open = [line(3, 'invoke', 'write', 9), line(3, 'info', 'write', 9)];
  assert.is(judged('register', [...open, ...inSequence(['read', null, null], ['read', null, 9])]).verdict, 'ok');
  assert.is(judged('register', [...open, ...inSequence(['read', null, 9], ['read', null, null])]).verdict, 'violation');
  const failed = judged('register', [line(3, 'invoke', 'write', 9), line(3, 'fail', 'write', 9), ...inSequence(['read', null, 9])]);
  assert.is(failed.verdict, 'violation');
  assert.match(failed.reason as string, /failed operation's value was seen/);
  assert.equal(failed.operations, [0, 2]);
});

foreign('compare-and-set: one winner of two', () => {
  const race = (first: string, second: string): string[] => [
    line(0, 'invoke', 'cas', [0, 1]),
    line(1, 'invoke', 'cas', [0, 2]),
    line(0, first, 'cas', [0, 1]),
    line(1, second, 'cas', [0, 2]),
  ];
  assert.is(judged('cas-register', race('ok', 'fail'), 0).verdict, 'ok');
  assert.is(judged('cas-register', race('ok', 'ok'), 0).verdict, 'violation');
  assert.is(judged('cas-register', race('ok', 'info'), 0).verdict, 'ok');
  assert.is(judged('cas-register', race('ok', 'fail')).verdict, 'violation', 'it is not 0 at first');
});

foreign('a mutex is held once', () => {
  assert.is(judged('mutex', inSequence(['acquire', null], ['release', null], ['acquire', null])).verdict, 'ok');
  assert.is(judged('mutex', inSequence(['acquire', null], ['acquire', null])).verdict, 'violation');
  assert.is(judged('mutex', inSequence(['release', null])).verdict, 'violation');
  assert.is(judged('mutex', inSequence(['release', null]), true).verdict, 'ok');
  const crashed = [line(9, 'invoke', 'release'), line(9, 'info', 'release')];
  assert.is(
    judged('mutex', [...inSequence(['acquire', null]), ...crashed, line(1, 'invoke', 'acquire'), line(1, 'ok', 'acquire')]).verdict,
    'ok',
  );
  assert.ok(initialFault('mutex', 1));
  assert.is(initialFault('mutex', false), null);
});

foreign('sets: lost, stale, phantom, twice in one read, failed and yet there', () => {
  const added = inSequence(['add', 1], ['add', 2]);
  const reading = (...values: readonly unknown[]): string[] => inSequence(['read', null, values]);
  const figures = (lines: readonly string[], initial: Datum = null): Figures => judged('set', lines, initial);
  assert.is(figures([...added, ...reading(1, 2)]).verdict, 'ok');
  const lost = figures([...added, ...reading(1, 2), ...reading(2)]);
  assert.is(lost.lost, 1);
  assert.equal(lost.operations, [0, 6]);
  const stale = figures([...added, ...reading(2), ...reading(1, 2)]);
  assert.is(stale.verdict, 'ok');
  assert.is(stale.stale, 1);
  assert.is(figures([...added, ...reading(1, 2, 3)]).phantom, 1);
  assert.is(figures([...added, ...reading(1, 2, 3)], [3]).verdict, 'ok');
  assert.is(figures([...added, ...reading(1, 2)], [3]).lost, 1);
  assert.is(figures([...added, ...reading(1, 2, 1)]).duplicated, 1);
  const failed = [line(5, 'invoke', 'add', 3), line(5, 'fail', 'add', 3)];
  assert.is(figures([...failed, ...added, ...reading(1, 2, 3)]).failedButVisible, 1);
  assert.is(figures([...failed, ...added, ...inSequence(['add', 3]), ...reading(1, 2, 3)]).verdict, 'ok');
  assert.is(figures([...reading(1), ...added, ...reading(1, 2)]).phantom, 1, 'read before it was added');
});

foreign('sets: an element that nobody acknowledged may be missing, until somebody has seen it', () => {
  const open = [line(5, 'invoke', 'add', 3), line(5, 'info', 'add', 3)];
  const added = inSequence(['add', 1]);
  const reading = (...values: readonly unknown[]): string[] => inSequence(['read', null, values]);
  assert.is(judged('set', [...open, ...added, ...reading(1)]).verdict, 'ok');
  assert.is(judged('set', [...open, ...added, ...reading(1, 3), ...reading(1)]).lost, 1);
  const late = judged('set', [...added, ...reading(1), ...inSequence(['add', 2])]);
  assert.is(late.verdict, 'ok');
  assert.is(late.neverRead, 1);
  assert.is(judged('set', [...inSequence(['read', null, []]), ...added]).verdict, 'unknown');
});

foreign('keys are judged separately, given as a field or as Jepsen writes them', () => {
  const byField = [
    ...[line(0, 'invoke', 'write', 1, { key: 'x' }), line(0, 'ok', 'write', 1, { key: 'x' })],
    ...[line(0, 'invoke', 'read', null, { key: 'y' }), line(0, 'ok', 'read', null)],
  ];
  assert.is(judged('register', byField).verdict, 'ok');
  assert.is(judged('register', byField).keys, 2);
  const byPair = inSequence(['write', ['x', 1]], ['read', ['y', null], ['y', null]], ['read', ['x', null], ['x', 1]]);
  assert.is(judged('register', byPair).verdict, 'ok');
  const broken = judged('register', [...byPair, ...inSequence(['read', ['x', null], ['x', 2]])]);
  assert.is(broken.verdict, 'violation');
  assert.is(broken.key, '"x"');
  assert.is(judged('register', inSequence(['write', ['x', 1]], ['read', null, ['x', 1]])).keys, 1, 'a value that is a pair');
});

foreign('times order events where lines do not', () => {
  const timed = (process: number, type: string, f: string, value: unknown, time: number): string => line(process, type, f, value, { time });
  const grouped = [
    ...[timed(0, 'invoke', 'write', 1, 1), timed(0, 'ok', 'write', 1, 10)],
    ...[timed(1, 'invoke', 'read', null, 2), timed(1, 'ok', 'read', null, 3)],
  ];
  assert.is(judged('register', grouped).verdict, 'ok');
  assert.is(judged('register', [...grouped, timed(2, 'invoke', 'read', null, 11), timed(2, 'ok', 'read', null, 12)]).verdict, 'violation');
  const touching = [grouped[2], grouped[3], timed(0, 'invoke', 'write', 1, 0), timed(0, 'ok', 'write', 1, 2)] as string[];
  assert.is(judged('register', touching).verdict, 'ok', 'nothing says which was first');
  refused('register', [...grouped, line(4, 'invoke', 'read')], 5, 'no time');
  refused('register', [timed(0, 'ok', 'read', 1, 1), timed(0, 'invoke', 'read', 1, 2)], 1, 'never began');
});

foreign('long numbers keep their digits', () => {
  const [one, two] = ['9007199254740993', '9007199254740992'];
  const lines = [
    `{"process":0,"type":"invoke","f":"write","value":${one},"time":1700000000000000001}`,
    `{"process":0,"type":"ok","f":"write","value":${one},"time":1700000000000000002}`,
    `{"process":0,"type":"invoke","f":"read","time":1700000000000000003}`,
    `{"process":0,"type":"ok","f":"read","value":${two},"time":1700000000000000004}`,
  ];
  assert.is(judged('register', lines).verdict, 'violation');
  assert.is(judged('register', [...lines.slice(0, 3), (lines[3] as string).replace(two as string, one as string)]).verdict, 'ok');
  assert.is(judged('register', inSequence(['write', '"9007199254740993'], ['read', null, '"9007199254740993'])).verdict, 'ok');
});

foreign('nothing observed is nothing known', () => {
  assert.is(judged('register', []).verdict, 'unknown');
  assert.is(judged('register', inSequence(['write', 1])).verdict, 'unknown');
  assert.is(judged('set', inSequence(['add', 1])).verdict, 'unknown');
  assert.is(judged('mutex', [line(0, 'invoke', 'acquire')]).verdict, 'unknown');
});

foreign('events that cannot have happened are refused with their line', () => {
  const [begin, done] = [line(0, 'invoke', 'write', 1), line(0, 'ok', 'write', 1)];
  refused('register', ['', done], 2, 'never began');
  refused('register', [begin, begin], 2, 'has not ended');
  refused('register', [begin, done, done], 3, 'never began');
  refused('register', [begin, line(0, 'info', 'write', 1), line(0, 'invoke', 'read')], 3, 'nobody knows what became');
  refused('register', [begin, line(0, 'ok', 'read', 1)], 2, 'ends a read');
  refused('register', [begin, line(0, 'ok', 'write', 2)], 2, 'answered with 2');
  refused('register', [begin, line(0, 'ok', 'write', 1, { key: 1 })], 2, 'ends on key 1');
  refused('register', [line(0, 'invoke', 'cas', [1, 2])], 1, 'no operation of the model register');
  refused('cas-register', [line(0, 'invoke', 'cas', [1, 2, 3])], 1, '[old, new]');
  refused('register', [line(0, 'invoke', 'write')], 1, 'needs the value');
  refused('set', [line(0, 'invoke', 'add')], 1, 'needs the element');
  refused('set', [line(0, 'invoke', 'read'), line(0, 'ok', 'read', 3)], 2, 'answers with a list');
});

foreign('lines that are no events are refused', () => {
  refused('register', ['{'], 1, 'no JSON');
  refused('register', ['[]'], 1, 'one JSON object');
  refused('register', ['null'], 1, 'one JSON object');
  refused('register', [line(undefined, 'invoke', 'read')], 1, 'process');
  refused('register', [line(1.5, 'invoke', 'read')], 1, 'process');
  refused('register', [line(0, 'begin', 'read')], 1, 'type is invoke');
  refused('register', [JSON.stringify({ process: 0, type: 'invoke', f: 4 })], 1, 'f names');
  refused('register', [line(0, 'invoke', 'read', null, { time: 'noon' })], 1, 'time');
  refused('register', [line(0, 'invoke', 'read', null, { index: -1 })], 1, 'index');
  refused('register', [`{"process":0,"type":"invoke","f":"write","value":${'['.repeat(500)}1${']'.repeat(500)}}`], 1, 'deeper');
});

foreign("Jepsen's EDN says the same", () => {
  const text = `
{:type :invoke, :f :write, :value 1, :process 0, :time 5, :index 0}
{:type :info, :f :kill, :value nil, :process :nemesis}
#jepsen.history.Op{:type :ok, :f :write, :value 1, :process 0, :time 9, :index 1}
{:type :invoke, :f :read, :value nil, :process 1, :time 10, :index 2}
{:type :ok, :f :read, :value 2, :process 1, :time 11, :index 3}`;
  const verdict = judgeForeignHistory(eventsOfEdn(text), 'register', null) as Figures;
  assert.is(verdict.verdict, 'violation');
  assert.equal(verdict.operations, [2]);
  const set = '{:process 0 :type :invoke :f :read} {:process 0 :type :ok :f :read :value #{:a}}';
  assert.is(judgeForeignHistory(eventsOfEdn(set), 'set', ['a']).verdict, 'violation', 'a keyword is no string');
  for (const [source, what] of [
    ['[1 2]', 'an event is a map'],
    ['{:process 0 :process 1 :type :invoke :f :read}', 'two :process'],
  ] as const) {
    assert.throws(
      () => eventsOfEdn(source),
      (error: Error) => error.message.includes(what),
    );
  }
});

foreign.run();
