/**
 * While a run goes on, nobody may ask what time it really is, draw real chance, wait, or let the garbage collector decide: the global clocks, generators,
 * timers and weak references throw. They are set aside once for the whole run, so that the guard costs nothing per event.
 *
 * A promise cannot be taken away (`await` needs no global), but its continuation cannot run either: a run is synchronous from first to last.
 */
import nodeCrypto from 'node:crypto';
import { performance as nodePerformance } from 'node:perf_hooks';

export class NotDeterministic extends Error {
  override readonly name = 'NotDeterministic';
}

/** Told what was reached for: whoever catches the error that is thrown hides nothing. */
export type Touched = (what: string) => void;

/** One way out into the world: a property that answers differently each time. */
interface Door {
  readonly on: object;
  readonly property: string;
  readonly what: string;
  /** A class or an object with many ways out: all of them are shut. */
  readonly whole?: boolean;
  /** Node itself goes through it, when something is printed for instance. */
  readonly usedByNode?: boolean;
}

const doors = (on: object, prefix: string, properties: readonly string[], more: Partial<Door> = {}): Door[] =>
  properties.filter((property) => property in on).map((property) => ({ on, property, what: prefix + property, ...more }));

const allDoors: readonly Door[] = [
  ...doors(globalThis, '', ['Date', 'WeakRef', 'FinalizationRegistry', 'MessageChannel', 'BroadcastChannel'], { whole: true }),
  ...doors(globalThis, '', ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch']),
  ...doors(Math, 'Math.', ['random']),
  ...doors(nodePerformance, 'performance.', ['now', 'mark', 'measure', 'toJSON']),
  ...doors(process, 'process.', ['hrtime', 'uptime', 'cpuUsage', 'resourceUsage', 'memoryUsage']),
  ...doors(process, 'process.', ['nextTick'], { usedByNode: true }),
  ...doors(globalThis.crypto, 'crypto.', ['getRandomValues', 'randomUUID']),
  ...doors(nodeCrypto, 'crypto.', ['randomBytes', 'randomFillSync', 'randomFill', 'randomInt', 'randomUUID']),
  ...doors(Intl, 'Intl.', ['DateTimeFormat'], { whole: true }),
];

/** Runs `work`, which must be synchronous, with the world out of reach. Not re-entrant. Without `touched` the error alone tells. */
export function withoutTheWorld<Result>(work: () => Result, touched: Touched = () => {}): Result {
  const kept = allDoors.map(({ on, property }) => Object.getOwnPropertyDescriptor(on, property));
  try {
    for (const [at, door] of allDoors.entries()) shut(door, kept[at], touched);
    return work();
  } finally {
    for (const [at, { on, property }] of allDoors.entries()) {
      const before = kept[at];
      if (before === undefined) Reflect.deleteProperty(on, property);
      else if (before.writable === true) Reflect.set(on, property, before.value);
      else Object.defineProperty(on, property, before);
    }
  }
}

function shut(door: Door, before: PropertyDescriptor | undefined, touched: Touched): void {
  const { on, property, what } = door;
  const refuse = (): never => {
    touched(what);
    throw new NotDeterministic(`${what} was used while a simulation ran: time and chance are inputs`);
  };
  const original = (on as Record<string, (...parts: unknown[]) => unknown>)[property];
  const replacement =
    door.whole === true || property === 'hrtime'
      ? sealed(original, refuse)
      : door.usedByNode === true
        ? exceptForNode(original, refuse)
        : refuse;
  // Assigned where that is enough: to define a property of `Math` anew would give it another shape, and all code that was compiled for `Math.imul` would look it up.
  if (before?.writable === true) Reflect.set(on, property, replacement);
  else Object.defineProperty(on, property, { value: replacement, configurable: true, writable: true, enumerable: true });
}

/** Refuses calls, construction and every property. What was made of the class before goes on being of the class. */
function sealed(original: object, refuse: () => never): object {
  return new Proxy(original, {
    construct: refuse,
    apply: refuse,
    get: (target, name) => (name === 'prototype' || name === Symbol.hasInstance ? Reflect.get(target, name) : refuse()),
  });
}

/** Node's own modules may: what they do with it comes after the run, and is none of it. */
function exceptForNode(original: (...parts: unknown[]) => unknown, refuse: () => never): (...parts: unknown[]) => unknown {
  return function guarded(this: unknown, ...parts: unknown[]): unknown {
    const [, , caller = ''] = (new Error().stack ?? '').split('\n');
    return caller.includes('node:') ? original.apply(this, parts) : refuse();
  };
}
