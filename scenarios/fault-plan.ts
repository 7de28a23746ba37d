/**
 * Faults as plain data: what breaks, when (virtual milliseconds since the start of load), on which node or between which names. A plan can be
 * written to a file, read back, edited and shortened; nothing in it refers to a runtime.
 *
 * Names are those of the run: nodes `n1`, `n2` …, clients `c1`, `c2` ….
 */
export type Fault =
  /** Nothing sent from a name in `from` reaches a name in `to`. The other direction is another fault. */
  | { readonly kind: 'cutLinks'; readonly atMs: number; readonly from: readonly string[]; readonly to: readonly string[] }
  | { readonly kind: 'healLinks'; readonly atMs: number; readonly from: readonly string[]; readonly to: readonly string[] }
  /** Replaces the rates of these links; `background` of the plan holds for all others, and for these again with null. */
  | {
      readonly kind: 'setLinkRates';
      readonly atMs: number;
      readonly from: readonly string[];
      readonly to: readonly string[];
      readonly rates: LinkRates | null;
    }
  /**
   * What is sent on these links from now on is held back, and delivered after `untilMs` all at once: a connection that stalls and does not break. Replaces an
   * earlier clog of the same links.
   */
  | {
      readonly kind: 'clogLinks';
      readonly atMs: number;
      readonly from: readonly string[];
      readonly to: readonly string[];
      readonly untilMs: number;
    }
  /**
   * The machine loses power: memory is gone, unsynced sectors meet their fate. `amid: 'write'` waits for the first write to its disk after that moment and
   * strikes between its start and the end of the sync behind it; a restart of the node ends the wait.
   */
  | { readonly kind: 'crash'; readonly atMs: number; readonly node: string; readonly amid?: 'write' }
  /** Power returns. `moved`: the machine comes up under another address, and nobody has its old one; whoever knows its name learns of it within seconds. */
  | { readonly kind: 'restart'; readonly atMs: number; readonly node: string; readonly moved?: true }
  /** The node is asked to take its leave of the others: it will be absent as planned. What ends its process is another fault. */
  | { readonly kind: 'leave'; readonly atMs: number; readonly node: string }
  /**
   * The process ends and the machine stays up: memory is gone, writes that had ended are in the page cache, synced or not. Writes under way happened
   * whole or not at all. `amid` as of a crash.
   */
  | { readonly kind: 'kill'; readonly atMs: number; readonly node: string; readonly amid?: 'write' }
  /** The wall clock jumps; the monotonic clock does not. */
  | { readonly kind: 'clockJump'; readonly atMs: number; readonly node: string; readonly byMs: number }
  /** Both clocks run fast (positive) or slow by this many parts in a million from now on. */
  | { readonly kind: 'clockDrift'; readonly atMs: number; readonly node: string; readonly ppm: number }
  /**
   * Bits flip in synced bytes of the log and stay flipped. `position` in [0, 1) aims within the synced log; the runtime moves the hit to the next
   * place where every record it would damage has an intact synced copy on another disk, and does nothing if there is none. With `beyond` it strikes where
   * it was aimed: outside the fault model, of such a run only safety is judged.
   */
  | {
      readonly kind: 'diskBitRot';
      readonly atMs: number;
      readonly node: string;
      readonly position: number;
      readonly bytes: number;
      readonly beyond?: true;
    }
  /** A write that was reported as done and synced never reached the medium: where its group should be stands what was there before. Aimed like bit rot. */
  | { readonly kind: 'diskLostWrite'; readonly atMs: number; readonly node: string; readonly position: number }
  /** Like a lost write; and its bytes stand where another group should be, at `toPosition`. Both places are aimed like bit rot. */
  | {
      readonly kind: 'diskMisdirectedWrite';
      readonly atMs: number;
      readonly node: string;
      readonly position: number;
      readonly toPosition: number;
    }
  /** Reads that touch one group of the log fail with EIO until `untilMs`, or for good with null. Aimed like bit rot. */
  | {
      readonly kind: 'diskBadSectors';
      readonly atMs: number;
      readonly node: string;
      readonly position: number;
      readonly untilMs: number | null;
    }
  /** Bits flip in one of the two checkpoint files: nothing that was promised is in them alone. */
  | { readonly kind: 'diskCheckpointRot'; readonly atMs: number; readonly node: string; readonly position: number; readonly bytes: number }
  /**
   * The machine loses power and its disk for good; a restart finds an empty one. Waits, and tries again every second, while the disk holds records that an
   * earlier destroyed disk held as well and no other does: what k disks have acknowledged is promised as long as fewer than k of them are destroyed.
   */
  | { readonly kind: 'destroyDisk'; readonly atMs: number; readonly node: string }
  /** Whatever the disk is asked for takes until `untilMs` at least. */
  | { readonly kind: 'diskStall'; readonly atMs: number; readonly node: string; readonly untilMs: number }
  /** Operations of one kind fail with EIO until `untilMs`. */
  | {
      readonly kind: 'diskError';
      readonly atMs: number;
      readonly node: string;
      readonly operation: DiskOperation;
      readonly untilMs: number;
    }
  /** The medium shrinks or grows to this many bytes; null lifts the bound. */
  | { readonly kind: 'diskCapacity'; readonly atMs: number; readonly node: string; readonly bytes: number | null };

