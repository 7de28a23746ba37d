/**
 * After load: what must happen once faults stop. First a random majority is healed and the rest left broken; the copies there must come to agree, so
 * that a livelock which needs the sick node to get well is not healed away. Then everything is healed, all copies must agree and serve, and every
 * copy is read once more.
 *
 * A state machine that a tick drives; it samples what copies hold and asks no node anything over the network but the final reads and one write per space.
 */

import { unsettled } from '../checker/convergence.js';
import { CopyDigests } from '../checker/copy-digest.js';
import type { CopyState } from '../checker/history.js';
import type { NodeInspection } from '../core/engram-node.js';
import type { SpaceKey } from '../core/identifiers.js';
import type { ClientEndpoint } from './client.js';
import { spaceOf } from './core-formats.js';
import type { FaultInjector } from './fault-injector.js';
import { copyStates } from './history-recorder.js';
import type { NodeHost } from './node-host.js';
import type { World } from './world.js';

export const tickUs = 250_000;
const drainUsMax = 8_000_000;
const phaseUsMax = 60_000_000;
/** Terms that overlap must be gone by then (SPEC section 3, Split-brain): writes after it find out. */
const overlapUsMax = 10_500_000;
const agreeingSamples = 4;
/** More than there are memories in a space, and as many as one recall may ask for. */
const recallAll = 1_000;

type Stage = 'load' | 'draining' | 'majority' | 'all' | 'waiting' | 'serving' | 'settling' | 'reading' | 'done';

interface Parts {
  readonly world: World;
  readonly hosts: readonly NodeHost[];
  readonly clients: readonly ClientEndpoint[];
  /** One for each node, for the final reads. */
  readonly readers: readonly ClientEndpoint[];
  readonly injector: FaultInjector;
  /** Endpoints of the copies of a space, in row order. */
  readonly copiesOf: ReadonlyMap<string, readonly number[]>;
}

export class Liveness {
  readonly #parts: Parts;
  readonly #digests = new CopyDigests();
  readonly #states = new WeakMap<NodeInspection, readonly CopyState[]>();
  #stage: Stage = 'load';
  #sinceUs = 0;
  #agreeing = 0;
  /** The checker's judgement of a sample of this phase. */
  #unsettled: ReturnType<typeof unsettled> | null = null;
  #firstAgreedMs: number | null = null;
  /** Copies that were asked for everything at the end, by space and node. */
  readonly #read = new Set<string>();
  readonly samples: { atMs: number; phase: 'majority-only' | 'all-healed'; copies: readonly CopyState[] }[] = [];
  majorityHealedMs = 0;
  healedMs = 0;
  /** From the last heal to the first sample from which all copies agreed; null if they never did. */
  convergenceMs: number | null = null;

  /** Whether all copies agreed again after the writes that followed the heal; null if the run did not come that far. */
  settled: boolean | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get done(): boolean {
    return this.#stage === 'done';
  }

  /** Faults of the plan that would still come are not carried out any more. */
  get faultsOver(): boolean {
    return this.#stage !== 'load';
  }

