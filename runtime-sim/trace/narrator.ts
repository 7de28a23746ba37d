/**
 * Tells a trace to people: one sentence for each thing that matters, in the order in which things happened.
 *
 * A sentence has a subject, where it happened, and stands for one event or for several of one moment: a record pushed to two copies is pushed once. What
 * has to be known from before, which records a sync makes durable and on how many copies they then are, is kept while the story goes on.
 */
import type { DomainEvent } from '../../core/domain-events.js';
import { unreachable } from '../../core/invariant.js';
import { faultSentence, listed, phaseSentence } from './fault-sentences.js';
import { aboutPeer, dropTexts, idsOf, peerSentence, recordsText, replyText, requestText } from './message-sentences.js';
import { counted, type Detail, noteSentence } from './note-sentences.js';
import type { EventOf, RequestContents, TracedRecord, TraceEvent, TraceHeader } from './trace-events.js';

export interface NarratedLine {
  /** The first event that it tells. */
  readonly i: number;
  readonly us: number;
  /** Where it happened; `world` for what was done to all. */
  readonly at: string;
  /** Without its subject. */
  readonly text: string;
  readonly detail: Detail;
  /** Everybody in it. */
  readonly who: readonly string[];
  /** Spaces and memory ids that it speaks of. */
  readonly spaces: readonly string[];
  readonly ids: readonly string[];
}

/** What a sentence is made of before those of one moment are joined. */
interface Draft {
  readonly event: TraceEvent;
  readonly before: string;
  /** Names to be listed between the two halves of the text: sentences that differ in nothing else are one. */
  readonly to: string[];
  readonly after: string;
  readonly detail: Detail;
  readonly spaces: readonly string[];
  readonly ids: readonly string[];
}

const dotsNamedMax = 3;

export class Narrator {
  readonly #header: TraceHeader;
  readonly #nodes: ReadonlySet<string>;
  readonly #copies: ReadonlyMap<string, readonly string[]>;
  /** Sentences of the present moment. */
  #moment: Draft[] = [];
  #lines: NarratedLine[] = [];
  /** What a message, request or reply that was sent says; given up once all its copies have ended. */
  readonly #underWay = new Map<number, { readonly event: EventOf<'message.sent' | 'request.sent' | 'reply.sent'>; left: number }>();
  readonly #asked = new Map<number, RequestContents>();
  /** Operations that have not ended, and whether a node was asked. */
  readonly #operations = new Map<number, { readonly invoked: EventOf<'operation.invoked'>; asked: boolean }>();
  /** Of each node's files: records whose write is done and whose sync is not. */
  readonly #unsynced = new Map<string, TracedRecord[]>();
  readonly #writes = new Map<number, readonly TracedRecord[]>();
  /** Nodes that have synced a record, by `space dot`, until all copies have. */
  readonly #syncedOn = new Map<string, Set<string>>();

  constructor(header: TraceHeader) {
    this.#header = header;
    this.#nodes = new Set(header.nodes.map(({ name }) => name));
    this.#copies = new Map(header.rows.map(({ space, copies }) => [space, copies]));
  }

  /** Takes the next event; returns the lines that are now whole. */
  take(event: TraceEvent): readonly NarratedLine[] {
    if (this.#moment.length > 0 && this.#moment[0].event.us !== event.us) this.#endMoment();
    this.#tell(event);
    return this.#drain();
  }

  /** The last lines. */
  end(): readonly NarratedLine[] {
    this.#endMoment();
    return this.#drain();
  }

  #drain(): readonly NarratedLine[] {
    const lines = this.#lines;
    if (lines.length > 0) this.#lines = [];
    return lines;
  }

