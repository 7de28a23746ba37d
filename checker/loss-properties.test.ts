/**
 * The loss checker against two things it knows nothing of: its definition written down without any index or order of evaluation, on arbitrary
 * histories; and a model of a cluster that merges as it should, whose histories must be clean and stop being so when an answer is falsified.
 */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { History, Operation, Verdict } from './history.js';
import { HistoryBuilder } from './history-builder.js';
import { loss } from './loss.js';

const laws = suite('laws of the loss checker');

type Figures = Verdict & Record<string, unknown>;
const judged = (history: History): Figures => loss(history) as Figures;
const letters = 'abc';
const letterArbitrary = fc.constantFrom(...letters);
const isWrite = ({ kind }: Operation): boolean => kind === 'remember' || kind === 'forget';
const isOk = ({ outcome }: Operation): boolean => outcome === 'ok';

/** The definition, clause by clause. */
class Definition {
  private readonly writes: readonly Operation[];

  constructor(private readonly history: History) {
    this.writes = history.operations.filter(isWrite);
  }

  lost(): number {
    const lost = new Set<Operation>();
    for (const read of this.judgingReads()) {
      const absent = this.writes.filter((write) => this.isAbsentWithoutExcuse(write, read));
      for (const write of absent) {
        if (!absent.some((other) => other !== write && this.reaches(other, write))) lost.add(write);
      }
      for (const forget of this.writes) if (this.isUndone(forget, read)) lost.add(forget);
    }
    return lost.size;
  }

  private judgingReads(): Operation[] {
    const proving = this.history.operations.filter(
      (read) => isOk(read) && !isWrite(read) && (read.kind === 'final-read' || read.answeredAs !== 'replica'),
    );
    return proving.filter(
      (read) => read.kind === 'final-read' || !proving.some((later) => later.id === read.id && later.invokedMs > read.invokedMs),
    );
  }

  private isAbsentWithoutExcuse(write: Operation, read: Operation): boolean {
    if (write.kind === 'forget' || write.id !== read.id || this.sees(read, write) || !(this.knownMs(write) < read.invokedMs)) return false;
    const sights = this.reads(write.id).filter((other) => this.sees(other, write));
    if (read.kind === 'get' && sights.some((sight) => sight.invokedMs >= read.invokedMs)) return false;
    const forgets = this.writes.filter((forget) => this.inEffect(forget) && forget.id === write.id && forget.invokedMs <= read.completedMs);
    const present = this.writes.filter((other) => this.sees(read, other));
    if ([...present, ...forgets].some((other) => this.reaches(other, write))) return false;
    return forgets.every((forget) => this.certainlyIncludes(write, forget));
  }

  private isUndone(forget: Operation, read: Operation): boolean {
    if (forget.kind !== 'forget' || !isOk(forget) || forget.id !== read.id || !(forget.completedMs < read.invokedMs)) return false;
    return this.writes.some((seen) => this.sees(read, seen) && !this.mayInclude(seen, forget));
  }

  private mayInclude(write: Operation, forget: Operation): boolean {
    const past = [write, ...this.writes.filter((other) => this.reaches(write, other))];
    return past.some((step) => {
      if (step === forget) return true;
      if (!this.records(step).some(([, author, node]) => author.startsWith(node))) return step.completedMs >= forget.invokedMs;
      return step.withContext && this.before(step).some((read) => !isWrite(read) && read.completedMs >= forget.invokedMs);
    });
  }

  private certainlyIncludes(write: Operation, forget: Operation): boolean {
    const last = this.history.operations
      .filter((step) => step.process === write.process && step.id === write.id && step.index < write.index)
      .at(-1);
    const isOfForget = (step: Operation): boolean => step === forget || this.certainlyIncludes(step, forget);
    if (write.withContext && last !== undefined && isOk(last)) {
      if (isWrite(last) && isOfForget(last)) return true;
      if (!isWrite(last) && this.writes.some((seen) => this.sees(last, seen) && this.certainlyIncludes(seen, forget))) return true;
    }
    if (write.version === null) return false;
    return this.writes.some(
      (held) => held.id === write.id && isOk(held) && held.node === write.node && held.completedMs < write.invokedMs && isOfForget(held),
    );
  }

