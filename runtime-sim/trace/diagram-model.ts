/**
 * What a space-time diagram shows, in time and columns and not yet in pixels: lives of processes, terms, cuts, messages, and marks for what matters.
 *
 * The whole trace is gone through, since what holds in a window began before it; only what touches the window is kept.
 */
import type { DomainEvent } from '../../core/domain-events.js';
import type { Fault } from '../../scenarios/fault-plan.js';
import {
  type Arrow,
  type ArrowKind,
  type CutSpan,
  clientsColumn,
  type DiagramChoice,
  type DiagramModel,
  type Mark,
  type MarkKind,
  type Span,
  type TermSpan,
  type WorldLabel,
} from './diagram-parts.js';
import { faultSentence, phaseSentence } from './fault-sentences.js';
import { aboutPeer, dropTexts, peerSentence, recordsText, replyText, requestText } from './message-sentences.js';
import { noteSentence } from './note-sentences.js';
import { RecordedRun } from './recorded-run.js';
import { termText } from './short-names.js';
import type { EventOf, PeerContents, ReplyContents, RequestContents, TracedRecord, TraceEvent, TraceHeader } from './trace-events.js';

const alarming = new Set([
  'log.damage-found',
  'log.tail-cut',
  'hole.found',
  'record.damaged',
  'checkpoint.unreadable',
  'node.halted',
  'storage.full',
]);
/** Notes that are told by another element of the diagram, or are no news in it. */
const untold = new Set(['term.taken', 'term.ended', 'node.started', 'node.identity-made']);

export function diagramOf(header: TraceHeader, events: readonly TraceEvent[], choice: DiagramChoice): DiagramModel {
  return new DiagramBuilder(header, events, choice).build();
}

class DiagramBuilder {
  readonly #header: TraceHeader;
  readonly #run: RecordedRun;
  readonly #choice: DiagramChoice;
  readonly #columns: readonly string[];
  readonly #columnOf: ReadonlyMap<string, number>;
  readonly #nodes: ReadonlySet<string>;
  readonly #fromUs: number;
  readonly #untilUs: number;
  readonly #lives: Span[] = [];
  readonly #alive = new Map<string, number>();
  readonly #terms: TermSpan[] = [];
  readonly #openTerms = new Map<string, TermSpan>();
  readonly #cuts: CutSpan[] = [];
  readonly #cutLinks = new Set<string>();
  #cutsSinceUs = 0;
  readonly #arrows: Arrow[] = [];
  readonly #marks: Mark[] = [];
  readonly #world: WorldLabel[] = [];
  /** Of each node's files: records whose write is done and whose sync is not. */
  readonly #unsynced = new Map<string, readonly TracedRecord[]>();

