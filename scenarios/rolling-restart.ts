/**
 * Rolling restart: every node goes down and comes back in turn, as for an upgrade, while the load goes on.
 *
 * One to three rounds over all nodes, in row order or in any. On some seeds whoever restarts them is patient and gives each node time to catch up; on
 * others the next goes down when the one before has hardly opened its log. Mostly only the process ends and the machine stays up, so that what had
 * been written and not synced is still there and seems to be safe; on some seeds machines are switched off instead, or in the midst of it: the
 * process ends, starts again on what it finds, and then the power goes. On half of the seeds whoever restarts them lets a node take its leave first, so that
 * the others need not find out; on some, machines come back under other addresses.
 *
 * What has gone wrong here in other systems: a tail found in the page cache, promised again after a restart and lost with the next power failure;
 * and a space that is handed from node to node just ahead of the restarts.
 */
import { crash, type Fault, kill, leave, restart } from './fault-plan.js';
import { type Scenario, type Stage, usualCheckers } from './scenario.js';

type Way = 'process' | 'power' | 'process, then power';

export const rollingRestart: Scenario = {
  name: 'rolling-restart',
  nodesMin: 1,
  checkers: usualCheckers,

  plan(stage) {
    const faults = drawRounds(stage);
    const families = ['kill', 'crash'].filter((kind) => faults.some((fault) => fault.kind === kind));
    return { faults, splits: [], rest: 'down', families };
  },
};

export function drawRounds({ nodes, durationMs, random }: Stage): Fault[] {
  const when = random.stream('rounds.when');
  const who = random.stream('rounds.who');
  const absences = random.stream('rounds.absences');
  const takesLeave = absences.chance(0.5);
  const moves = absences.chance(0.3);
  const rounds = when.integer({ min: 1, max: 3 });
  const isHasty = when.chance(0.4);
  const shuffled = who.chance(0.5);
  const usual = who.weighted<Way>([
    ['process', 0.7],
    ['power', 0.3],
  ]);
  const turns = Array.from({ length: rounds }, () => (shuffled ? who.shuffled(nodes) : nodes)).flat();
  const stepMs = (durationMs * 0.9) / turns.length;
  return turns.flatMap((node, turn) => {
    const downMs = stepMs * (isHasty ? 0.9 + 0.1 * when.fraction() : 0.1 + 0.4 * when.fraction());
    const fromMs = Math.round(durationMs * 0.04 + stepMs * turn);
    const untilMs = Math.round(fromMs + downMs);
    const back = restart({ atMs: untilMs, node, ...(moves && absences.chance(0.5) ? { moved: true } : {}) });
    const leaveMs = fromMs - absences.integer({ min: 20, max: 1_500 });
    const leaves = takesLeave && leaveMs >= 0 && absences.chance(0.8) ? [leave({ atMs: leaveMs, node })] : [];
    const way = who.chance(0.15) ? 'process, then power' : usual;
    if (way === 'power') return [...leaves, crash({ atMs: fromMs, node }), back];
    const againMs = Math.round(fromMs + downMs * 0.3);
    const thenPower = [restart({ atMs: againMs, node }), crash({ atMs: againMs + when.integer({ min: 1, max: 60 }), node })];
    return [
      ...leaves,
      kill({ atMs: fromMs, node, ...(who.chance(0.7) ? { amid: 'write' } : {}) }),
      ...(way === 'process' ? [] : thenPower),
      back,
    ];
  });
}