  /** Whether `later` includes `earlier`, over any number of steps. */
  private reaches(later: Operation, earlier: Operation): boolean {
    if (later.id !== earlier.id || later.index <= earlier.index) return false;
    return this.includes(later, earlier) || this.writes.some((step) => this.includes(later, step) && this.reaches(step, earlier));
  }

  private includes(later: Operation, earlier: Operation): boolean {
    if (later.id !== earlier.id || later.index <= earlier.index) return false;
    const isInContext = later.withContext && this.before(later).some((step) => step === earlier || this.sees(step, earlier));
    const isHeldBefore = this.records(later).some(
      ([at, author, node]) => author.startsWith(node) && this.records(earlier).some(([other, , log]) => log === node && other < at),
    );
    return isInContext || isHeldBefore;
  }

  private before(write: Operation): Operation[] {
    return this.history.operations.filter(
      (step) => step.process === write.process && step.id === write.id && step.index < write.index && isOk(step),
    );
  }

  /** Position, author and node of the first record of this write in each log. */
  private records(write: Operation): [number, string, string][] {
    return [...this.history.logs].flatMap(([node, log]): [number, string, string][] => {
      const at = log.findIndex(({ requestId }) => requestId === write.requestId);
      return at < 0 ? [] : [[at, log[at]?.author as string, node]];
    });
  }

  private inEffect(forget: Operation): boolean {
    return forget.kind === 'forget' && (isOk(forget) || this.records(forget).length > 0);
  }

  private reads(id: string): Operation[] {
    return this.history.operations.filter((read) => isOk(read) && read.id === id);
  }

  private sees(read: Operation, write: Operation): boolean {
    return isOk(read) && read.seen.some(({ value }) => value === write.value);
  }

  private knownMs(write: Operation): number {
    const sights = this.reads(write.id).filter((read) => this.sees(read, write));
    return Math.min(isOk(write) ? write.completedMs : Number.POSITIVE_INFINITY, ...sights.map(({ completedMs }) => completedMs));
  }
}

const commandArbitrary = fc.record({
  what: fc.constantFrom('remember', 'remember', 'forget', 'ship', 'get', 'get', 'final-read'),
  id: fc.constantFrom('x', 'x', 'y'),
  at: letterArbitrary,
  process: fc.constantFrom('p', 'q'),
  withContext: fc.boolean(),
  outcome: fc.constantFrom('ok', 'ok', 'ok', 'info'),
  isReplica: fc.boolean(),
  chosen: fc.nat(),
});
type Drawn = typeof commandArbitrary extends fc.Arbitrary<infer Value> ? Value : never;
type Command = Omit<Drawn, 'process'> & { readonly process: string };

/** Carries out commands without any sense: reads see what `chosen` says. */
function arbitraryHistory(commands: readonly Command[]): History {
  const told = new HistoryBuilder(letters);
  const writes: Operation[] = [];
  for (const { what, id, at, process: name, withContext, outcome, isReplica, chosen } of commands) {
    // After an unknown outcome another process takes over.
    const retired = writes.filter((write) => write.outcome === 'info' && write.process.startsWith(name)).length;
    const shared = { at, process: `${name}${retired}`, withContext } as const;
    if (what === 'remember') writes.push(told.remember(id, `v${writes.length}`, { ...shared, outcome: outcome as 'ok' | 'info' }));
    else if (what === 'forget') writes.push(told.forget(id, { ...shared, outcome: outcome as 'ok' | 'info' }));
    else if (what === 'ship' && writes.length > 0) told.ship(writes[chosen % writes.length] as Operation, at);
    else if (what === 'get' || what === 'final-read') {
      const values = writes.flatMap((write, index) =>
        write.id === id && write.value !== null && (chosen >> index) & 1 ? [write.value] : [],
      );
      told.get(id, values, { ...shared, kind: what, answeredAs: isReplica ? 'replica' : 'provisional' });
    }
  }
  return told.build();
}

