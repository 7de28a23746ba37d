/** Bugs planted in what answers say: how old, for which session, by how many disks, and what a recall finds. Each is for a checker that few other bugs reach. */
import type { PlantedBug } from './planted-bug.js';

export const answerBugs: readonly PlantedBug[] = [
  {
    name: 'age-from-arrival',
    scenario: 'congestion',
    seedsNeeded: 200,
    whatItBreaks: 'A copy counts the age of a report from its arrival, however long it was on its way: answers are staler than they say.',
    pending: false,
    module: 'core/replication/peers.ts',
    find: '  ageMs({ vouchedMs }: Peer, now: Now): number | null {\n    return vouchedMs === never ? null : now.monotonicMs - vouchedMs;',
    replace:
      '  ageMs({ vouchedMs, pingedAtMs }: Peer, now: Now): number | null {\n    return vouchedMs === never ? null : now.monotonicMs - pingedAtMs;',
  },
  {
    name: 'claim-every-session',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks: 'A copy says that it has seen as much as a session token names, whatever it holds.',
    pending: false,
    module: 'core/memory/requests.ts',
    find: '    if (prefixes.size === 0) return true;\n',
    replace: '    if (prefixes.size >= 0) return true;\n',
  },
  {
    name: 'answer-from-before',
    scenario: 'rolling-restart',
    seedsNeeded: 200,
    whatItBreaks:
      'What the checkers are given: clients answer a read by what any of them read of the same memory within the last two seconds.',
    pending: false,
    module: 'runtime-sim/client.ts',
    find: '      record.seen = [...(memory === undefined ? [] : [memory]), ...alternates].map(seenVersion);\n',
    replace: `      const answers = ((this.#world as unknown as { answers?: Map<string, { atUs: number; seen: Operation['seen'] }> }).answers ??= new Map());
      const place = record.space + ' ' + record.id;
      const known = answers.get(place);
      const isFresh = record.kind === 'get' && known !== undefined && this.#world.nowUs - known.atUs < 2_000_000;
      record.seen = isFresh ? known.seen : [...(memory === undefined ? [] : [memory]), ...alternates].map(seenVersion);
      if (!isFresh) answers.set(place, { atUs: this.#world.nowUs, seen: record.seen });
`,
  },
  {
    name: 'leave-out-the-newest',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks: 'A recall does not look at the row that was written last.',
    pending: false,
    module: 'core/memory/scan-kernel.ts',
    find: '    const rows = Math.min(job.rowsPerChunk, job.rows - base);\n',
    replace: '    const rows = Math.min(job.rowsPerChunk, job.rows - base - 1);\n',
  },
  {
    name: 'one-copy-short-of-a-quorum',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks: 'A write that asks for a quorum is acknowledged when one copy fewer has synced it.',
    pending: false,
    module: 'core/memory/acknowledgements.ts',
    find: '      return Math.floor(copies / 2) + 1;\n',
    replace: '      return Math.floor(copies / 2);\n',
  },
];
