/**
 * Watches a run and turns it into the events of a trace, each with the event that caused it.
 *
 * It stands around the simulator rather than in it: the heap, the network and the cores of a traced run are wrapped (traced-heap.ts, traced-network.ts,
 * traced-core.ts), and only what no wrapper can see is told by name. A run without a trace pays a comparison with null at those places, and nothing else.
 * It draws nothing, schedules nothing and folds nothing into the trace hash: a traced run is the same run.
 *
 * Causes travel with what is scheduled: whatever enters the heap carries the event that was going on, and when it comes out that event goes on.
 */
import type { Operation } from '../../checker/history.js';
import type { DomainEvent } from '../../core/domain-events.js';
import type { CoreEvent, DiskResult } from '../../core/events.js';
import { authorBytes } from '../../core/identifiers.js';
import { describeFault, type Fault } from '../../scenarios/fault-plan.js';
import type { DiskRequest } from '../disk-model.js';
import type { ExchangeStep } from '../exchanges.js';
import { eventKinds } from '../trace.js';
import { Contents } from './contents.js';
import { carriers, type Flight, nothingScheduled, type Scheduled, type Waiting } from './scheduled.js';
import { ShortNames } from './short-names.js';
import type { Carrier, DropPlace, DropReason, Happening, PeerContents, TraceEvent, TraceHeader, TraceSink } from './trace-events.js';

interface FaultToEnd {
  readonly endUs: number;
  readonly i: number;
  readonly fault: Fault;
}

/** What requests and replies have in common: the client's try, and the bytes. */
interface Try {
  readonly attempt: number;
  readonly bytes: Uint8Array;
}

const authorDigits = authorBytes * 2;

/** Messages of a simulated cluster name it so. */
export const simulatedClusterId = 'simulated';

export class Tracer {
  readonly names: ShortNames;
  readonly #sink: TraceSink;
  readonly #header: TraceHeader;
  readonly #contents: Contents;
  readonly #endpoints: readonly string[];
  readonly #incarnations: Int32Array;
  #count = 0;
  #nowUs = 0;
  /** The event that goes on: what is asked for now follows from it. */
  #current: number | null = null;
  /** What came out of the heap, or out of a node's inbox, last. */
  #scheduled: Scheduled = nothingScheduled;
  #flight: Flight | null = null;
  #waitedUs = 0;
  /** What has arrived and waits for a node's processor, in order. */
  readonly #inboxes: Waiting[][];
  /** The event that armed a timer last, by node and name. */
  readonly #armed = new Map<string, number | null>();
  readonly #disks = new Map<DiskRequest, number>();
  readonly #operations: (number | null)[];
  /** Requests on their way or being handled, by client and try. */
  readonly #requests = new Map<string, { readonly message: number; readonly operation: number | null }>();
  #faultsToEnd: FaultToEnd[] = [];
  #loaded = false;

  constructor(header: TraceHeader, sink: TraceSink, readers: readonly string[]) {
    this.names = new ShortNames(new Map(header.nodes.map(({ id, name }) => [id, name])));
    this.#header = header;
    this.#sink = sink;
    this.#contents = new Contents(this.names, simulatedClusterId);
    this.#endpoints = [...header.nodes.map(({ name }) => name), ...header.clients, ...readers];
    this.#incarnations = new Int32Array(header.nodes.length);
    this.#inboxes = header.nodes.map(() => []);
    this.#operations = this.#endpoints.map(() => null);
    sink.header(header);
  }

  // Around the heap.

