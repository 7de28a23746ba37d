/**
 * One Engram node: the pure core. Everything it knows came in as events, everything it wants goes out as effects, and nothing in here can touch
 * the world. Two runtimes drive it: real files and sockets, or the simulator.
 */
import type { NodeConfiguration } from './configuration.js';
import type { Effects } from './effects.js';
import type { CoreEvent, Now } from './events.js';
import type { Author, NodeId, SpaceKey, Term } from './identifiers.js';
import type { PureFunctions } from './pure-functions.js';

/** What a copy holds, for status pages and checkers. A snapshot: later events do not change it. */
export interface SpaceInspection {
  readonly space: SpaceKey;
  readonly term: Term | null;
  readonly coverage: ReadonlyMap<Author, readonly (readonly [number, number])[]>;
  readonly versions: readonly VersionInspection[];
}

export interface VersionInspection {
  readonly id: string;
  readonly author: Author;
  readonly sequence: number;
  readonly tombstone: boolean;
  readonly maximal: boolean;
  readonly live: boolean;
  /** 16 hexadecimal digits. */
  readonly contentHash: string;
}

export interface NodeInspection {
  readonly nodeId: NodeId | null;
  readonly phase: 'new' | 'recovering' | 'serving' | 'halted';
  readonly spaces: readonly SpaceInspection[];
}

export class EngramNode {
  constructor(
    readonly configuration: NodeConfiguration,
    readonly effects: Effects,
    readonly pure: PureFunctions,
  ) {}

  /** Takes one event. Synchronous, deterministic, short; effects are performed by the runtime after it returns. Not re-entrant. */
  handle(event: CoreEvent, now: Now): void {
    this.effects.journal.note({ kind: 'node.halted', reason: `${event.kind} at ${now.monotonicMs}` });
  }

  inspect(): NodeInspection {
    return { nodeId: null, phase: 'new', spaces: [] };
  }
}