laws('agrees with its definition on arbitrary histories', () => {
  let violations = 0;
  fc.assert(
    fc.property(fc.array(commandArbitrary, { maxLength: 14 }), (commands) => {
      const history = arbitraryHistory(commands);
      const { lostWrites, lostAfterBeingRead } = judged(history);
      const found = (lostWrites as number) + (lostAfterBeingRead as number);
      if (found > 0) violations += 1;
      assert.is(found, new Definition(history).lost());
    }),
    { numRuns: 2_000 },
  );
  assert.ok(violations > 100, `only ${violations} of the histories lost anything`);
});

/** A cluster that does what SPEC section 3 says, and tells what happened to a builder. */
class ModelCluster {
  readonly told = new HistoryBuilder(letters);
  private readonly held = new Map<string, Operation[]>([...letters].map((letter) => [letter, []]));
  private readonly pasts = new Map<Operation, ReadonlySet<Operation>>();
  private readonly contexts = new Map<string, Set<Operation>>();
  private writes = 0;

  write(what: 'remember' | 'forget', { id, at, process: name, withContext, outcome, isReplica, chosen }: Command): void {
    const context = this.contextOf(name, id);
    const held = (this.held.get(at) as Operation[]).filter((write) => write.id === id);
    const past = new Set([...held, ...(withContext ? context : [])]);
    for (const write of [...past]) for (const earlier of this.pasts.get(write) as Set<Operation>) past.add(earlier);
    this.writes += 1;
    // Shipped, and then lost with its author's unsynced tail: only another node holds it.
    const isStranded = outcome === 'info' && isReplica;
    const options = { at, process: name, withContext, outcome: outcome as 'ok' | 'info', logged: !isStranded };
    const write = what === 'remember' ? this.told.remember(id, `v${this.writes}`, options) : this.told.forget(id, options);
    this.pasts.set(write, past);
    const holder = isStranded ? (letters.replace(at, '')[chosen % 2] as string) : at;
    (this.held.get(holder) as Operation[]).push(write);
    if (isStranded) this.told.ship(write, holder);
    if (outcome === 'ok') context.add(write);
    else this.contexts.delete(`${name} ${id}`);
  }

  /** All that one node holds and another does not, in the order of its log. */
  merge(from: string, to: string): void {
    for (const write of this.held.get(from) as Operation[]) {
      if (this.held.get(to)?.includes(write)) continue;
      this.held.get(to)?.push(write);
      this.told.ship(write, to);
    }
  }

  live(at: string, id: string): Operation[] {
    const held = (this.held.get(at) as Operation[]).filter((write) => write.id === id);
    const includes = (later: Operation, earlier: Operation): boolean => this.pasts.get(later)?.has(earlier) ?? false;
    return held.filter(
      (write) =>
        write.kind === 'remember' &&
        !held.some((other) => includes(other, write)) &&
        !held.some((other) => other.kind === 'forget' && !includes(write, other)),
    );
  }

  get({ id, at, process: name, isReplica }: Command): void {
    const seen = this.live(at, id);
    const told = { at, process: name, answeredAs: isReplica ? 'replica' : 'provisional' } as const;
    this.told.get(id, this.valuesOf(seen), told);
    // An answer's context names every write that the copy held: maximal ones and what they include.
    for (const write of this.held.get(at) as Operation[]) if (write.id === id) this.contextOf(name, id).add(write);
  }

  finish(): void {
    for (let round = 0; round < 2; round += 1) for (const from of letters) for (const to of letters) this.merge(from, to);
    for (const id of ['x', 'y']) this.told.finalReads(id, this.valuesOf(this.live('a', id)), letters);
  }

  private valuesOf(writes: readonly Operation[]): string[] {
    return writes.map(({ value }) => value as string);
  }