  /** Wraps what is about to be scheduled. */
  scheduling(kind: number, target: number, payload: unknown): Scheduled {
    const cause = kind === eventKinds.disk ? this.#diskAsked(target, payload as DiskRequest) : this.#current;
    return { payload, cause, flight: this.#flight };
  }

  /** What was scheduled comes up. */
  comesUp(scheduled: Scheduled, nowUs: number): void {
    if (!this.#loaded && nowUs >= this.#header.loadStartUs) this.#beginLoad();
    if (this.#faultsToEnd.length > 0) this.#endFaults(nowUs);
    this.#nowUs = nowUs;
    this.#resume(scheduled, 0);
  }

  #beginLoad(): void {
    this.#loaded = true;
    this.#nowUs = this.#header.loadStartUs;
    this.#current = null;
    this.phaseBegan('load');
  }

  #resume(scheduled: Scheduled, waitedUs: number): void {
    this.#scheduled = scheduled;
    this.#current = scheduled.cause;
    this.#flight = null;
    this.#waitedUs = waitedUs;
  }

  /** The node's processor is busy: what has just come up waits in its inbox. */
  queued(node: number): void {
    this.#inboxes[node].push({ ...this.#scheduled, sinceUs: this.#nowUs });
  }

  /** The first of the node's inbox is handled now. */
  unqueued(node: number): void {
    const waiting = this.#inboxes[node].shift();
    if (waiting !== undefined) this.#resume(waiting, this.#nowUs - waiting.sinceUs);
  }

  // Around the network.

  /** Sends with `transmit`, which returns how many copies are on their way, and why, if there are none. */
  sending(
    link: { readonly from: number; readonly to: number; readonly kind: number; readonly departUs: number },
    payload: unknown,
    bytes: number,
    transmit: () => { readonly copies: number; readonly why: DropReason },
  ): void {
    const before = this.#current;
    const carrier = carriers[link.kind];
    // The line is written after the sending, which says how many copies there are; its number is taken before, which they carry.
    this.#count += 1;
    const i = this.#count;
    this.#flight = { carrier, message: i, from: link.from, to: link.to };
    this.#current = i;
    const { copies, why } = transmit();
    const flight = this.#flight;
    this.#flight = null;
    this.#current = before;
    const sent = { message: i, to: this.#endpoints[link.to], bytes, departsUs: link.departUs, copies };
    this.#write(i, link.from, this.#sentLine(carrier, link, payload, sent));
    if (copies > 0) return;
    this.#current = i;
    this.#drop(flight, why, 'sending');
    this.#current = before;
  }

  #sentLine(
    carrier: Carrier,
    link: { readonly from: number; readonly to: number; readonly kind: number },
    payload: unknown,
    sent: { readonly message: number; readonly to: string; readonly bytes: number; readonly departsUs: number; readonly copies: number },
  ): Happening {
    if (carrier === 'message') return { kind: 'message.sent', ...sent, what: this.#messageContents(link.kind, payload) };
    if (carrier === 'request') {
      const { attempt, bytes } = payload as Try;
      const operation = this.#operations[link.from];
      this.#requests.set(`${link.from}/${attempt}`, { message: sent.message, operation });
      return { kind: 'request.sent', ...sent, what: this.#contents.request(bytes), operation };
    }
    const { attempt, bytes } = payload as Try;
    const key = `${link.to}/${attempt}`;
    const request = this.#requests.get(key);
    this.#requests.delete(key);
    const tie = { answers: request?.message ?? null, operation: request?.operation ?? null };
    return { kind: 'reply.sent', ...sent, ...tie, what: this.#contents.reply(bytes) };
  }

  #messageContents(kind: number, payload: unknown): PeerContents {
    if (kind === eventKinds.message) return this.#contents.message(payload as Uint8Array);
    if (kind === eventKinds.datagram) return { kind: 'membership', over: 'packet' };
    const { what } = payload as ExchangeStep;
    return { kind: 'membership', over: what === 'request' ? 'question' : what === 'answer' ? 'answer' : 'refusal' };
  }

  /** What has come up does not arrive. */
  lost(why: DropReason): void {
    if (this.#scheduled.flight !== null) this.#drop(this.#scheduled.flight, why, 'under-way');
  }

  #drop({ carrier, message, from, to }: Flight, why: DropReason, where: DropPlace): void {
    const at = where === 'sending' ? from : to;
    const ends = { message, from: this.#endpoints[from], to: this.#endpoints[to] };
    this.#next(at, { kind: `${carrier}.dropped`, ...ends, why, where });
  }

  // Around the cores.

  /** The node's next process exists. */
  processMade(node: number): void {
    this.#incarnations[node] += 1;
    this.#current = this.#next(node, { kind: 'process.started' });
  }

  /** The core is about to handle an event. */
  handling(node: number, event: CoreEvent): void {
    const happening = this.#handled(node, event);
    if (happening !== null) this.#current = this.#next(node, happening);
  }

  #handled(node: number, event: CoreEvent): Happening | null {
    switch (event.kind) {
      case 'datagram':
      case 'exchange':
      case 'exchanged': {
        const { flight } = this.#scheduled;
        // A question that nobody answered ends without a message.
        if (flight === null) return null;
        return { kind: 'message.received', message: flight.message, from: this.#endpoints[flight.from], waitedUs: this.#waitedUs };
      }
      case 'message':
      case 'request': {
        const flight = this.#scheduled.flight as Flight;
        const received = { message: flight.message, from: this.#endpoints[flight.from], waitedUs: this.#waitedUs };
        return { kind: `${event.kind}.received`, ...received };
      }
      case 'timer': {
        const armedBy = this.#armed.get(`${node} ${event.name}`);
        if (armedBy !== undefined) this.#current = armedBy;
        return { kind: 'timer.fired', name: event.name };
      }
      case 'disk':
        return this.#diskDone(event.result);
      case 'compute':
        return { kind: 'scan.done' };
      default:
        return null;
    }
  }

  armed(node: number, name: string): void {
    this.#armed.set(`${node} ${name}`, this.#current);
  }

  noted(node: number, event: DomainEvent): void {
    this.#next(node, { kind: 'note', note: this.#shortened(event) });
  }

  halted(node: number, reason: string): void {
    this.#next(node, { kind: 'process.halted', reason });
  }

  threw(node: number, error: unknown): void {
    this.#next(node, { kind: 'process.threw', reason: error instanceof Error ? error.message : String(error) });
  }

  #shortened(event: DomainEvent): { readonly kind: string; readonly [field: string]: unknown } {
    const note: { kind: string; [field: string]: unknown } = { kind: event.kind };
    for (const [field, value] of Object.entries(event)) note[field] = typeof value === 'string' ? this.#shortName(value, field) : value;
    return note;
  }

  #shortName(value: string, field: string): string {
    if (field === 'space') return this.names.space(value);
    if (field === 'author' && value.length === authorDigits) return this.names.author(value);
    return field === 'kind' ? value : this.names.text(value);
  }

  #diskAsked(node: number, request: DiskRequest): number {
    // A stalled disk schedules the same operation again.
    const known = this.#disks.get(request);
    if (known !== undefined) return known;
    const { kind: operation, file, offset, length } = request;
    const i = this.#count + 1;
    const traced = { disk: i, operation, file, offset, bytes: length };
    this.#next(node, { kind: 'disk.asked', ...traced, ...(this.#contents.written(request) ?? {}) });
    this.#disks.set(request, i);
    return i;
  }

  #diskDone(result: DiskResult): Happening {
    const request = this.#scheduled.payload as DiskRequest;
    const { kind: operation, file, offset, length } = request;
    const disk = this.#disks.get(request) ?? 0;
    this.#disks.delete(request);
    const failure = result.kind === 'failed' ? result : null;
    return {
      kind: 'disk.done',
      ...{ disk, operation, file, offset, bytes: length },
      result: failure?.code ?? result.kind,
      message: failure?.message ?? null,
      got: result.kind === 'read' ? result.bytes.length : null,
    };
  }

  // Told by name.

  crashed(node: number, { inFlight, sectors }: { readonly inFlight: number; readonly sectors: number }): void {
    this.#processEnds(node, { kind: 'process.crashed', operationsInFlight: inFlight, sectorsAtStake: sectors });
  }

  killed(node: number, { unsynced }: { readonly unsynced: boolean }): void {
    this.#processEnds(node, { kind: 'process.killed', unsynced });
  }

  #processEnds(node: number, happening: Happening): void {
    this.#current = this.#next(node, happening);
    for (const { flight } of this.#inboxes[node].splice(0)) if (flight !== null) this.#drop(flight, 'receiver-down', 'waiting');
    for (const name of [...this.#armed.keys()]) if (name.startsWith(`${node} `)) this.#armed.delete(name);
  }

  faultBegan(fault: Fault): void {
    const i = this.#nextInWorld({ kind: endsAnother(fault) ? 'fault.ended' : 'fault.began', fault, text: describeFault(fault) });
    if ('untilMs' in fault && fault.untilMs !== null) {
      const endUs = Math.round(fault.untilMs * 1_000) + this.#header.loadStartUs;
      this.#faultsToEnd.push({ endUs, i, fault });
      this.#faultsToEnd.sort((left, right) => left.endUs - right.endUs);
    }
    this.#current = i;
  }

  #endFaults(nowUs: number): void {
    for (let first = this.#faultsToEnd[0]; first !== undefined && first.endUs <= nowUs; first = this.#faultsToEnd[0]) {
      this.#faultsToEnd.shift();
      this.#current = first.i;
      this.#nowUs = Math.max(this.#nowUs, first.endUs);
      this.#nextInWorld({ kind: 'fault.ended', fault: first.fault, text: describeFault(first.fault) });
    }
  }

  rotted(
    node: number,
    rot: { readonly file: string; readonly offset: number; readonly bytes: number; readonly dots: readonly string[] },
  ): void {
    const dots = rot.dots.map((dot) => {
      const middle = dot.indexOf(' ');
      return `${this.names.space(dot.slice(0, middle))} ${this.names.dot(dot.slice(middle + 1))}`;
    });
    this.#next(node, { kind: 'disk.rotted', ...rot, dots });
  }

  phaseBegan(phase: string): void {
    this.#current = this.#nextInWorld({ kind: 'phase.began', phase });
  }

  operatorAsked(node: string, entry: string): void {
    this.#resume({ ...this.#scheduled, cause: this.#nextInWorld({ kind: 'operator.asked', node, entry }) }, 0);
  }

  operationInvoked(client: number, operation: Operation): void {
    const { index, process, kind: call, space, id, value, ack } = operation;
    this.#operations[client] = index;
    const line = { operation: index, process, call, space: this.names.space(space), id, value, ack };
    this.#current = this.#next(client, { kind: 'operation.invoked', ...line });
  }

  operationEnded(client: number, operation: Operation): void {
    const { index, outcome, error, node, answeredAs, version, seen } = operation;
    this.#current = this.#next(client, {
      kind: 'operation.ended',
      operation: index,
      outcome,
      error,
      node: node === null ? null : this.names.node(node),
      answeredAs,
      version: version === null ? null : this.names.dot(version),
      seen: seen.map(({ value }) => value),
    });
    this.#operations[client] = null;
  }