export type FaultPlan = readonly Fault[];
export type FaultKind = Fault['kind'];
export type DiskOperation = 'read' | 'write' | 'sync';

/** What a directed link does to messages. Chances are per message. */
export interface LinkRates {
  /** Least delay. */
  readonly delayUsMin: number;
  /** Uniform jitter on top. */
  readonly jitterUs: number;
  /** Chance that a message takes ten times the jitter longer. */
  readonly slow: number;
  readonly loss: number;
  readonly duplicate: number;
  /** Chance that a message may be overtaken: it waits up to `reorderUs` longer. */
  readonly reorder: number;
  readonly reorderUs: number;
  /** Bytes per microsecond; the rest of the delay is on top. */
  readonly bytesPerUs: number;
  /**
   * Bytes that may wait for the link: one message goes after the other at `bytesPerUs`, and one for which the queue has no room is dropped. Without it
   * messages do not wait for each other.
   */
  readonly queueBytes?: number;
}

type Without<Kind extends FaultKind> = Omit<Extract<Fault, { kind: Kind }>, 'kind'>;

export const cutLinks = (fault: Without<'cutLinks'>): Fault => ({ kind: 'cutLinks', ...fault });
export const healLinks = (fault: Without<'healLinks'>): Fault => ({ kind: 'healLinks', ...fault });
export const setLinkRates = (fault: Without<'setLinkRates'>): Fault => ({ kind: 'setLinkRates', ...fault });
export const clogLinks = (fault: Without<'clogLinks'>): Fault => ({ kind: 'clogLinks', ...fault });
export const kill = (fault: Without<'kill'>): Fault => ({ kind: 'kill', ...fault });
export const crash = (fault: Without<'crash'>): Fault => ({ kind: 'crash', ...fault });
export const restart = (fault: Without<'restart'>): Fault => ({ kind: 'restart', ...fault });
export const leave = (fault: Without<'leave'>): Fault => ({ kind: 'leave', ...fault });
export const clockJump = (fault: Without<'clockJump'>): Fault => ({ kind: 'clockJump', ...fault });
export const clockDrift = (fault: Without<'clockDrift'>): Fault => ({ kind: 'clockDrift', ...fault });
export const diskBitRot = (fault: Without<'diskBitRot'>): Fault => ({ kind: 'diskBitRot', ...fault });
export const diskLostWrite = (fault: Without<'diskLostWrite'>): Fault => ({ kind: 'diskLostWrite', ...fault });
export const diskMisdirectedWrite = (fault: Without<'diskMisdirectedWrite'>): Fault => ({ kind: 'diskMisdirectedWrite', ...fault });
export const diskBadSectors = (fault: Without<'diskBadSectors'>): Fault => ({ kind: 'diskBadSectors', ...fault });
export const diskCheckpointRot = (fault: Without<'diskCheckpointRot'>): Fault => ({ kind: 'diskCheckpointRot', ...fault });
export const destroyDisk = (fault: Without<'destroyDisk'>): Fault => ({ kind: 'destroyDisk', ...fault });
export const diskStall = (fault: Without<'diskStall'>): Fault => ({ kind: 'diskStall', ...fault });
export const diskError = (fault: Without<'diskError'>): Fault => ({ kind: 'diskError', ...fault });
export const diskCapacity = (fault: Without<'diskCapacity'>): Fault => ({ kind: 'diskCapacity', ...fault });

