/**
 * Crash and restart: nodes lose power at moments of their own and come back with whatever their disks then hold.
 *
 * Again and again under load a node goes down, sometimes several at once, now and then all of them; sectors that were not yet synced come back
 * old, new, zeroed, torn or as garbage. After a while the power returns. On some seeds bits also rot below what was synced, always with an
 * intact copy on another disk, clocks come back wrong, and machines under other addresses. Nothing that was acknowledged may be missing.
 *
 * What has gone wrong here in other systems: a torn tail taken for corruption, corruption taken for a torn tail, a sequence number used twice.
 */
import { clockJump, crash, diskBitRot, type Fault, restart } from './fault-plan.js';
import type { Draws } from './random-streams.js';
import { type Scenario, usualCheckers } from './scenario.js';

export const crashRestart: Scenario = {
  name: 'crash-restart',
  nodesMin: 1,
  checkers: usualCheckers,

  plan({ nodes, durationMs, random }) {
    const when = random.stream('faults.when');
    const who = random.stream('faults.who');
    const outages = drawOutages(nodes, durationMs, when, who);
    const addresses = random.stream('faults.addresses');
    const moves = addresses.chance(0.3);
    const faults: Fault[] = outages.flatMap(({ node, fromMs, untilMs, amidWrite }) => [
      crash({ atMs: fromMs, node, ...(amidWrite ? { amid: 'write' } : {}) }),
      restart({ atMs: untilMs, node, ...(moves && addresses.chance(0.5) ? { moved: true } : {}) }),
    ]);
    const families = ['crash'];

    const rot = random.stream('faults.bit-rot');
    if (nodes.length > 1 && rot.chance(0.4)) {
      families.push('bit-rot');
      faults.push(...drawRot(nodes, durationMs, rot));
    }
    const clocks = random.stream('faults.clocks');
    if (clocks.chance(0.3)) {
      families.push('clock');
      faults.push(...drawJumps(nodes, durationMs, clocks));
    }
    return { faults, splits: [], rest: 'down', families };
  },
};

interface Outage {
  readonly node: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** The power goes while the disk is writing, when torn tails are made. */
  readonly amidWrite: boolean;
}

/** Four to ten moments; at most of them one node goes down, at some a few, rarely all. A node that is down is not crashed again. */
function drawOutages(nodes: readonly string[], durationMs: number, when: Draws, who: Draws): Outage[] {
  const moments = Array.from({ length: when.integer({ min: 4, max: 10 }) }, () => when.integer({ min: 4, max: 92 }) / 100).sort(
    (a, b) => a - b,
  );
  const upAgainMs = new Map<string, number>();
  const outages: Outage[] = [];
  for (const share of moments) {
    const fromMs = Math.round(durationMs * share);
    const several = who.weighted([
      [1, 0.7],
      [2, 0.2],
      [nodes.length, 0.1],
    ]);
    for (const node of who.shuffled(nodes).slice(0, several)) {
      if ((upAgainMs.get(node) ?? -1) >= fromMs) continue;
      // A short outage meets a cluster that has not noticed yet, a long one a cluster that has moved on.
      const downMs = who.chance(0.5) ? who.integer({ min: 50, max: 900 }) : who.integer({ min: 1_000, max: 8_000 });
      upAgainMs.set(node, fromMs + downMs);
      outages.push({ node, fromMs, untilMs: fromMs + downMs, amidWrite: who.chance(0.6) });
      if (!who.chance(0.15)) continue;
      // The power fails again while the node is reading its log.
      const againMs = fromMs + downMs + who.integer({ min: 0, max: 2 });
      if (againMs > durationMs) continue;
      upAgainMs.set(node, againMs + downMs);
      outages.push({ node, fromMs: againMs, untilMs: againMs + downMs, amidWrite: false });
    }
  }
  return outages;
}

function drawRot(nodes: readonly string[], durationMs: number, rot: Draws): Fault[] {
  return Array.from({ length: rot.integer({ min: 2, max: 6 }) }, () =>
    diskBitRot({
      atMs: Math.round((durationMs * rot.integer({ min: 15, max: 98 })) / 100),
      node: rot.pick(nodes),
      position: rot.fraction(),
      bytes: rot.integer({ min: 1, max: 40 }),
    }),
  );
}

function drawJumps(nodes: readonly string[], durationMs: number, clocks: Draws): Fault[] {
  return Array.from({ length: clocks.integer({ min: 1, max: 4 }) }, () =>
    clockJump({
      atMs: Math.round((durationMs * clocks.integer({ min: 5, max: 95 })) / 100),
      node: clocks.pick(nodes),
      byMs: clocks.pick([-1, 1]) * clocks.pick([500, 5_000, 3_600_000, 86_400_000]),
    }),
  );
}