  constructor(header: TraceHeader, events: readonly TraceEvent[], choice: DiagramChoice) {
    this.#header = header;
    this.#choice = choice;
    this.#run = RecordedRun.of({ header, events });
    const nodes = choice.nodes.length > 0 ? choice.nodes : (this.#copies() ?? header.nodes.map(({ name }) => name));
    this.#columns = ['clients', ...nodes];
    this.#nodes = new Set(header.nodes.map(({ name }) => name));
    this.#columnOf = new Map([
      ...this.#columns.map((name, at) => [name, at] as const),
      ...header.clients.map((name) => [name, clientsColumn] as const),
    ]);
    const endUs = events[events.length - 1]?.us ?? 0;
    this.#fromUs = Math.max(0, choice.fromMs * 1_000 + header.loadStartUs);
    this.#untilUs = Math.max(this.#fromUs + 1, Math.min(endUs, choice.untilMs * 1_000 + header.loadStartUs));
  }

  #copies(): readonly string[] | undefined {
    return this.#header.rows.find(({ space }) => space === this.#choice.space)?.copies;
  }

  build(): DiagramModel {
    for (const event of this.#run.events) this.#enter(event);
    for (const [node, sinceUs] of this.#alive) this.#endLife(node, sinceUs, this.#untilUs);
    for (const term of this.#openTerms.values()) this.#keepTerm(term, this.#untilUs);
    this.#endCuts(this.#untilUs);
    const { scenario, seed } = this.#header;
    return {
      title: `${scenario}, seed ${seed}${this.#choice.space === null ? '' : `, ${this.#choice.space}`}`,
      fromUs: this.#fromUs,
      untilUs: this.#untilUs,
      loadStartUs: this.#header.loadStartUs,
      columns: this.#columns,
      lives: this.#lives,
      terms: this.#terms,
      cuts: this.#cuts,
      arrows: this.#arrows,
      marks: this.#marks,
      world: this.#world,
    };
  }

  #enter(event: TraceEvent): void {
    switch (event.kind) {
      case 'process.started':
        this.#alive.set(event.at, event.us);
        this.#mark(event, 'start', `${event.at} starts, process ${event.incarnation}`);
        return;
      case 'process.crashed':
        return this.#endProcess(event, `${event.at} loses power`);
      case 'process.killed':
        return this.#endProcess(event, `${event.at} is killed`);
      case 'fault.began':
      case 'fault.ended':
        return this.#enterFault(event);
      case 'phase.began':
        return this.#enterPhase(event);
      case 'note':
        return this.#enterNote(event);
      case 'message.sent':
        if (this.#showsPeer(event.what)) this.#enterSent(event, arrowKindOf(event.what), `${peerSentence(event.what).text}${event.to}`);
        return;
      case 'request.sent':
        if (this.#shows([event.what.space])) this.#enterSent(event, 'request', `asks ${event.to} to ${requestText(event.what)}`);
        return;
      case 'reply.sent':
        return this.#enterReply(event);
      case 'disk.asked':
      case 'disk.done':
        return this.#enterDisk(event);
      case 'disk.rotted':
        return this.#mark(event, 'alarm', `${event.bytes} bytes of ${event.file} are damaged: ${event.dots.join(', ')}`, 'damaged');
      default:
    }
  }

  #within(us: number): boolean {
    return us >= this.#fromUs && us <= this.#untilUs;
  }

  #shows(spaces: readonly string[]): boolean {
    return this.#choice.space === null || spaces.includes(this.#choice.space);
  }

  #showsPeer(what: PeerContents): boolean {
    if (what.kind === 'ping' || what.kind === 'membership') return this.#choice.pings;
    return what.kind !== 'fetched' && this.#shows(aboutPeer(what).spaces);
  }

  #mark(event: TraceEvent, kind: MarkKind, title: string, label: string | null = null): void {
    const column = this.#columnOf.get(event.at);
    if (column !== undefined && this.#within(event.us))
      this.#marks.push({ kind, column, us: event.us, title: `${this.#time(event.us)}  ${title}`, label });
  }

  #time(us: number): string {
    return `${(Math.floor((us - this.#header.loadStartUs) / 100) / 10).toFixed(1)} ms`;
  }

  #endProcess(event: TraceEvent, title: string): void {
    const sinceUs = this.#alive.get(event.at);
    this.#alive.delete(event.at);
    if (sinceUs !== undefined) this.#endLife(event.at, sinceUs, event.us);
    for (const [key, term] of [...this.#openTerms]) if (this.#columns[term.column] === event.at) this.#endTerm(key, event.us);
    this.#mark(event, 'crash', title);
  }

  #endLife(node: string, fromUs: number, untilUs: number): void {
    const column = this.#columnOf.get(node);
    if (column !== undefined && untilUs >= this.#fromUs && fromUs <= this.#untilUs) this.#lives.push({ column, fromUs, untilUs });
  }

  #enterNote(event: EventOf<'note'>): void {
    const note = event.note as unknown as DomainEvent;
    if ('space' in note && !this.#shows([note.space])) return;
    if (note.kind === 'term.taken') this.#openTerm(event, note.space, termText(note.term));
    else if (note.kind === 'term.ended') this.#endTerm(`${event.at} ${note.space}`, event.us);
    if (untold.has(note.kind)) return;
    const { text, detail } = noteSentence(note);
    if (detail !== 'full') this.#mark(event, alarming.has(note.kind) ? 'alarm' : 'note', `${event.at} ${text}`, labels[note.kind] ?? null);
  }

  #openTerm(event: TraceEvent, space: string, label: string): void {
    const column = this.#columnOf.get(event.at);
    if (column === undefined) return;
    const number = this.#terms.length + this.#openTerms.size;
    this.#openTerms.set(`${event.at} ${space}`, { column, space, number, label, fromUs: event.us, untilUs: event.us });
  }

  #endTerm(key: string, us: number): void {
    const term = this.#openTerms.get(key);
    this.#openTerms.delete(key);
    if (term !== undefined) this.#keepTerm(term, us);
  }

  #keepTerm(term: TermSpan, untilUs: number): void {
    if (untilUs >= this.#fromUs && term.fromUs <= this.#untilUs) this.#terms.push({ ...term, untilUs });
  }

  #enterFault(event: EventOf<'fault.began' | 'fault.ended'>): void {
    const { fault } = event;
    if (fault.kind === 'cutLinks' || fault.kind === 'healLinks') this.#changeCuts(event.us, fault.kind === 'cutLinks', fault);
    if (!this.#within(event.us)) return;
    if (fault.kind === 'cutLinks' || fault.kind === 'healLinks') this.#labelCut(event.us, fault);
    else this.#world.push({ us: event.us, text: faultSentence(fault, event.kind === 'fault.ended', this.#header) });
  }

  /** Both directions of one cut are one label. */
  #labelCut(us: number, { kind, from, to }: Extract<Fault, { kind: 'cutLinks' | 'healLinks' }>): void {
    const names = (list: readonly string[]): string => list.filter((name) => this.#nodes.has(name)).join(' ');
    if (names(from) === '' || names(to) === '') return;
    const verb = kind === 'cutLinks' ? 'cut' : 'healed';
    const reverse = this.#world.findIndex((label) => label.us === us && label.text === `${verb}: ${names(to)} → ${names(from)}`);
    if (reverse < 0) this.#world.push({ us, text: `${verb}: ${names(from)} → ${names(to)}` });
    else this.#world[reverse] = { us, text: `${verb}: ${names(to)} | ${names(from)}` };
  }

  #enterPhase({ us, phase }: EventOf<'phase.began'>): void {
    if (phase === 'majority' || phase === 'all') {
      this.#endCuts(us);
      this.#cutLinks.clear();
    }
    if (phase === 'majority') this.#cutTheRest();
    if (this.#within(us)) this.#world.push({ us, text: phaseSentence(phase, this.#header) });
  }

  /** What stays broken while a majority is healed. */
  #cutTheRest(): void {
    const { majority, rest } = this.#header.liveness;
    const nodes = this.#columns.slice(clientsColumn + 1);
    for (const inside of nodes.filter((name) => majority.includes(name))) {
      for (const outside of nodes.filter((name) => !majority.includes(name))) {
        if (rest === 'cut' || rest === 'deaf') this.#cutLinks.add(`${inside} ${outside}`);
        if (rest === 'cut' || rest === 'mute') this.#cutLinks.add(`${outside} ${inside}`);
      }
    }
  }

  #changeCuts(us: number, cut: boolean, { from, to }: { readonly from: readonly string[]; readonly to: readonly string[] }): void {
    this.#endCuts(us);
    for (const one of from.filter((name) => this.#isNode(name))) {
      for (const other of to.filter((name) => this.#isNode(name) && name !== one)) {
        if (cut) this.#cutLinks.add(`${one} ${other}`);
        else this.#cutLinks.delete(`${one} ${other}`);
      }
    }
  }

  #isNode(name: string): boolean {
    return (this.#columnOf.get(name) ?? clientsColumn) !== clientsColumn;
  }

  #endCuts(us: number): void {
    const fromUs = this.#cutsSinceUs;
    this.#cutsSinceUs = us;
    if (this.#cutLinks.size === 0 || us <= fromUs || us < this.#fromUs || fromUs > this.#untilUs) return;
    const pairs = [...this.#cutLinks].map((link) => link.replace(' ', ' to '));
    this.#cuts.push({ fromUs, untilUs: us, sides: this.#sides(), title: `cut: ${pairs.join(', ')}` });
  }

  /** Columns that are cut off from the same others, in whatever direction, are on one side; those that are cut off from nobody are on none. */
  #sides(): number[] {
    const isCut = (one: string, other: string): boolean => this.#cutLinks.has(`${one} ${other}`) || this.#cutLinks.has(`${other} ${one}`);
    const cutFrom = this.#columns.map((name) => this.#columns.filter((other) => isCut(name, other)).join(' '));
    const kinds = [...new Set(cutFrom)].filter((names) => names !== '');
    return cutFrom.map((names) => kinds.indexOf(names));
  }

  #enterSent(event: EventOf<'message.sent' | 'request.sent' | 'reply.sent'>, kind: ArrowKind, text: string): void {
    const [from, to] = [this.#columnOf.get(event.at), this.#columnOf.get(event.to)];
    if (from === undefined || to === undefined) return;
    for (const end of this.#run.journeyOf(event.i).slice(1)) {
      if (event.departsUs > this.#untilUs || end.us < this.#fromUs) continue;
      const lost = 'why' in end ? end : null;
      const title = `${this.#time(event.us)}  ${event.at} ${text}${lost === null ? `: there at ${this.#time(end.us)}` : `: ${dropTexts[lost.why]}`}`;
      const dropped = lost === null ? null : lost.where === 'sending' ? 'on-the-way' : 'at-the-end';
      this.#arrows.push({ kind, from, to, fromUs: event.departsUs, untilUs: Math.max(event.departsUs, end.us), dropped, title });
    }
  }

  #enterReply(event: EventOf<'reply.sent'>): void {
    const { what, answers } = event;
    const asked = answers === null ? null : this.#run.at(answers);
    const request = asked?.kind === 'request.sent' ? asked.what : undefined;
    if (request === undefined || !this.#shows([request.space])) return;
    const [before, after] = replyText(what, request);
    const text = `${before}${event.to}${after}`;
    this.#enterSent(event, 'reply', text);
    const kind = what.answer === 'written' ? 'acknowledged' : what.answer === 'failure' ? 'refused' : 'answered';
    this.#mark(event, kind, `${event.at} ${text}`, kind === 'refused' ? what.code : contentText(what, request));
  }

  #enterDisk(event: EventOf<'disk.asked' | 'disk.done'>): void {
    if (event.kind === 'disk.done' && event.message !== null) this.#mark(event, 'alarm', `${event.at}: ${event.message}`, event.result);
    const key = `${event.at} ${event.file}`;
    if (event.kind === 'disk.asked') {
      const records = (event.records ?? []).filter(({ space }) => this.#shows([space]));
      if (records.length > 0) this.#mark(event, 'append', `${event.at} appends ${recordsText(records, records.length)}`);
      return;
    }
    const unsynced = this.#unsynced.get(key) ?? [];
    if (event.operation === 'write') {
      const asked = this.#run.at(event.disk);
      const records = asked?.kind === 'disk.asked' ? (asked.records ?? []) : [];
      this.#unsynced.set(key, [...unsynced, ...records.filter(({ space }) => this.#shows([space]))]);
    } else if (event.operation === 'sync' && unsynced.length > 0) {
      this.#unsynced.delete(key);
      this.#mark(event, 'synced', `${event.at} has synced ${recordsText(unsynced, unsynced.length)}`);
    }
  }
}

function arrowKindOf(what: PeerContents): ArrowKind {
  if (what.kind === 'run' || what.kind === 'snapshot') return 'records';
  if (what.kind === 'ping' || what.kind === 'membership') return 'ping';
  return what.kind === 'acknowledge' ? 'acknowledge' : 'fetch';
}

/** What was written or read, in a word. */
function contentText({ answer, seen }: ReplyContents, { call, id, value }: RequestContents): string {
  if (answer === 'got') return seen.length === 0 ? `no ${id}` : `${id} = ${seen[0]}`;
  return call === 'forget' ? `${id} forgotten` : `${id} = ${value}`;
}

const labels: Readonly<Record<string, string>> = {
  'term.claim-started': 'claims',
  'term.overlap-seen': 'overlap seen',
  'log.tail-cut': 'torn tail cut',
  'log.damage-found': 'damage found',
  'hole.found': 'hole',
  'hole.refilled': 'hole refilled',
  'tail.merged': 'tail merged',
  'catch-up.finished': 'caught up',
  'conflict.resolved': 'conflict resolved',
  'replication.gap-seen': 'gap',
  'clock.jumped-back': 'clock back',
};
