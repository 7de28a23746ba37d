/**
 * Writes down who took part in the membership and what each process said of the others, in the form that the checker judges; and marks the rare states that
 * only somebody who sees all nodes can tell.
 */
import type { MemberChange, MemberLife, MembershipRecord, MemberView, SeenState } from '../checker/history.js';
import type { DomainEvent } from '../core/domain-events.js';
import type { NodeId } from '../core/identifiers.js';
import type { Incarnation, MembershipInspection } from '../core/membership/inspection.js';
import type { LinkLog } from './link-log.js';

type MutableLife = { -readonly [Field in keyof MemberLife]: MemberLife[Field] };

interface Parts {
  /** Names of the machines. */
  readonly places: readonly string[];
  readonly nowMs: () => number;
  readonly links: LinkLog;
  readonly mark: (name: string) => void;
  /** The machine of a node that is or was. */
  readonly placeOf: (node: NodeId) => number | undefined;
  /** Whether nothing sent from one machine reaches the other, as somebody knows who sees the network. */
  readonly isCut: (from: number, to: number) => boolean;
}

export class MembershipRecorder {
  readonly #parts: Parts;
  readonly #lives: MutableLife[] = [];
  readonly #changes: MemberChange[] = [];
  /** Position in `#lives` of the process that runs on each machine; -1 for none that takes part. */
  readonly #running: number[];
  /** What each process says of each member now. */
  readonly #latest = new Map<string, MemberChange>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#running = parts.places.map(() => -1);
  }

  noted(place: number, event: DomainEvent): void {
    switch (event.kind) {
      case 'membership.started':
        this.#began(place, event.node, event.incarnation);
        return;
      case 'membership.refuted-itself':
        this.#say(place, this.#lives[this.#running[place]].node, 'alive', event.incarnation, false);
        return;
      case 'membership.left':
        this.#lives[this.#running[place]].leftMs = this.#parts.nowMs();
        return;
      case 'member.joined':
      case 'member.returned':
      case 'member.restarted':
      case 'member.refuted':
        this.#say(place, event.node, 'alive', event.incarnation, false);
        return;
      case 'member.suspected':
        this.#say(place, event.node, 'suspect', event.incarnation, event.isPrivate);
        return;
      case 'member.declared-dead':
        this.#say(place, event.node, 'dead', event.incarnation, event.isPrivate, true);
        return;
      case 'member.died':
        this.#say(place, event.node, 'dead', event.incarnation, false);
        return;
      case 'member.left':
        this.#say(place, event.node, 'left', event.incarnation, false);
        return;
      case 'member.reconsidered':
      case 'member.found-gone':
        this.#say(place, event.node, event.state, event.incarnation, false);
        return;
      case 'link.broken':
        this.#sawBroken(event.from, event.to);
        return;
      case 'member.forgotten':
        this.#forget(place, event.node);
        return;
      default:
    }
  }

  /** The process on that machine has ended. */
  ended(place: number, endedBy: 'kill' | 'crash'): void {
    const running = this.#running[place];
    if (running >= 0) Object.assign(this.#lives[running], { untilMs: this.#parts.nowMs(), endedBy });
    this.#running[place] = -1;
  }

  /** All that was written down, with what each process shows in the end. */
  record(inspect: (place: number) => MembershipInspection | null): MembershipRecord {
    const views = this.#running.flatMap((observer, place): MemberView[] => {
      const shown = observer < 0 ? null : inspect(place);
      if (shown === null) return [];
      const members = shown.members.map(({ node, state, incarnation, isPrivate }) => ({
        member: node,
        state,
        boot: incarnation.boot.counter,
        refutation: incarnation.refutation,
        isPrivate,
      }));
      return [{ observer, members }];
    });
    this.#markSaved(this.#running.flatMap((observer, place) => (observer < 0 ? [] : [inspect(place)])));
    return { lives: this.#lives, changes: this.#changes, broken: this.#parts.links.spans(), views };
  }

  #began(place: number, node: NodeId, incarnation: Incarnation): void {
    this.#running[place] = this.#lives.length;
    this.#lives.push({
      node,
      place: this.#parts.places[place],
      boot: incarnation.boot.counter,
      fromMs: this.#parts.nowMs(),
      untilMs: Number.POSITIVE_INFINITY,
      leftMs: Number.POSITIVE_INFINITY,
    });
    this.#say(place, node, 'alive', incarnation, false);
  }

  #say(place: number, member: NodeId, state: SeenState, incarnation: Incarnation, isPrivate: boolean, isDeclared = false): void {
    const { boot, refutation } = incarnation;
    const observer = this.#running[place];
    const about = { observer, member, state, boot: boot.counter, refutation };
    const change: MemberChange = { atMs: this.#parts.nowMs(), ...about, isPrivate, ...(isDeclared ? { isDeclared } : {}) };
    this.#latest.set(`${observer} ${member}`, change);
    this.#changes.push(change);
    if (state === 'dead' && this.#lives.some((life) => life.node === member && life.boot === boot.counter && this.#isUp(life))) {
      this.#parts.mark('member declared dead while it lived');
    }
  }

  #isUp({ untilMs, leftMs }: MemberLife): boolean {
    return untilMs === Number.POSITIVE_INFINITY && leftMs === Number.POSITIVE_INFINITY;
  }

  /** One direction of a link is found broken, and the other one works. */
  #sawBroken(from: NodeId, to: NodeId): void {
    const [one, other] = [this.#parts.placeOf(from), this.#parts.placeOf(to)];
    if (one === undefined || other === undefined) return;
    if (this.#parts.isCut(one, other) && !this.#parts.isCut(other, one)) this.#parts.mark('asymmetric link seen');
  }

  /** Pings that nobody answered directly, and somebody by another way. */
  #markSaved(shown: readonly (MembershipInspection | null)[]): void {
    const counted = (of: (counters: MembershipInspection['counters']) => number): number =>
      shown.reduce((sum, one) => sum + (one === null ? 0 : of(one.counters)), 0);
    if (counted(({ probesRelayed }) => probesRelayed) > 0) this.#parts.mark('ping answered through another node');
    if (counted(({ probesReliable }) => probesReliable) > 0) this.#parts.mark('ping answered over the reliable channel');
  }

  #forget(place: number, member: NodeId): void {
    const observer = this.#running[place];
    const before = this.#latest.get(`${observer} ${member}`);
    if (before !== undefined) this.#changes.push({ ...before, atMs: this.#parts.nowMs(), state: 'forgotten' });
  }
}
