/**
 * Carries out the faults of a plan, and writes down for each whether it changed anything: a cut that dropped no message, a crash of a node that was
 * down anyway, a rot that found nothing it might damage did not take effect, and a run that exercised nothing proves nothing.
 */
import type { FaultRecord } from '../checker/history.js';
import type { NodeId } from '../core/identifiers.js';
import { describeFault, type Fault, familyOf } from '../scenarios/fault-plan.js';
import { Draws } from '../scenarios/random-streams.js';
import { everDurableDots, syncedDots } from './disk-contents.js';
import { DiskDamage, isAimed } from './disk-damage.js';
import type { DiskModel } from './disk-model.js';
import type { NodeHost } from './node-host.js';
import type { World } from './world.js';

/** Discovery is asked again so often: an address that has changed is known everywhere after this time. */
const refreshedUsMax = 5_000_000;

type FaultOf<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>;

/** A cut that has not been healed by a fault of the plan: its drops are counted when the run ends. */
interface OpenRecord {
  readonly record: { -readonly [Field in keyof FaultRecord]: FaultRecord[Field] };
  /** Whether it changed something by now. */
  readonly took: () => boolean;
}

export class FaultInjector {
  readonly #world: World;
  readonly #hosts: readonly NodeHost[];
  readonly #damage: DiskDamage;
  readonly #open: OpenRecord[] = [];
  /** Disks that are gone for good, with who was on them. */
  readonly destroyedDisks: { readonly id: NodeId; readonly disk: DiskModel }[] = [];
  /** Dots that were on one of them when it went. */
  readonly #onDestroyedDisks = new Set<string>();
  /** Of each node when the faults ended: what crashes it afterwards is no fault of the plan. */
  #lastIncarnations: readonly number[] | null = null;

  constructor(world: World, hosts: readonly NodeHost[]) {
    this.#world = world;
    this.#hosts = hosts;
    this.#damage = new DiskDamage(world, hosts);
  }

  /** False once a fault damaged more than the fault model allows. */
  get insideFaultModel(): boolean {
    return this.#damage.insideFaultModel;
  }

  /** Carries a fault out; `later` when it found nothing that it may act on yet. */
  apply(fault: Fault): 'done' | 'later' {
    const record: OpenRecord['record'] = { fault: describeFault(fault), family: familyOf[fault.kind], atMs: fault.atMs, tookEffect: false };
    this.#world.recorder.faults.push(record);
    this.#world.tracer?.faultBegan(fault);
    const took = this.#carryOut(fault);
    if (took === 'withheld') record.withheld = true;
    else if (typeof took === 'boolean') record.tookEffect = took;
    else this.#open.push({ record, took });
    return took === 'withheld' || (took === false && (isAimed(fault) || fault.kind === 'destroyDisk')) ? 'later' : 'done';
  }

