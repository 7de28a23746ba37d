/** The state of one node's control log: what committed entries and snapshots make of it, in their order, and who is told. */
import type { Effects } from '../effects.js';
import type { Now } from '../events.js';
import type { PureFunctions } from '../pure-functions.js';
import { applyEntry, changedRows, nothingBy } from './apply-entry.js';
import { type ControlState, emptyControlState } from './control-state.js';
import { entryIn } from './entry-codec.js';
import type { Authority } from './leases/authority.js';
import type { Entry, Recovered, Snapshot } from './raft/vocabulary.js';
import { decodeState } from './state-codec.js';
import type { WaitingProposals } from './waiting-proposals.js';

export interface AppliedStatePorts {
  readonly effects: Pick<Effects, 'journal' | 'lifecycle'>;
  readonly pure: PureFunctions;
  readonly authority: Pick<Authority, 'changed' | 'replaced' | 'electorateChanged'>;
  readonly waiting: Pick<WaitingProposals, 'committed' | 'unknownUpTo'>;
  /** The state is another now. */
  changed(state: ControlState, now: Now): void;
}

export class AppliedState {
  readonly #ports: AppliedStatePorts;
  #state: ControlState = emptyControlState;

  constructor(ports: AppliedStatePorts) {
    this.#ports = ports;
  }

  get state(): ControlState {
    return this.#state;
  }

  /** An entry is committed, and durable here. */
  apply(entry: Entry, now: Now): void {
    const { effects, pure, authority, waiting, changed } = this.#ports;
    const { index, term } = entry;
    if (entry.kind === 'configuration') authority.electorateChanged(now);
    // Who has begun anew goes by a state already that may be ahead of its log.
    if (index <= this.#state.applied) return;
    const reading = entryIn(entry, pure);
    if (reading === 'newer') this.halt(`entry ${index} of the control log was written by a later version`);
    const said = reading === 'newer' ? 'unreadable' : reading;
    if (said === 'unreadable') effects.journal.note({ kind: 'control.entry-unreadable', index });
    const { state, outcome, patches } =
      said === null || said === 'unreadable' ? nothingBy(this.#state, index) : applyEntry(this.#state, said, index);
    this.#state = state;
    const isHandedOver = said !== null && said !== 'unreadable' && said.kind === 'move-changed';
    authority.changed(state, changedRows(patches), { isHandedOver }, now);
    effects.journal.note({ kind: 'control.applied', index, term, entry: said === 'unreadable' ? null : said, outcome, patches });
    changed(state, now);
    waiting.committed(entry, outcome);
  }

  /** A snapshot takes the place of all that was applied. Who begins anew goes by a state already that may be ahead of it. */
  restore(snapshot: Snapshot, now: Now): void {
    const reading = decodeState(snapshot.state, this.#ports.pure);
    if (reading.kind !== 'state') return this.halt(`the control log's snapshot at ${snapshot.index} cannot be read: it is ${reading.kind}`);
    if (snapshot.index >= this.#state.applied) this.goBy({ ...reading.state, ...snapshot.configuration }, now);
    this.#ports.authority.replaced(this.#state, now);
    this.#ports.authority.electorateChanged(now);
    this.#ports.waiting.unknownUpTo(snapshot.index);
  }

  /** Another state at once, which others have committed. */
  goBy(state: ControlState, now: Now): void {
    this.#state = state;
    this.#ports.changed(state, now);
  }

  halt(message: string): void {
    const reason = `UNSUPPORTED_FORMAT: ${message}`;
    this.#ports.effects.journal.note({ kind: 'node.halted', reason });
    this.#ports.effects.lifecycle.halt(reason);
  }
}

/** What was committed by what a disk still tells: all of it as of some moment, since what it has lost ends the entries before. */
export function readableState({ snapshot, entries, committed }: Recovered, pure: PureFunctions): ControlState {
  const reading = snapshot === null ? null : decodeState(snapshot.state, pure);
  let state = reading?.kind === 'state' && snapshot !== null ? { ...reading.state, ...snapshot.configuration } : emptyControlState;
  if (state === emptyControlState && snapshot !== null) return state;
  for (const entry of entries.filter(({ index }) => index <= committed)) {
    const said = entryIn(entry, pure);
    if (said === 'newer') return state;
    state = (said === null || said === 'unreadable' ? nothingBy(state, entry.index) : applyEntry(state, said, entry.index)).state;
  }
  return state;
}