  endLoad(): void {
    for (const client of this.#parts.clients) client.stop();
    this.#parts.injector.endFaults();
    this.#enter('draining');
  }

  tick(): void {
    const lastedUs = this.#parts.world.nowUs - this.#sinceUs;
    switch (this.#stage) {
      case 'draining':
        if (this.#idle() || lastedUs >= drainUsMax) this.#healMajority();
        return;
      case 'majority':
        if (this.#sample('majority-only') || lastedUs >= phaseUsMax) this.#healAll();
        return;
      case 'all':
        if (this.#sample('all-healed')) this.#converged();
        else if (lastedUs >= phaseUsMax) this.#readEverything();
        return;
      case 'waiting':
        if (this.#parts.world.nowUs - this.#parts.world.loadUs(this.healedMs) >= overlapUsMax) this.#writeOncePerSpace();
        return;
      case 'serving':
        if (this.#idle()) this.#enter('settling');
        return;
      case 'settling':
        if (this.#agree(() => true)) this.#settle(true);
        else if (lastedUs >= phaseUsMax) this.#settle(false);
        return;
      case 'reading':
        // A copy that was moved amid the reads is read where it stands now.
        if (this.#parts.readers.every(({ idle }) => idle) && (lastedUs >= phaseUsMax || !this.#readWhatIsUnread())) this.#enter('done');
        return;
      default:
    }
  }

  #enter(stage: Stage): void {
    this.#stage = stage;
    this.#parts.world.tracer?.phaseBegan(stage);
    this.#sinceUs = this.#parts.world.nowUs;
    this.#agreeing = 0;
    this.#firstAgreedMs = null;
    this.#unsettled = null;
  }

  #idle(): boolean {
    return this.#parts.clients.every(({ idle }) => idle);
  }

  #healMajority(): void {
    const { world, hosts, injector } = this.#parts;
    const { majority, rest } = world.plan.liveness;
    const all = world.endpoints.map((_, index) => index);
    const healed = world.plan.nodes.flatMap((name, index) => (majority.includes(name) ? [index] : []));
    const broken = world.plan.nodes.flatMap((name, index) => (majority.includes(name) ? [] : [index]));
    world.network.calm();
    world.network.heal(all, all);
    if (rest === 'cut' || rest === 'deaf') world.network.cut(healed, broken);
    if (rest === 'cut' || rest === 'mute') world.network.cut(broken, healed);
    for (const host of hosts) {
      host.disk.mend();
      const down = rest === 'down' && broken.includes(host.index);
      if (down && host.alive) injector.crash(host);
      if (!down && !host.alive) host.start();
    }
    this.majorityHealedMs = world.loadMs(world.nowUs);
    this.#enter('majority');
  }

  #healAll(): void {
    const { world, hosts } = this.#parts;
    const all = world.endpoints.map((_, index) => index);
    if (this.#firstAgreedMs !== null) world.recorder.mark('converged with a majority only');
    world.network.heal(all, all);
    for (const host of hosts) if (!host.alive) host.start();
    this.healedMs = world.loadMs(world.nowUs);
    this.#enter('all');
  }

  #converged(): void {
    this.convergenceMs = (this.#firstAgreedMs as number) - this.healedMs;
    this.#enter('waiting');
  }

  /** Takes a sample; true once enough in a row agreed. */
  #sample(phase: 'majority-only' | 'all-healed'): boolean {
    const { world } = this.#parts;
    const counts = (host: NodeHost): boolean =>
      phase === 'all-healed' || world.plan.liveness.majority.includes(world.plan.nodes[host.index]);
    const copies = this.#copies(counts);
    const sample = { atMs: world.loadMs(world.nowUs), phase, copies };
    this.samples.push(sample);
    // Digests first, since they are cheap; then what the checker will ask: copies that agree may still have to fetch again what they found damaged.
    if (!this.#agree(counts)) return false;
    // Who came back without a place in the row still has to hand over what it has.
    if (phase === 'all-healed' && this.#isHeldOutside()) return false;
    if (copies.length === 0) return true;
    const { operations, destroyedDisks } = world.recorder;
    this.#unsettled ??= unsettled({ operations, destroyedDisks }, phase === 'all-healed' ? this.healedMs : this.majorityHealedMs);
    return this.#unsettled(sample) === null;
  }

  #copies(counts: (host: NodeHost) => boolean): CopyState[] {
    const { world, hosts, copiesOf } = this.#parts;
    return hosts
      .filter(counts)
      .flatMap((host) =>
        this.#statesOf(host).filter(
          ({ space }) => copiesOf.get(nameOf(space))?.includes(host.index) === true || world.plan.rows.length === 0,
        ),
      );
  }

  /** Whether a node holds anything of a space of which it is no copy. */
  #isHeldOutside(): boolean {
    const { world, hosts, copiesOf } = this.#parts;
    if (world.plan.configuration.controlLog === undefined) return false;
    return hosts.some((host) =>
      this.#statesOf(host).some(
        ({ space, versions }) => versions.length > 0 && copiesOf.get(nameOf(space))?.includes(host.index) === false,
      ),
    );
  }

  /** What a serving node holds; made anew only when the node may have changed. */
  #statesOf(host: NodeHost): readonly CopyState[] {
    const inspection = host.inspect();
    if (inspection === null || inspection.phase !== 'serving') return [];
    let states = this.#states.get(inspection);
    if (states === undefined) {
      states = copyStates(inspection, host.id);
      this.#states.set(inspection, states);
    }
    return states;
  }

  /** Whether all copies that count agree, for the required number of times in a row. */
  #agree(counts: (host: NodeHost) => boolean): boolean {
    const { world, hosts } = this.#parts;
    const agreed = [...this.#parts.copiesOf].every(([name, copies]) => {
      const key = spaceOf(name);
      const digests = copies.filter((node) => counts(hosts[node])).map((node) => this.#digestOf(hosts[node], key));
      return digests.every((digest) => digest !== null && digest === digests[0]);
    });
    if (!agreed) {
      this.#agreeing = 0;
      this.#firstAgreedMs = null;
      return false;
    }
    this.#firstAgreedMs ??= world.loadMs(world.nowUs);
    this.#agreeing += 1;
    return this.#agreeing >= agreeingSamples;
  }

