/**
 * Damage to bytes that were synced, and what keeps it within the fault model: a group of the log is damaged only while every record in it can be read,
 * synced, from another disk. That is decided from what the disks hold at this moment, not from what any node believes, so that of all that was promised
 * one copy stays intact however many faults a plan has.
 *
 * Where nodes keep a control log, a minority of its voters at a time may be left without knowing what they have lost of it: damage to what no checkpoint lists may have
 * hit any record, so such a voter is silent until it has begun anew and votes again. Nor may disks of more voters be destroyed at a time: what was
 * answered as committed is promised too.
 *
 * A fault aims at a place of the synced log and goes on from there to the first group that it may damage.
 */
import { type ControlState, emptyControlState } from '../core/control/control-state.js';
import type { Fault } from '../scenarios/fault-plan.js';
import { Draws } from '../scenarios/random-streams.js';
import { isCheckpoint } from './core-formats.js';
import { type SyncedGroup, syncedDots, syncedGroups } from './disk-contents.js';
import { type DiskFile, sectorBytes } from './disk-file.js';
import type { NodeHost } from './node-host.js';
import type { World } from './world.js';

export type AimedFault = Extract<
  Fault,
  { kind: 'diskBitRot' | 'diskLostWrite' | 'diskMisdirectedWrite' | 'diskBadSectors' | 'diskCheckpointRot' }
>;

/** Whether a fault that found nothing it may damage is worth another try a little later. */
export function isAimed(fault: Fault): boolean {
  return fault.kind in aimed;
}

const aimed: Readonly<Record<AimedFault['kind'], true>> = {
  diskBitRot: true,
  diskLostWrite: true,
  diskMisdirectedWrite: true,
  diskBadSectors: true,
  diskCheckpointRot: true,
};

export class DiskDamage {
  readonly #world: World;
  readonly #hosts: readonly NodeHost[];
  /** Dots of all records that were damaged, by the number of the node. */
  readonly #damagedDots: readonly Set<string>[];
  /** Whose control log may have lost what nobody can tell, and in which of its boots that happened. */
  readonly #inDoubt = new Map<NodeHost, number>();
  /** Whose checkpoints are to be damaged, and have not been yet. */
  readonly #keptFor: Set<NodeHost>;
  /** False once a fault damaged more than the fault model allows. */
  insideFaultModel = true;

  constructor(world: World, hosts: readonly NodeHost[]) {
    this.#world = world;
    this.#hosts = hosts;
    this.#damagedDots = hosts.map(() => new Set());
    const { nodes, faults } = world.plan;
    this.#keptFor = new Set(faults.flatMap((fault) => (fault.kind === 'diskCheckpointRot' ? [hosts[nodes.indexOf(fault.node)]] : [])));
  }

  /** Whether the record was damaged on any disk. */
  isDamaged(dot: string): boolean {
    return this.#damagedDots.some((dots) => dots.has(dot));
  }

  isDamagedOn(host: NodeHost, dot: string): boolean {
    return this.#damagedDots[host.index].has(dot);
  }

  /** Whether a majority of those that vote now keeps its control logs when this node's disk is destroyed. */
  mayLoseVoter(host: NodeHost): boolean {
    return this.#keepsQuorumWithout(host, []);
  }

  #keepsQuorumWithout(host: NodeHost, kept: readonly NodeHost[]): boolean {
    if (this.#world.plan.configuration.controlLog === undefined) return true;
    const { voters } = this.#control();
    if (voters.length > 0 && !voters.includes(host.id)) return true;
    const isLeft = (each: NodeHost): boolean => each !== host && !each.withoutDisk && !this.#inDoubt.has(each) && !kept.includes(each);
    return 2 * this.#hosts.filter((each) => isLeft(each) && voters.includes(each.id)).length > voters.length;
  }

