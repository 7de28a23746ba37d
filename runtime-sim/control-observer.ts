/**
 * What control logs were seen to do, for the checker that knows Raft's invariants: told from the bytes that nodes send where there are any, else from what they note.
 * It serves whole clusters and control logs alone.
 */
import type { CommittedState, ControlObservation } from '../checker/control-observations.js';
import { type ControlState, membersInOrder, rowsInOrder } from '../core/control/control-state.js';
import type { ControlEntry } from '../core/control/entries.js';
import { decodeEntry } from '../core/control/entry-codec.js';
import { decodeRaftMessage } from '../core/control/raft/message-codec.js';
import type { Entry, RaftMessage } from '../core/control/raft/vocabulary.js';
import { encodeState } from '../core/control/state-codec.js';
import type { DomainEvent } from '../core/domain-events.js';
import type { EngramNode } from '../core/engram-node.js';
import type { NodeId } from '../core/identifiers.js';
import type { PureFunctions } from '../core/pure-functions.js';
import { crc32, simulatedPureFunctions } from './pure-functions.js';

export type ControlInspection = NonNullable<ReturnType<EngramNode['inspectControl']>>;

const plain = simulatedPureFunctions('control-observer', 'reading');
/** States are told apart after every entry at every node, and carry the same names and addresses each time: what was encoded lately is kept. */
const encodedTextsMax = 4_096;
const encodedTexts = new Map<string, Uint8Array>();
const reading: PureFunctions = {
  ...plain,
  utf8Encode: (text) => {
    const known = encodedTexts.get(text);
    if (known !== undefined) return known;
    if (encodedTexts.size >= encodedTextsMax) encodedTexts.clear();
    const encoded = plain.utf8Encode(text);
    encodedTexts.set(text, encoded);
    return encoded;
  },
};

/** A node as it is seen: its name is that of one identity, and `boot` counts its processes. */
export interface ObservedNode {
  readonly name: string;
  readonly boot: number;
}

export class ControlObserver {
  readonly observations: ControlObservation[] = [];
  /** What was committed about orders and what they are about, by whoever applied it first. */
  readonly states: CommittedState[] = [];
  #latest: ControlState | null = null;
  readonly #nowMs: () => number;
  /** Proposals that are not answered yet, by node, boot and handle. */
  readonly #proposals = new Map<string, ControlEntry>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  proposed({ name, boot }: ObservedNode, handle: number, entry: ControlEntry): void {
    this.#proposals.set(`${name} ${boot} ${handle}`, entry);
  }

  /** What the control log of one node says to that of another. Returns Raft's message, if it is one. */
  said({ name: node }: ObservedNode, to: string, bytes: Uint8Array): RaftMessage | null {
    const message = decodeRaftMessage(bytes);
    if (message === null) return null;
    const { term } = message;
    const atMs = this.#nowMs();
    if (message.kind === 'ask-vote') this.observations.push({ kind: 'voted', atMs, node, term, candidate: node });
    if (message.kind === 'vote' && message.isGranted) this.observations.push({ kind: 'voted', atMs, node, term, candidate: to });
    if (message.kind !== 'append') return message;
    let previousTerm = message.previous.term;
    for (const entry of message.entries) {
      const content = contentOf(entry);
      this.observations.push({ kind: 'sent', atMs, node, index: entry.index, term: entry.term, previousTerm, content });
      previousTerm = entry.term;
    }
    return message;
  }

  /** State and parts are immutable: what is the same has not changed. */
  #committed(state: ControlState): void {
    const before = this.#latest;
    if (before !== null && state.applied <= before.applied) return;
    this.#latest = state;
    const { rows, members, removed, order, generation } = state;
    if (before?.rows === rows && before.members === members && before.removed === removed && before.order === order) return;
    this.states.push({
      atMs: this.#nowMs(),
      index: state.applied,
      generation,
      order,
      members: membersInOrder(state).map(({ id }) => id),
      leaving: membersInOrder(state).flatMap(({ id, isDraining }) => (isDraining ? [id] : [])),
      removed: Object.keys(removed) as NodeId[],
      rows: rowsInOrder(state),
    });
  }

  /** What a node notes; `control` is what its control log knows at that moment. */
  noted({ name: node, boot }: ObservedNode, event: DomainEvent, control: ControlInspection): void {
    const atMs = this.#nowMs();
    const { state } = control;
    switch (event.kind) {
      case 'control.opened':
      case 'control.snapshot-installed':
        this.observations.push({ kind: 'restored', atMs, node, boot, index: state.applied, state: digestOf(control) });
        return;
      case 'control.applied': {
        const { index, term } = event;
        const nodeTerm = control.raft?.term ?? term;
        this.#committed(state);
        this.observations.push({ kind: 'applied', atMs, node, boot, index, term, nodeTerm, state: digestOf(control) });
        return;
      }
      case 'control.leader-elected': {
        const { start, terms } = control.raft?.termsOfLog ?? { start: 0, terms: [] };
        this.observations.push({ kind: 'elected', atMs, node, term: event.term, start, terms });
        return;
      }
      case 'control.proposal-answered': {
        const key = `${node} ${boot} ${event.handle}`;
        const entry = this.#proposals.get(key);
        this.#proposals.delete(key);
        if (event.answer.kind === 'committed' && entry !== undefined)
          this.observations.push({ kind: 'answered', atMs, node, index: event.answer.index, content: JSON.stringify(entry) });
        return;
      }
      default:
    }
  }
}

/** Tells states apart: the checksum of their bytes. */
export function digestOf({ state }: Pick<ControlInspection, 'state'>): string {
  return crc32(encodeState(state, reading)).toString(16).padStart(8, '0');
}

function contentOf(entry: Entry): string {
  switch (entry.kind) {
    case 'begin':
      return 'begin';
    case 'command': {
      const said = decodeEntry(entry.bytes, reading);
      return said.kind === 'entry' ? JSON.stringify(said.entry) : said.kind;
    }
    case 'configuration':
      return JSON.stringify(entry.configuration);
  }
}