  private contextOf(name: string, id: string): Set<Operation> {
    const key = `${name} ${id}`;
    const known = this.contexts.get(key) ?? new Set<Operation>();
    this.contexts.set(key, known);
    return known;
  }
}

function soundHistory(commands: readonly Command[]): History {
  const cluster = new ModelCluster();
  const retired = new Map<string, number>();
  for (const command of commands) {
    const name = `${command.process}${retired.get(command.process) ?? 0}`;
    const renamed = { ...command, process: name };
    if (command.what === 'remember' || command.what === 'forget') {
      cluster.write(command.what, renamed);
      if (command.outcome === 'info') retired.set(command.process, (retired.get(command.process) ?? 0) + 1);
    } else if (command.what === 'ship') cluster.merge(letters[command.chosen % letters.length] as string, command.at);
    else cluster.get(renamed);
  }
  cluster.finish();
  return cluster.told.build();
}

laws('finds nothing in histories of a cluster that merges as it should', () => {
  fc.assert(
    fc.property(fc.array(commandArbitrary, { maxLength: 40 }), (commands) => {
      const verdict = judged(soundHistory(commands));
      assert.is.not(verdict.verdict, 'violation', JSON.stringify(verdict));
      assert.is((verdict.lostWrites as number) + (verdict.lostAfterBeingRead as number), 0);
    }),
    { numRuns: 1_000 },
  );
});

laws('finds an acknowledged write that a final read of such a history leaves out, when no delete can have won', () => {
  // Of a stranded record nobody can say how much its author held: it is taken to have held all that its log shows.
  const unambiguous = commandArbitrary.filter(({ what }) => what !== 'forget').map((command) => ({ ...command, isReplica: false }));
  const withoutForgets = fc.array(unambiguous, { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(withoutForgets, fc.nat(), (commands, chosen) => {
      const history = soundHistory(commands);
      const finals = history.operations.filter(({ kind, seen }) => kind === 'final-read' && seen.length > 0);
      fc.pre(finals.length > 0);
      const falsified = finals[chosen % finals.length] as Operation;
      const gone = falsified.seen[chosen % falsified.seen.length] as Operation['seen'][number];
      const write = history.operations.find(({ value }) => value === gone.value) as Operation;
      fc.pre(isOk(write));
      const operations = history.operations.map((operation) =>
        operation === falsified ? { ...operation, seen: operation.seen.filter((seen) => seen !== gone) } : operation,
      );
      const verdict = judged({ ...history, operations });
      assert.is(verdict.verdict, 'violation');
      assert.is(verdict.lostWrites, 1);
      assert.equal(verdict.operations, [write.index, falsified.index]);
    }),
    { numRuns: 500 },
  );
});

laws('finds the last write or delete of a serial history undone by any copy', () => {
  const serial = fc.array(fc.record({ id: fc.constantFrom('x', 'y', 'z'), isForget: fc.boolean() }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(serial, letterArbitrary, (commands, liar) => {
      const told = new HistoryBuilder(letters);
      const lastOf = new Map<string, Operation>();
      const before = new Map<string, string>();
      for (const [at, { id, isForget }] of commands.entries()) {
        const last = lastOf.get(id);
        if (last?.value) before.set(id, last.value);
        const write = isForget && last !== undefined ? told.forget(id) : told.remember(id, `v${at}`);
        lastOf.set(id, write);
      }
      for (const [id, write] of lastOf) {
        const truth = write.value === null ? [] : [write.value];
        told.finalReads(id, truth, letters.replace(liar, ''));
      }
      const [id, write] = [...lastOf][0] as [string, Operation];
      const others = [...lastOf].slice(1);
      for (const [other, { value }] of others) told.finalReads(other, value === null ? [] : [value], liar);
      const [lie] = told.finalReads(id, write.value === null ? [before.get(id) as string] : [], liar);
      const verdict = judged(told.build());
      assert.is(verdict.verdict, 'violation');
      assert.ok((verdict.operations as number[]).includes(write.index));
      assert.ok((verdict.operations as number[]).includes(lie?.index as number));
    }),
  );
});

laws.run();
