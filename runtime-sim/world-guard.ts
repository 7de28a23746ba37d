/**
 * While a run goes on, nobody may ask what time it really is, draw real chance, or wait: the global clock, chance and timers throw. They are set
 * aside once for the whole run, so that the guard costs nothing per event.
 */
export class NotDeterministic extends Error {
  override readonly name = 'NotDeterministic';
}

const timerNames = ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'] as const;

function refuse(what: string): () => never {
  return () => {
    throw new NotDeterministic(`${what} was used while a simulation ran: time and chance are inputs`);
  };
}

/** Runs `work`, which must be synchronous, with the world out of reach. Not re-entrant. */
export function withoutTheWorld<Result>(work: () => Result): Result {
  const scope = globalThis as unknown as Record<string, unknown>;
  const kept = new Map<string, unknown>(['Date', ...timerNames].map((name) => [name, scope[name]]));
  const { random } = Math;
  const { now } = performance;
  try {
    const refuseDate = refuse('Date');
    scope.Date = new Proxy(Date, { construct: refuseDate, apply: refuseDate, get: refuseDate });
    for (const name of timerNames) scope[name] = refuse(name);
    Math.random = refuse('Math.random');
    performance.now = refuse('performance.now');
    return work();
  } finally {
    for (const [name, value] of kept) scope[name] = value;
    Math.random = random;
    performance.now = now;
  }
}
