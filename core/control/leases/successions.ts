/** What the leader of the control log proposes on its own about primaries and spaces: others for the dead, new terms for those that were started anew, spaces that were asked for. */
import type { Now } from '../../events.js';
import type { NodeId } from '../../identifiers.js';
import type { PureFunctions } from '../../pure-functions.js';
import { spacesLedBy } from '../apply-entry.js';
import type { AuthorityOptions } from '../control-log-options.js';
import type { ControlState } from '../control-state.js';
import type { ControlEntry } from '../entries.js';
import { refusalPerLease } from '../raft/vocabulary.js';
import { entriesFor, wantedMax } from './space-making.js';

export interface SuccessionsPorts {
  /** `leaderMsMax`: for so long at most somebody may lead whom a majority has left. */
  readonly options: Pick<AuthorityOptions, 'leaseMs' | 'contactMs'> & { readonly leaderMsMax: number };
  readonly pure: PureFunctions;
  /** As leader. `done` is called when it is settled, whatever became of it. */
  propose(entry: ControlEntry, done: () => void, now: Now): void;
}

export class Successions {
  readonly #ports: SuccessionsPorts;
  readonly #proposing = new Set<NodeId>();
  /** Names of spaces that were asked for here, or by others when this node leads. */
  readonly #wanted = new Set<string>();
  /** From when on spaces may be taken from their primaries. */
  #mayTakeFromMs = 0;

  constructor(ports: SuccessionsPorts) {
    this.#ports = ports;
  }

  /** A change of the electorate is known to be committed. */
  electorateChanged(now: Now): void {
    const { leaseMs, contactMs, leaderMsMax } = this.#ports.options;
    this.#mayTakeFromMs = now.monotonicMs + Math.ceil(refusalPerLease * (leaseMs + contactMs + leaderMsMax));
  }

  /** Whether an entry that takes spaces from their primaries may be proposed now. */
  mayTake(now: Now): boolean {
    return now.monotonicMs >= this.#mayTakeFromMs;
  }

  /** A space of that name is written to, and does not exist: it is to be made. */
  want(name: string): void {
    if (this.#wanted.size < wantedMax) this.#wanted.add(name);
  }

  /** The names that were asked for since the last time. */
  takeWanted(): readonly string[] {
    if (this.#wanted.size === 0) return [];
    const names = [...this.#wanted];
    this.#wanted.clear();
    return names;
  }

  /** As leader: the spaces that were asked for come to be. */
  makeWanted(state: ControlState, isDead: (node: NodeId) => boolean, now: Now): void {
    if (this.#wanted.size === 0) return;
    const entries = entriesFor(this.#wanted, state, isDead, this.#ports.pure);
    this.#wanted.clear();
    for (const entry of entries) this.#ports.propose(entry, () => {}, now);
  }

  /** As leader: other primaries for the dead, new terms for those that were started anew. `nodes`: what each said of itself last. */
  proceed(
    state: ControlState,
    nodes: Iterable<readonly [NodeId, { readonly needsTerms: boolean }]>,
    isDead: (node: NodeId) => boolean,
    now: Now,
  ): void {
    if (!this.mayTake(now)) return;
    for (const [node, { needsTerms }] of nodes) {
      if (isDead(node)) this.#replace(state, node, isDead, now);
      else if (needsTerms) this.#renew(state, node, now);
    }
  }

  /** The spaces of a dead node go to the next live copies, by one entry. */
  #replace(state: ControlState, dead: NodeId, isDead: (node: NodeId) => boolean, now: Now): void {
    const successors = spacesLedBy(state, dead).flatMap(({ space, revision, copies }) => {
      const primary = copies.find((copy) => copy !== dead && !isDead(copy));
      return primary === undefined ? [] : [{ space, basis: revision, primary }];
    });
    if (successors.length > 0) this.#proposeFor(dead, { kind: 'primaries-reassigned', dead, successors }, now);
  }

  /** A node that was started anew goes on in later terms. */
  #renew(state: ControlState, node: NodeId, now: Now): void {
    const rows = spacesLedBy(state, node).map(({ space, revision, copies }) => ({ space, basis: revision, copies }));
    if (rows.length > 0) this.#proposeFor(node, { kind: 'rows-assigned', rows }, now);
  }

  /** One at a time for each node. */
  #proposeFor(node: NodeId, entry: ControlEntry, now: Now): void {
    if (this.#proposing.has(node)) return;
    this.#proposing.add(node);
    this.#ports.propose(entry, () => this.#proposing.delete(node), now);
  }
}