  /** A crash that still waits for its write would otherwise fire long after the heal, when nothing starts the node again. */
  endFaults(): void {
    for (const host of this.#hosts) host.crashAmidWrite = null;
    this.#lastIncarnations = this.#hosts.map(({ incarnation }) => incarnation);
  }

  /** Asks the faults that last whether they had an effect. */
  settle(): void {
    for (const { record, took } of this.#open) record.tookEffect = took();
  }

  /** The process ends, the machine goes on. */
  kill(host: NodeHost): void {
    const { recorder } = this.#world;
    if (!host.serving) recorder.mark('crashed while recovering');
    recorder.crashed(host.index, 'kill');
    if (isMoving(host)) recorder.mark('move interrupted by a crash');
    const unsynced = host.kill();
    if (unsynced) recorder.mark('killed with writes that were not synced');
    if (this.#leavesOneCopy()) recorder.mark('one copy of a space left');
    this.#world.tracer?.killed(host.index, { unsynced });
  }

  /** Power off, with the marks that go with it. */
  crash(host: NodeHost): void {
    const { recorder } = this.#world;
    if (!host.serving) recorder.mark('crashed while recovering');
    recorder.crashed(host.index);
    if (isMoving(host)) recorder.mark('move interrupted by a crash');
    const { inFlight, sectors } = host.crash();
    if (inFlight > 0 || sectors > 0) recorder.mark('write in flight at a crash');
    if (this.#hosts.every(({ alive }) => !alive)) recorder.mark('all nodes down at once');
    if (this.#leavesOneCopy()) recorder.mark('one copy of a space left');
    this.#world.tracer?.crashed(host.index, { inFlight, sectors });
  }

  #leavesOneCopy(): boolean {
    return this.#world.plan.rows.some(({ copies }) => copies.length > 1 && copies.filter((name) => this.#host(name).alive).length === 1);
  }

  #carryOut(fault: Fault): boolean | 'withheld' | (() => boolean) {
    switch (fault.kind) {
      case 'cutLinks':
        return this.#cut(fault);
      case 'healLinks':
        return this.#world.network.heal(this.#endpoints(fault.from), this.#endpoints(fault.to)) > 0;
      case 'setLinkRates':
      case 'clogLinks':
        return this.#congest(fault);
      case 'crash':
      case 'kill':
        return this.#endProcess(this.#host(fault.node), fault);
      case 'restart':
        return this.#restart(this.#host(fault.node), fault.moved === true);
      case 'leave':
        return this.#leave(this.#host(fault.node));
      case 'destroyDisk':
        return this.#destroyDisk(this.#host(fault.node));
      case 'clockJump':
        this.#host(fault.node).clock.jump(fault.byMs);
        return true;
      case 'clockDrift':
        this.#host(fault.node).clock.drift(this.#world.nowUs, fault.ppm);
        return true;
      case 'diskBitRot':
      case 'diskLostWrite':
      case 'diskMisdirectedWrite':
      case 'diskBadSectors':
      case 'diskCheckpointRot':
        return this.#damage.place(fault, this.#host(fault.node));
      default:
        return this.#disturbDisk(fault);
    }
  }

  #cut(fault: FaultOf<'cutLinks'>): () => boolean {
    const { network } = this.#world;
    const [from, to] = [this.#endpoints(fault.from), this.#endpoints(fault.to)];
    const before = network.droppedOn(from, to);
    network.cut(from, to);
    return () => network.droppedOn(from, to) > before;
  }

  #destroyDisk(host: NodeHost): boolean | 'withheld' {
    if (host.withoutDisk) return false;
    const others = this.#hosts.filter((other) => other !== host);
    const intact = new Set(others.flatMap(({ disk }) => [...syncedDots(disk)]));
    const held = [...syncedDots(host.disk)];
    const ever = others.map((other) => ({ other, dots: everDurableDots(other.disk) }));
    // What another disk has held since then, and compacted, is owed by what took its place.
    const isCompacted = (dot: string): boolean => ever.some(({ other, dots }) => dots.has(dot) && !this.#damage.isDamagedOn(other, dot));
    const isLast = (dot: string): boolean => !isCompacted(dot) && (this.#onDestroyedDisks.has(dot) || this.#damage.isDamaged(dot));
    if (held.some((dot) => !intact.has(dot) && isLast(dot))) return false;
    if (!this.#damage.mayLoseVoter(host)) return 'withheld';
    const isolated = others.every((other) => !other.alive || this.#world.network.isCut(host.index, other.index));
    if (host.alive) this.crash(host);
    // A disk that went before was another one too: what was on both, and compacted since, is owed by what took its place.
    const gone = this.destroyedDisks.map(({ disk }) => everDurableDots(disk));
    const isShipped = (dot: string): boolean => ever.some(({ dots }) => dots.has(dot)) || gone.some((dots) => dots.has(dot));
    // Also what had given way on this disk to a later record that goes with it: it may have been read.
    this.#world.recorder.diskDestroyed(host.index, { held: [...everDurableDots(host.disk)], isolated }, isShipped);
    for (const dot of held) this.#onDestroyedDisks.add(dot);
    this.destroyedDisks.push({ id: host.id, disk: host.loseDisk() });
    return true;
  }

  #congest(fault: FaultOf<'setLinkRates' | 'clogLinks'>): () => boolean {
    const { network } = this.#world;
    const [from, to] = [this.#endpoints(fault.from), this.#endpoints(fault.to)];
    const before = network.impairedOn(from, to);
    if (fault.kind === 'clogLinks') network.clog(from, to, this.#us(fault.untilMs));
    else network.setRates(from, to, fault.rates);
    return () => network.impairedOn(from, to) > before;
  }

  #endProcess(host: NodeHost, { kind, amid, node, atMs }: FaultOf<'crash' | 'kill'>): boolean | (() => boolean) {
    if (!host.alive) return false;
    if (amid === 'write') {
      const { incarnation } = host;
      // A fault's own draw: taking another fault away leaves it as it was.
      host.crashAmidWrite = new Draws(this.#world.seed, `crash.amid-write/${node}/${atMs}`).fraction();
      host.amidWriteKills = kind === 'kill';
      return () => (this.#lastIncarnations?.[host.index] ?? host.incarnation) > incarnation;
    }
    if (kind === 'kill') this.kill(host);
    else this.crash(host);
    return true;
  }

  #restart(host: NodeHost, moved: boolean): boolean {
    host.crashAmidWrite = null;
    if (host.alive) return false;
    if (moved) this.#move(host);
    host.start();
    return true;
  }

  /** The others' discovery finds the new address a little later. */
  #move(host: NodeHost): void {
    const { addresses, nowUs, seed, plan } = this.#world;
    addresses.move(host.index);
    const delays = new Draws(seed, `discovery.refresh/${addresses.of(host.index)}`);
    for (const other of this.#hosts) {
      const atUs = nowUs + delays.integer({ min: 100_000, max: refreshedUsMax });
      if (other !== host && (plan.seeds ?? plan.nodes).includes(plan.nodes[host.index])) other.discoverAt(atUs);
    }
  }

  #leave(host: NodeHost): boolean {
    if (!host.alive) return false;
    host.leave();
    return true;
  }

  #disturbDisk(fault: FaultOf<'diskStall' | 'diskError' | 'diskCapacity'>): () => boolean {
    const { disk } = this.#host(fault.node);
    const before = disk.disturbed;
    if (fault.kind === 'diskStall') disk.stalledUntilUs = this.#us(fault.untilMs);
    else if (fault.kind === 'diskError') disk.failUntil(fault.operation, this.#us(fault.untilMs));
    else disk.capacityBytes = fault.bytes;
    return () => disk.disturbed > before;
  }

  #host(name: string): NodeHost {
    return this.#hosts[this.#world.plan.nodes.indexOf(name)];
  }

  #endpoints(names: readonly string[]): number[] {
    return names.map((name) => this.#world.endpoints.indexOf(name));
  }

  #us(loadMs: number): number {
    return this.#world.loadUs(loadMs);
  }
}

/** Whether a copy is on its way from it, to it, or in a space that it leads, as far as it knows. */
function isMoving(host: NodeHost): boolean {
  const rows = Object.values(host.inspectControl()?.state.rows ?? {});
  return rows.some(({ copies, move }) => move !== null && [move.from, move.to, copies[0]].includes(host.id));
}