  /** Who is a member and who votes, as far as anybody knows; nobody without a control log. */
  #control(): ControlState {
    const states = this.#hosts.flatMap((each) => each.inspectControl()?.state ?? []);
    return states.reduce((latest, state) => (state.applied > latest.applied ? state : latest), emptyControlState);
  }

  /** Damages the node's disk; false when there is nothing to damage, `withheld` where only the voters' majority or the node's absence from the cluster, or from every row, is in the way. */
  place(fault: AimedFault, host: NodeHost): boolean | 'withheld' {
    return this.#place(fault, host) || (this.#isWithheld(fault, host) ? 'withheld' : false);
  }

  /** Whether damage would have found a place if any number of voters might be in doubt, or if the node were a copy. */
  #isWithheld({ kind }: AimedFault, host: NodeHost): boolean {
    if (this.#world.plan.configuration.controlLog === undefined) return false;
    // Who is no member yet, or no more, or is a copy of nothing, has hardly anything that another disk holds as well.
    const { members, rows } = this.#control();
    if (Object.keys(members).length > 0 && members[host.id] === undefined) return true;
    const known = Object.values(rows);
    if (known.length > 0 && !known.some(({ copies }) => copies.includes(host.id))) return true;
    if (this.#mayBeInDoubt(host)) return false;
    if (kind === 'diskCheckpointRot') return checkpointsOf(host).length > 0;
    const others = this.#dotsElsewhere(host);
    return syncedGroups(host.disk).some(({ dots }) => dots.every((dot) => others.has(dot)));
  }

  #dotsElsewhere(host: NodeHost): ReadonlySet<string> {
    return new Set(this.#hosts.filter((other) => other !== host).flatMap((other) => [...syncedDots(other.disk)]));
  }

  #place(fault: AimedFault, host: NodeHost): boolean {
    if (fault.kind === 'diskCheckpointRot') return this.#mayBeInDoubt(host) && this.#rotCheckpoint(fault, host);
    const groups = syncedGroups(host.disk);
    const mayGo = this.#expendable(host);
    const group =
      fault.kind === 'diskBitRot' && fault.beyond === true
        ? groups[Math.floor(fault.position * groups.length)]
        : fromThere(groups, fault.position, mayGo);
    if (group === undefined) return false;
    switch (fault.kind) {
      case 'diskBitRot': {
        if (fault.beyond === true && !mayGo(group)) this.insideFaultModel = false;
        const rot = this.#drawsOf(fault);
        const offset = group.offset + rot.integer({ min: 0, max: Math.max(0, group.bytes - fault.bytes) });
        group.file.rot(offset, Math.min(fault.bytes, group.offset + group.bytes - offset), rot);
        this.#note(host, group);
        return true;
      }
      case 'diskLostWrite':
        group.file.overwrite(group.offset, new Uint8Array(group.bytes));
        this.#note(host, group);
        return true;
      case 'diskMisdirectedWrite':
        return this.#misdirect(
          host,
          group,
          fromThere(groups, fault.toPosition, (target) => target !== group && mayGo(target)),
          groups,
          mayGo,
        );
      case 'diskBadSectors':
        return this.#spoilSectors(
          host,
          group,
          fault.untilMs,
          groups.filter((each) => sharesSector(each, group) && each !== group),
          mayGo,
        );
    }
  }

  /** A medium refuses whole sectors: neighbours that reach into them are as unreadable as the group. */
  #spoilSectors(
    host: NodeHost,
    group: SyncedGroup,
    untilMs: number | null,
    neighbours: readonly SyncedGroup[],
    mayGo: (group: SyncedGroup) => boolean,
  ): boolean {
    const [from, end] = sectorsOf(group);
    if (!neighbours.every(mayGo) || group.file.unsyncedIn(from, end)) return false;
    group.file.refuse(from, end - from, untilMs === null ? Number.POSITIVE_INFINITY : this.#world.loadUs(untilMs));
    host.disk.badSectors = true;
    for (const each of [group, ...neighbours]) this.#note(host, each);
    return true;
  }

  /** A fault's own: taking another fault away leaves it as it was. */
  #drawsOf({ kind, node, atMs, position }: Extract<AimedFault, { kind: 'diskBitRot' | 'diskCheckpointRot' }>): Draws {
    return new Draws(this.#world.seed, `${kind}/${node}/${atMs}/${position}`);
  }

  /** Whether a group of this node's log holds nothing that another disk does not hold intact, and leaves no majority of voters in doubt. */
  #expendable(host: NodeHost): (group: SyncedGroup) => boolean {
    const others = this.#dotsElsewhere(host);
    const mayBeInDoubt = this.#mayBeInDoubt(host);
    return ({ dots, isListed }) => (isListed || mayBeInDoubt) && dots.every((dot) => others.has(dot));
  }

  #mayBeInDoubt(host: NodeHost): boolean {
    for (const [each, boot] of this.#inDoubt) if (this.#votesAgain(each, boot)) this.#inDoubt.delete(each);
    if (this.#inDoubt.has(host)) return true;
    // What can only be aimed at a checkpoint has nowhere else to go: its place is kept.
    const kept = this.#keptFor.has(host) ? [] : [...this.#keptFor].filter((each) => !this.#inDoubt.has(each));
    return this.#keepsQuorumWithout(host, kept);
  }

  /** Whether the node has been started anew since that boot, which shows what it has lost, and votes for whoever leads. */
  #votesAgain(host: NodeHost, boot: number): boolean {
    const control = host.inspectControl();
    if (host.incarnation <= boot || control === null || control.isDamaged || control.raft === null) return false;
    const rafts = this.#hosts.flatMap((each) => each.inspectControl()?.raft ?? []);
    const leading = rafts.filter(({ role }) => role === 'leader').sort((left, right) => right.term - left.term);
    return leading[0]?.configuration.voters.includes(host.id) ?? false;
  }

  /** The group's bytes stand from where the target begins, over all that they reach there, and nothing where they should. */
  #misdirect(
    host: NodeHost,
    group: SyncedGroup,
    target: SyncedGroup | undefined,
    groups: readonly SyncedGroup[],
    mayGo: (group: SyncedGroup) => boolean,
  ): boolean {
    if (target === undefined) return false;
    const end = Math.min(target.offset + group.bytes, target.file.writtenEnd);
    const hit = groups.filter(({ file, offset, bytes }) => file === target.file && offset < end && target.offset < offset + bytes);
    if (hit.includes(group) || !hit.every(mayGo) || target.file.unsyncedIn(target.offset, end)) return false;
    const bytes = group.file.bytes.slice(group.offset, group.offset + end - target.offset);
    group.file.overwrite(group.offset, new Uint8Array(group.bytes));
    target.file.overwrite(target.offset, bytes);
    for (const each of [group, ...hit]) this.#note(host, each);
    return true;
  }

  /** One of the two checkpoint files: the newer decides, and the older where the newer cannot be read. */
  #rotCheckpoint(fault: Extract<Fault, { kind: 'diskCheckpointRot' }>, host: NodeHost): boolean {
    const files = checkpointsOf(host);
    const rot = this.#drawsOf(fault);
    const file = files[Math.floor(rot.fraction() * files.length)];
    if (file === undefined) return false;
    const offset = Math.floor(fault.position * file.writtenEnd);
    file.rot(offset, fault.bytes, rot);
    this.#inDoubt.set(host, host.incarnation);
    this.#keptFor.delete(host);
    this.#world.recorder.checkpointDamaged(host.index);
    this.#world.tracer?.rotted(host.index, { file: file.name, offset, bytes: fault.bytes, dots: [] });
    return true;
  }

  #note(host: NodeHost, { file, offset, bytes, dots, isListed }: SyncedGroup): void {
    if (!isListed) this.#inDoubt.set(host, host.incarnation);
    for (const dot of dots) this.#damagedDots[host.index].add(dot);
    this.#world.recorder.damaged(host.index, dots);
    this.#world.tracer?.rotted(host.index, { file: file.name, offset, bytes, dots });
  }
}

function checkpointsOf({ disk }: NodeHost): readonly DiskFile[] {
  return disk.files.filter(({ name, writtenEnd }) => isCheckpoint(name) && writtenEnd > 0);
}

/** From the begin of the first to the end of the last sector that a group is in. */
function sectorsOf({ offset, bytes }: SyncedGroup): readonly [from: number, end: number] {
  return [Math.floor(offset / sectorBytes) * sectorBytes, Math.ceil((offset + bytes) / sectorBytes) * sectorBytes];
}

function sharesSector(one: SyncedGroup, other: SyncedGroup): boolean {
  const [from, end] = sectorsOf(other);
  return one.file === other.file && one.offset < end && from < one.offset + one.bytes;
}

/** The first group from that place on, once around, of which the question is answered with yes. */
function fromThere(groups: readonly SyncedGroup[], position: number, isWanted: (group: SyncedGroup) => boolean): SyncedGroup | undefined {
  const start = Math.floor(position * groups.length);
  for (let step = 0; step < groups.length; step += 1) {
    const group = groups[(start + step) % groups.length];
    if (group !== undefined && isWanted(group)) return group;
  }
  return undefined;
}
