/**
 * Which writes of one memory take the place of which others, as far as operations and logs show it.
 *
 * A write O includes a write W when
 * - O was sent with a context and its process had read or written W on this id before (the context rebuilt from the history; for certain only what it had read or written
 *   last, whose context it sent), or
 * - W's record precedes O's record in the log of the node that made O's record, or that node made it before: that node held W, and a primary's write
 *   takes the place of all it holds,
 * and transitively. The contexts in records are never asked: they are the system's own word.
 *
 * Inclusion goes backwards in time, so one walk from a set of writes finds all that they include; a cursor per log and a mark per step keep it
 * linear in the operations and records of the memory.
 */
import { isLater, type Memory, type Place, type Step, versionNode } from './memory-traces.js';

/** What a walk found, beside the marks it left. */
export interface Inclusion {
  /** Completion of the latest ok read whose answer was part of a context: such a context may name deletes that no answer lists. */
  latestContextReadMs: number;
  /** Completion of the latest write whose own record no log holds: what its node held is not known. */
  latestUnloggedMs: number;
}

/** The supersession graph of one memory. The marks stand in its steps: each walk makes those of all earlier ones invalid. */
export class Supersession {
  private cursors: number[] = [];
  private madeCursors: number[] = [];
  private readonly pending: Step[] = [];
  private inclusion: Inclusion = noInclusion();

  /**
   * @param extent `possible`: all that may have been held by whoever made a record, for what excuses; `certain`: what certainly was, for what convicts. They
   * differ for records that their makers may have lost in a crash.
   */
  constructor(
    private readonly memory: Memory,
    private readonly extent: 'possible' | 'certain' = 'possible',
  ) {}

  /** Marks these writes and all that they include, forgetting earlier marks. */
  include(writes: Iterable<Step>): Inclusion {
    this.begin();
    return this.alsoInclude(writes);
  }

  /** Forgets all marks. */
  begin(): void {
    this.memory.walks += 1;
    this.cursors = this.memory.logs.map(() => 0);
    this.madeCursors = this.memory.made.map(() => 0);
    this.inclusion = noInclusion();
  }

  /** Marks more. `onMet` sees each step that the walk meets, marked before or not. */
  alsoInclude(writes: Iterable<Step>, onMet?: (step: Step) => void): Inclusion {
    for (const write of writes) this.pending.push(write);
    for (let step = this.pending.pop(); step !== undefined; step = this.pending.pop()) {
      onMet?.(step);
      if (step.includedBy === this.memory.walks) continue;
      step.includedBy = this.memory.walks;
      this.followLogs(step);
      this.followContext(step);
    }
    return this.inclusion;
  }

  /** Whether the last walk came by. */
  isIncluded(write: Step): boolean {
    return write.includedBy === this.memory.walks;
  }

  private followLogs(step: Step): void {
    if (step.made.length === 0) {
      const completedMs = step.operation?.completedMs ?? Number.POSITIVE_INFINITY;
      this.inclusion.latestUnloggedMs = Math.max(this.inclusion.latestUnloggedMs, completedMs);
    }
    // Carried out twice, by two primaries: who held the one record need not have held what stands before the other.
    if (this.extent === 'certain' && step.made.length > 1) return;
    for (const place of step.made) {
      const { node, position, heldMin } = place;
      if (this.extent === 'possible') this.followMaker(place);
      const end = this.extent === 'certain' ? heldMin : position;
      if (end === 0) continue;
      const log = this.memory.logs[node] as Step[];
      for (let at = this.cursors[node] as number; at < end; at += 1) this.pending.push(log[at] as Step);
      this.cursors[node] = Math.max(this.cursors[node] as number, end);
    }
  }

  /** What the same node had made before, also what its own log lost in a crash and others had been given. */
  private followMaker({ node, author, sequence }: Place): void {
    const made = this.memory.made[node] as Place[];
    let at = this.madeCursors[node] as number;
    for (let place = made[at]; place !== undefined && !isLater(place, author, sequence); place = made[++at]) this.pending.push(place.step);
    this.madeCursors[node] = at;
  }

  private followContext(step: Step): void {
    if (step.operation === null || !step.operation.withContext) return;
    for (let past = step.previous; past !== null && past.walkedBy !== this.memory.walks; past = past.previous) {
      past.walkedBy = this.memory.walks;
      if (past.operation?.outcome !== 'ok') continue;
      if (past.operation.kind === 'get' || past.operation.kind === 'final-read') {
        for (const seen of past.sees) if (seen !== null) this.pending.push(seen);
        this.inclusion.latestContextReadMs = Math.max(this.inclusion.latestContextReadMs, past.operation.completedMs);
      } else {
        this.pending.push(past);
      }
      // What was sent is the context of the latest answer, which need not have known all that earlier ones had.
      if (this.extent === 'certain') return;
    }
  }
}

/**
 * The writes that include a forget beyond doubt, and which it therefore does not beat: the node that made both had answered the forget before the
 * write was asked for; or the write was sent with the context that its process had just been given by the forget; and transitively. In doubt
 * a write is left out: a forget excuses it. So is what was asked for more than the retry window after a forget that was carried out twice, by two primaries: it
 * includes the one record, and no longer knows of the request whose other record may come back from where it was stranded.
 *
 * @param isDamaged whether the fault plan damaged a version's record: a node with a hole need not include what it once held.
 */
export function certainlyIncluding(memory: Memory, forget: Step, isDamaged: (version: string) => boolean): ReadonlySet<Step> {
  const including = new Set<Step>();
  const heldFromMs = new Map<string, number>();
  const hold = ({ operation }: Step): void => {
    if (operation?.outcome !== 'ok' || operation.version === null || isDamaged(operation.version)) return;
    const node = versionNode(operation.version);
    // A retry may be answered by a copy whose author crashed before its own sync.
    if (operation.node !== node) return;
    heldFromMs.set(node, Math.min(heldFromMs.get(node) ?? Number.POSITIVE_INFINITY, operation.completedMs));
  };
  const isGivenBy = (past: Step | null): boolean => {
    if (past?.operation?.outcome !== 'ok') return false;
    return past === forget || including.has(past) || past.sees.some((seen) => seen !== null && including.has(seen));
  };
  hold(forget);
  const knownUntilMs = forget.made.length > 1 ? (forget.operation?.completedMs ?? 0) + memory.retryWindowMs : Number.POSITIVE_INFINITY;
  // Inclusion needs the earlier write to be over before the later one is asked for, so one pass in order of invocation finds all.
  for (const write of memory.writes) {
    if (write === forget || write.operation === null) continue;
    const { version, invokedMs, withContext, hinted } = write.operation;
    if (invokedMs > knownUntilMs) continue;
    // Who keeps a write outside the row has let go of what it held as a copy.
    const node = version === null || hinted === true ? undefined : versionNode(version);
    const isHeld = node !== undefined && (heldFromMs.get(node) ?? Number.POSITIVE_INFINITY) < invokedMs;
    if (!isHeld && !(withContext && isGivenBy(write.previous))) continue;
    including.add(write);
    hold(write);
  }
  return including;
}

function noInclusion(): Inclusion {
  return { latestContextReadMs: Number.NEGATIVE_INFINITY, latestUnloggedMs: Number.NEGATIVE_INFINITY };
}