  #endMoment(): void {
    for (const { event, before, to, after, detail, spaces, ids } of this.#moment) {
      const text = `${before}${listed(to)}${after}`;
      this.#lines.push({ i: event.i, us: event.us, at: event.at, text, detail, who: [event.at, ...to], spaces, ids });
    }
    this.#moment = [];
  }

  #say(event: TraceEvent, detail: Detail, before: string, about: Partial<Pick<Draft, 'to' | 'after' | 'spaces' | 'ids'>> = {}): void {
    const draft: Draft = { event, before, to: [], after: '', spaces: [], ids: [], detail, ...about };
    const same =
      draft.to.length === 0
        ? undefined
        : this.#moment.find(
            (other) => other.event.at === event.at && other.before === before && other.after === draft.after && other.to.length > 0,
          );
    if (same === undefined) this.#moment.push(draft);
    else if (!same.to.includes(draft.to[0])) same.to.push(...draft.to);
  }

  #tell(event: TraceEvent): void {
    switch (event.kind) {
      case 'process.started':
        this.#forgetUnsynced(event.at);
        this.#say(event, 'brief', `starts${event.incarnation === 1 ? '' : ` again, process ${event.incarnation}`}`);
        return;
      case 'process.crashed':
        this.#say(
          event,
          'brief',
          `loses power, ${counted(event.operationsInFlight, 'disk operation')} in flight, ${counted(event.sectorsAtStake, 'unsynced sector')}`,
        );
        return;
      case 'process.killed':
        this.#say(event, 'brief', `is killed${event.unsynced ? ', with writes that are not synced' : ''}; its machine goes on`);
        return;
      case 'process.halted':
        this.#say(event, 'brief', `stops itself: ${event.reason}`);
        return;
      case 'process.threw':
        this.#say(event, 'brief', `throws, which is a bug: ${event.reason}`);
        return;
      case 'note':
        this.#tellNote(event);
        return;
      case 'fault.began':
      case 'fault.ended':
        this.#say(event, 'brief', faultSentence(event.fault, event.kind === 'fault.ended', this.#header));
        return;
      case 'disk.rotted':
        for (const dot of event.dots) this.#syncedOn.get(dot)?.delete(event.at);
        this.#say(
          event,
          'brief',
          `has ${counted(event.bytes, 'byte')} of ${event.file} damaged at ${event.offset}${dotsText(event.dots)}`,
          {
            spaces: [...new Set(event.dots.map((dot) => dot.slice(0, dot.indexOf(' '))))],
          },
        );
        return;
      case 'phase.began':
        this.#say(event, 'brief', phaseSentence(event.phase, this.#header));
        return;
      case 'operator.asked':
        this.#say(event, 'full', `asks ${event.node} to have committed: ${event.entry}`);
        return;
      case 'timer.fired':
        this.#say(event, 'full', `wakes: ${event.name}`);
        return;
      case 'scan.done':
        this.#say(event, 'full', 'has scanned');
        return;
      default:
        this.#tellTraffic(event);
    }
  }

  #tellTraffic(event: Exclude<TraceEvent, EventOf<Plain>>): void {
    switch (event.kind) {
      case 'message.sent':
        this.#underWay.set(event.i, { event, left: Math.max(1, event.copies) });
        this.#tellSent(event);
        return;
      case 'request.sent':
        this.#underWay.set(event.i, { event, left: Math.max(1, event.copies) });
        this.#asked.set(event.i, event.what);
        this.#tellRequest(event);
        return;
      case 'reply.sent':
        this.#underWay.set(event.i, { event, left: Math.max(1, event.copies) });
        this.#tellReply(event);
        return;
      case 'message.received':
      case 'request.received':
      case 'reply.received':
        this.#ended(event.message);
        if (event.kind === 'reply.received' && event.late)
          this.#say(event, 'full', 'no longer waits for the answer of ', { to: [event.from] });
        return;
      case 'message.dropped':
      case 'request.dropped':
      case 'reply.dropped':
        this.#tellDrop(event);
        return;
      case 'operation.invoked':
        this.#operations.set(event.operation, { invoked: event, asked: false });
        return;
      case 'operation.ended':
        this.#tellEnd(event);
        return;
      case 'try.timed-out':
        if (event.asked !== null)
          this.#say(event, 'normal', 'has waited long enough for ', { to: [event.asked], ...this.#aboutOperation(event.operation) });
        return;
      case 'disk.asked':
        this.#tellDiskAsked(event);
        return;
      case 'disk.done':
        this.#tellDiskDone(event);
        return;
      default:
        unreachable(event);
    }
  }

  #tellNote(event: EventOf<'note'>): void {
    const { text, detail } = noteSentence(event.note as unknown as DomainEvent);
    const { space } = event.note;
    this.#say(event, detail, text, typeof space === 'string' ? { spaces: [space] } : {});
  }

  #tellSent(event: EventOf<'message.sent'>): void {
    const { text, detail } = peerSentence(event.what);
    this.#say(event, detail, text, { to: [event.to], ...aboutPeer(event.what) });
  }

  #tellRequest(event: EventOf<'request.sent'>): void {
    const { what, operation } = event;
    const about = { to: [event.to], spaces: [what.space], ids: what.id === null ? [] : [what.id] };
    const open = operation === null ? undefined : this.#operations.get(operation);
    if (open?.asked === true) this.#say(event, 'normal', 'tries ', { ...about, after: `: ${requestText(what)}` });
    else this.#say(event, 'normal', 'asks ', { ...about, after: ` to ${requestText(what)}` });
    if (open !== undefined) open.asked = true;
  }

  #tellReply(event: EventOf<'reply.sent'>): void {
    const { what, answers } = event;
    const asked = answers === null ? undefined : this.#asked.get(answers);
    if (answers !== null) this.#asked.delete(answers);
    const about = asked === undefined ? {} : { spaces: [asked.space], ids: asked.id === null ? [] : [asked.id] };
    const [verb, rest] = replyText(what, asked);
    this.#say(event, 'normal', verb, { to: [event.to], after: rest, ...about });
  }

  #tellDrop(event: EventOf<'message.dropped' | 'request.dropped' | 'reply.dropped'>): void {
    const sent = this.#underWay.get(event.message);
    this.#ended(event.message);
    const cause = dropTexts[event.why];
    // At the sender's side of the story, wherever it was lost: the receiver never knew of it.
    const told: TraceEvent = { ...event, at: event.from };
    if (sent?.event.kind === 'message.sent') {
      const { detail, name } = peerSentence(sent.event.what);
      this.#say(told, detail, `loses ${name} to `, { to: [event.to], after: `: ${cause}`, ...aboutPeer(sent.event.what) });
    } else {
      const what = event.kind === 'reply.dropped' ? 'an answer' : 'a request';
      const about =
        sent?.event.kind === 'request.sent'
          ? { spaces: [sent.event.what.space], ids: sent.event.what.id === null ? [] : [sent.event.what.id] }
          : {};
      this.#say(told, 'normal', `loses ${what} to `, { to: [event.to], after: `: ${cause}`, ...about });
    }
  }

  #ended(message: number): void {
    const sent = this.#underWay.get(message);
    if (sent === undefined) return;
    sent.left -= 1;
    if (sent.left === 0) this.#underWay.delete(message);
  }

  #tellEnd(event: EventOf<'operation.ended'>): void {
    const { operation, outcome, error } = event;
    const about = this.#aboutOperation(operation);
    const what = this.#operations.get(operation);
    this.#operations.delete(operation);
    if (outcome === 'ok' || what === undefined) return;
    const { call, id, space } = what.invoked;
    const asked = `${call === 'final-read' ? 'read' : call} of ${id} in ${space}`;
    if (outcome === 'info') this.#say(event, 'normal', `gives up and does not know what became of its ${asked}`, about);
    // What a node has refused for good was told when it did.
    else this.#say(event, error === 'TIMEOUT' ? 'normal' : 'full', `gives up its ${asked}, nothing came of it: ${error}`, about);
  }

  #aboutOperation(operation: number): Pick<Draft, 'spaces' | 'ids'> {
    const open = this.#operations.get(operation);
    return open === undefined ? { spaces: [], ids: [] } : { spaces: [open.invoked.space], ids: [open.invoked.id] };
  }

  #tellDiskAsked(event: EventOf<'disk.asked'>): void {
    const { operation, file, offset, bytes, records = [] } = event;
    if (records.length > 0) {
      this.#writes.set(event.disk, records);
      const text = recordsText(records, event.recordsTotal ?? 0);
      // What compaction moves, and what recovery is not sure of, was there before.
      const anew = records.every((record) => this.#isSyncedOn(event.at, record));
      this.#say(event, anew ? 'full' : 'normal', anew ? `writes ${text} anew` : `appends ${text} to its log`, this.#about(records));
    } else
      this.#say(
        event,
        'full',
        `asks its disk for ${operation}${file === '' ? '' : ` of ${file}`}${bytes === 0 ? '' : `, ${bytes} bytes at ${offset}`}`,
      );
  }

  #tellDiskDone(event: EventOf<'disk.done'>): void {
    const { operation, file, at, disk, result } = event;
    const failed = event.message !== null;
    if (failed) this.#say(event, 'brief', `is failed by its disk: ${result}, ${event.message}`);
    const key = `${at} ${file}`;
    const written = this.#writes.get(disk);
    this.#writes.delete(disk);
    if (written !== undefined && !failed) this.#unsynced.set(key, [...(this.#unsynced.get(key) ?? []), ...written]);
    if (operation !== 'sync' || failed) return;
    const synced = this.#unsynced.get(key) ?? [];
    this.#unsynced.delete(key);
    if (synced.length > 0) this.#tellSynced(event, synced);
  }

  #tellSynced(event: TraceEvent, written: readonly TracedRecord[]): void {
    const records = written.filter((record) => !this.#isSyncedOn(event.at, record));
    if (records.length === 0) return;
    const counts = records.map((record) => this.#syncedCount(event.at, record));
    const [first] = counts;
    const where = counts.every((count) => count === first) ? `: on ${first}` : '';
    this.#say(event, 'normal', `has synced ${recordsText(records, records.length)}${where}`, this.#about(records));
  }

  #isSyncedOn(node: string, { space, dot }: TracedRecord): boolean {
    return this.#syncedOn.get(`${space} ${dot}`)?.has(node) === true;
  }

  #about(records: readonly TracedRecord[]): Pick<Draft, 'spaces' | 'ids'> {
    return { spaces: [...new Set(records.map(({ space }) => space))], ids: idsOf(records) };
  }

  /** `2 of 3 copies`, this one included. */
  #syncedCount(node: string, { space, dot }: TracedRecord): string {
    const copies = this.#copies.get(space) ?? [];
    const key = `${space} ${dot}`;
    const nodes = this.#syncedOn.get(key) ?? new Set();
    nodes.add(node);
    this.#syncedOn.set(key, nodes);
    const held = copies.filter((copy) => nodes.has(copy)).length;
    return `${held} of ${counted(copies.length, 'copy')}`;
  }

  #forgetUnsynced(node: string): void {
    if (!this.#nodes.has(node)) return;
    for (const key of [...this.#unsynced.keys()]) if (key.startsWith(`${node} `)) this.#unsynced.delete(key);
  }
}

/** Kinds that are told without looking back. */
type Plain =
  | 'process.started'
  | 'process.crashed'
  | 'process.killed'
  | 'process.halted'
  | 'process.threw'
  | 'note'
  | 'fault.began'
  | 'fault.ended'
  | 'disk.rotted'
  | 'phase.began'
  | 'operator.asked'
  | 'timer.fired'
  | 'scan.done';

/** In which records; empty when in none. */
function dotsText(dots: readonly string[]): string {
  const named = dots.slice(0, dotsNamedMax);
  if (named.length === 0) return '';
  return named.length === dots.length
    ? `, in ${listed(named)}`
    : `, in ${named.join(', ')} and ${counted(dots.length - named.length, 'more record')}`;
}