  tryTimedOut(client: number, asked: number | null): void {
    const operation = this.#operations[client] ?? 0;
    this.#current = this.#next(client, { kind: 'try.timed-out', operation, asked: asked === null ? null : this.#endpoints[asked] });
  }

  replyReceived(client: number, late: boolean): void {
    const { flight } = this.#scheduled;
    if (flight === null) return;
    const received = { message: flight.message, from: this.#endpoints[flight.from] };
    this.#current = this.#next(client, { kind: 'reply.received', ...received, late });
  }

  #nextInWorld(happening: Happening): number {
    return this.#next(-1, happening);
  }

  #next(endpoint: number, happening: Happening): number {
    this.#count += 1;
    return this.#write(this.#count, endpoint, happening);
  }

  #write(i: number, endpoint: number, happening: Happening): number {
    const at = endpoint < 0 ? 'world' : this.#endpoints[endpoint];
    const process = endpoint >= 0 && endpoint < this.#incarnations.length ? { incarnation: this.#incarnations[endpoint] } : {};
    const event: TraceEvent = { i, us: this.#nowUs, at, ...process, cause: this.#current, ...happening };
    this.#sink.event(event);
    return i;
  }
}

/** Faults of a plan that take back an earlier one. */
function endsAnother(fault: Fault): boolean {
  if (fault.kind === 'setLinkRates') return fault.rates === null;
  if (fault.kind === 'diskCapacity') return fault.bytes === null;
  return fault.kind === 'healLinks' || fault.kind === 'restart';
}