/** The family under which a fault is drawn on or off, and under which checks ask whether it took effect. */
export const familyOf: Readonly<Record<FaultKind, string>> = {
  cutLinks: 'partition',
  healLinks: 'partition',
  setLinkRates: 'congestion',
  clogLinks: 'clog',
  crash: 'crash',
  restart: 'restart',
  leave: 'leave',
  kill: 'kill',
  clockJump: 'clock',
  clockDrift: 'clock',
  diskBitRot: 'bit-rot',
  diskLostWrite: 'lost-write',
  diskMisdirectedWrite: 'misdirected-write',
  diskBadSectors: 'bad-sectors',
  diskCheckpointRot: 'checkpoint-rot',
  destroyDisk: 'disk-destroyed',
  diskStall: 'disk-stall',
  diskError: 'disk-error',
  diskCapacity: 'disk-full',
};

/** A cut in both directions, and its heal. */
export function split(cut: {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly left: readonly string[];
  readonly right: readonly string[];
}): Fault[] {
  const { fromMs, untilMs, left, right } = cut;
  return [
    cutLinks({ atMs: fromMs, from: left, to: right }),
    cutLinks({ atMs: fromMs, from: right, to: left }),
    healLinks({ atMs: untilMs, from: left, to: right }),
    healLinks({ atMs: untilMs, from: right, to: left }),
  ];
}

/** One line for people and for the fault record. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'cutLinks':
      return `cut ${fault.from.join(',')} -> ${fault.to.join(',')}`;
    case 'healLinks':
      return `heal ${fault.from.join(',')} -> ${fault.to.join(',')}`;
    case 'setLinkRates':
      return `${fault.rates === null ? 'usual rates' : 'rates'} ${fault.from.join(',')} -> ${fault.to.join(',')}`;
    case 'clogLinks':
      return `clog ${fault.from.join(',')} -> ${fault.to.join(',')} until ${fault.untilMs} ms`;
    case 'restart':
      return `restart ${fault.node}${fault.moved === true ? ' under another address' : ''}`;
    case 'clockJump':
      return `clock of ${fault.node} jumps by ${fault.byMs} ms`;
    case 'clockDrift':
      return `clock of ${fault.node} drifts by ${fault.ppm} ppm`;
    case 'diskBitRot':
      return `bit rot on ${fault.node}${fault.beyond === true ? ', beyond the fault model' : ''}`;
    case 'diskLostWrite':
      return `a write of ${fault.node} is lost`;
    case 'diskMisdirectedWrite':
      return `a write of ${fault.node} lands elsewhere`;
    case 'diskBadSectors':
      return `bad sectors on ${fault.node} ${fault.untilMs === null ? 'for good' : `until ${fault.untilMs} ms`}`;
    case 'diskCheckpointRot':
      return `bit rot in a checkpoint of ${fault.node}`;
    case 'destroyDisk':
      return `the disk of ${fault.node} is destroyed`;
    case 'diskStall':
      return `disk of ${fault.node} stalls until ${fault.untilMs} ms`;
    case 'diskError':
      return `${fault.operation} of ${fault.node} fails until ${fault.untilMs} ms`;
    case 'diskCapacity':
      return `disk of ${fault.node} holds ${fault.bytes ?? 'unlimited'} bytes`;
    default:
      return `${fault.kind} ${fault.node}`;
  }
}