  #digestOf(host: NodeHost, space: SpaceKey): string | null {
    if (host.inspect()?.phase !== 'serving') return null;
    const state = this.#statesOf(host).find((copy) => copy.space === space);
    return state === undefined ? 'nothing' : this.#digests.of(state);
  }

  /** Agreeing is not enough: every space takes a write again. */
  #writeOncePerSpace(): void {
    const { clients, world } = this.#parts;
    for (const [at, { space }] of world.plan.rows.entries()) {
      clients[at % clients.length].submit({
        planned: {
          atMs: 0,
          client: '',
          kind: 'remember',
          space,
          id: 'after-the-heal',
          value: `healed-${at + 1}`,
          confidence: 1,
          ack: 'local',
        },
        kind: 'remember',
        only: null,
      });
    }
    this.#enter('serving');
  }

  #settle(agreed: boolean): void {
    this.settled = agreed;
    this.#readEverything();
  }

  #readEverything(): void {
    this.#readWhatIsUnread();
    this.#enter('reading');
  }

  /** Every id from every copy, and all that a recall finds there, unless that copy was read; whether there was any such copy. */
  #readWhatIsUnread(): boolean {
    const { world, readers, copiesOf } = this.#parts;
    const idsOf = new Map<string, Set<string>>();
    for (const { space } of world.plan.rows) idsOf.set(space, new Set(['after-the-heal']));
    for (const { space, id, kind } of world.plan.operations) if (kind !== 'recall') idsOf.get(space)?.add(id);
    const isRecalled = world.plan.operations.some(({ kind }) => kind === 'recall');
    let any = false;
    for (const [space, ids] of idsOf) {
      for (const node of copiesOf.get(space) ?? []) {
        const copy = `${space} ${node}`;
        if (this.#read.has(copy)) continue;
        this.#read.add(copy);
        any = true;
        for (const id of ids)
          readers[node].submit({ planned: { atMs: 0, client: '', kind: 'get', space, id, ack: 'local' }, kind: 'final-read', only: node });
        if (isRecalled) {
          const planned = { atMs: 0, client: '', kind: 'recall', space, id: 'everything', limit: recallAll, ack: 'local' } as const;
          readers[node].submit({ planned, kind: 'final-recall', only: node });
        }
      }
    }
    return any;
  }
}

function nameOf(space: SpaceKey): string {
  return space.slice(0, space.indexOf('#'));
}
