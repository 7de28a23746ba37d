/**
 * Bugs planted on purpose, from outside the core: each rewrites a passage of one module's source while it is loaded, and the checkers must find it
 * within its seeds. A checker that finds none of these is worth nothing.
 *
 * Data only: whoever loads modules carries the rewrite out, and fails loudly when `find` does not occur exactly once.
 */

import { answerBugs } from './answer-bugs.js';
import { handOverBugs } from './hand-over-bugs.js';
import { membershipBugs } from './membership-bugs.js';
import { moveBugs } from './move-bugs.js';
import { nearlyMadeGoodBugs } from './nearly-made-good-bugs.js';
import type { PendingBug, PlantedBug } from './planted-bug.js';

export type { PendingBug, PlantedBug } from './planted-bug.js';

export const plantedBugs: readonly (PlantedBug | PendingBug)[] = [
  {
    name: 'acknowledge-before-sync',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks: 'A write is acknowledged once it is appended, not once it is synced: a crash takes back what was promised.',
    pending: false,
    module: 'core/memory/acknowledgements.ts',
    find: '    if (!write.space.coverage.has(write.dot)) return false;\n',
    replace: '',
  },
  {
    name: 'drop-tombstone',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks: 'A tombstone from a peer is not merged: on that copy the delete never happened, and what it beat comes back.',
    pending: false,
    module: 'core/memory/space-store.ts',
    find: 'else this.#mergeVersion(memory, view, place);',
    replace: 'else if (!view.isTombstone) this.#mergeVersion(memory, view, place);',
  },
  {
    name: 'truncate-stranded-tail',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks:
      'A primary whose term has ended discards what it had not shipped, instead of handing it over: acknowledged writes are lost.',
    pending: false,
    module: 'core/replication/terms.ts',
    find: "this.#services.effects.journal.note({ kind: 'term.ended', space, term, reason });",
    replace: `{
      const { author } = this.#services.store;
      const copies = this.#services.otherCopies(space).map((copy) => this.#peers.get(copy)?.spaces.get(space)?.reported.prefix(author) ?? 0);
      const { coverage } = this.#services.store.space(space);
      const shipped = Math.max(0, ...copies);
      if (coverage.max(author) > shipped) coverage.remove({ author, from: shipped + 1, to: coverage.max(author) });
      this.#services.store.space(space).coverageChanges += 1;
      this.#services.effects.journal.note({ kind: 'term.ended', space, term, reason });
    }`,
  },
  {
    name: 'reuse-sequence-after-crash',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks: 'A restarted node goes on as its old boot: a record shipped before its sync and the next one written share a dot.',
    pending: false,
    module: 'core/storage/recovery.ts',
    find: 'const boot: Boot = { counter: this.#lastBootCounter + 1, random };',
    replace: "const boot: Boot = { counter: 1, random: random.replace(/./g, '0') };",
  },
  {
    name: 'merge-one-direction',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks: 'After a heal records flow to one side only: the copies never hold the same.',
    pending: false,
    module: 'core/replication/catch-up.ts',
    find: 'if (known !== null && this.#services.takesPart(space))',
    replace: 'if (known !== null && peer.id < this.#services.self && this.#services.takesPart(space))',
  },
  {
    name: 'serve-unsynced-record',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks:
      'A node takes a group for durable once it is on its way to the disk, and serves it: a crash un-reads what a client has seen.',
    pending: false,
    module: 'core/storage/write-ahead-log.ts',
    find: `(result, then) => this.#synced(result, group, then));
    this.#owner.groupSent(group, now);`,
    replace: `(result, then) => this.#synced(result, { ...group, attachments: [] }, then));
    this.#owner.groupSent(group, now);
    this.#owner.groupSynced(group, now);`,
  },
  {
    name: 'adopt-horizon-early',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks: 'A horizon is adopted after the first chunk of a snapshot: records that never came are taken for dominated.',
    pending: false,
    module: 'core/replication/catch-up.ts',
    find: 'fetching.snapshot.complete = message.next === 0;',
    replace: 'fetching.snapshot.complete = true;',
  },
  {
    name: 'watermark-ahead',
    scenario: 'disk-faults',
    seedsNeeded: 200,
    whatItBreaks:
      'A group names itself durable while it is being written: a torn tail is taken for damage of what had been synced, and whole runs are given up.',
    pending: false,
    module: 'core/storage/write-ahead-log.ts',
    find: 'watermark: this.#durable,',
    replace: 'watermark: { segment: segment.number, offset: offset + length },',
  },
  {
    name: 'survive-a-failed-sync',
    scenario: 'disk-faults',
    seedsNeeded: 200,
    whatItBreaks:
      'A node goes on after a sync has failed, as if it had succeeded: what it acknowledges is in a cache that power loss takes.',
    pending: false,
    module: 'core/storage/write-ahead-log.ts',
    find: "    if (!this.#mustSucceed(result, 'sync', group.segment)) return;\n",
    replace: '',
  },
  {
    name: 'forget-what-was-lost',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks: 'What recovery could not read is taken for held: nobody asks a peer for it again, and acknowledged writes are lost.',
    pending: false,
    module: 'core/memory/space-store.ts',
    find: 'for (const [from, to] of holes.of(author)?.ranges() ?? []) this.holes.add({ author, from, to });',
    replace: 'for (const [from, to] of holes.of(author)?.ranges() ?? []) this.coverage.add({ author, from, to });',
  },
  {
    name: 'compact-what-is-needed',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks: 'Compaction leaves tombstones behind in the segment that it gives up: on that copy deletes are undone.',
    pending: false,
    module: 'core/storage/compaction.ts',
    find: '        if (this.#owner.isNeeded(view, { segment: segment.number, offset }))\n',
    replace: '        if (!view.isTombstone && this.#owner.isNeeded(view, { segment: segment.number, offset }))\n',
  },
  {
    name: 'reuse-a-sequence',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks: 'A counter of sequences stands still now and then: two writes share a dot.',
    pending: false,
    module: 'core/memory/writes.ts',
    find: 'this.#sequences.set(space.key, dot.sequence);',
    replace: "if (room !== 'wait' && dot.sequence % 5 !== 0) this.#sequences.set(space.key, dot.sequence);",
  },
  {
    name: 'acknowledge-on-arrival',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks:
      'A copy acknowledges records to their author when they arrive, not when they are synced: a crash takes back what counted as a copy.',
    pending: false,
    module: 'core/replication/record-shipper.ts',
    find: '      appended += 1;\n',
    replace: `      if (author.startsWith(run.from)) this.#peers.send(run.from, { kind: 'acknowledge', space, author, end: sequence });
      appended += 1;
`,
  },
  {
    name: 'take-greatest-for-all',
    scenario: 'crash-restart',
    seedsNeeded: 200,
    whatItBreaks: 'A copy takes everything below the greatest sequence it holds for held: what was lost on the way is never taken in.',
    pending: false,
    module: 'core/replication/record-shipper.ts',
    find: 'if (held.coverage.has(dot) || held.inFlight.has(dot)) {',
    replace: 'if (held.coverage.max(author) >= sequence || held.inFlight.has(dot)) {',
  },
  {
    name: 'forget-foreign-contexts',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks: 'A copy drops the causal contexts of records from peers: what a later write has taken the place of comes back there.',
    pending: false,
    module: 'core/memory/space-store.ts',
    find: 'this.#setFacts(version, view.context(), view.superseded());',
    replace: 'this.#setFacts(version, { authors: [], sequences: [] }, view.superseded());',
  },
  {
    name: 'supersede-what-was-not-read',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks:
      'A version counts as written in knowledge of everything by every author that it knows anything of: concurrent writes vanish.',
    pending: false,
    module: 'core/memory/merge.ts',
    find: 'return contextSequence(facts.contexts.get(holder), author) >= sequence;',
    replace: 'return contextSequence(facts.contexts.get(holder), author) > 0;',
  },
  {
    name: 'tombstone-beats-all',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks: 'A tombstone also beats what was remembered after it, in knowledge of it.',
    pending: false,
    module: 'core/memory/merge.ts',
    find: 'index.has(other, versionFlags.tombstone) && !includes(facts, version, other)',
    replace: 'index.has(other, versionFlags.tombstone)',
  },
  {
    name: 'read-by-arrival',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks: 'Of concurrent versions a copy reads the one that came last: copies that hold the same answer differently.',
    pending: false,
    module: 'core/memory/merge.ts',
    find: '  live.sort((left, right) => -compareVersions(facts, left, right, versions));\n',
    replace: '',
  },
  {
    name: 'ignore-earlier-copies',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks:
      'A copy takes a term though an earlier one in the row can be reached: two nodes acknowledge writes for one space long after the heal.',
    pending: false,
    module: 'core/replication/terms.ts',
    find: 'if (earlier.some((copy) => this.#peers.isReachable(copy, now)) || !this.#hasWaited(space, now)) {',
    replace: 'if (!this.#hasWaited(space, now)) {',
  },
  {
    name: 'never-step-down',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks: 'A provisional primary keeps its term when an earlier copy is back and holds one.',
    pending: false,
    module: 'core/replication/terms.ts',
    find: 'if (successor !== undefined) {',
    replace: 'if (successor !== undefined && now.monotonicMs < 0) {',
  },
  {
    name: 'time-by-the-wall-clock',
    scenario: 'clock-skew',
    seedsNeeded: 200,
    whatItBreaks: 'Deadlines and silences are measured by the wall clock: where it jumps back a node waits for hours.',
    pending: false,
    module: 'runtime-sim/node-host.ts',
    find: 'monotonicMs: this.clock.monotonicMs(nowUs)',
    replace: 'monotonicMs: Math.max(0, this.clock.wallMs(nowUs) - startWallMs)',
  },
  {
    name: 'take-silence-for-success',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks: 'What the checkers are given: a client that got no answer writes down that its write was acknowledged.',
    pending: false,
    module: 'runtime-sim/client.ts',
    find: "current.uncertain && current.requestId.length > 0 ? 'info' : 'fail', current.lastCode",
    replace: "current.uncertain && current.requestId.length > 0 ? 'ok' : 'fail', current.lastCode",
  },
  {
    name: 'take-silence-for-failure',
    scenario: 'clean-split',
    seedsNeeded: 200,
    whatItBreaks: 'What the checkers are given: a client that got no answer writes down that its write certainly had no effect.',
    pending: false,
    module: 'runtime-sim/client.ts',
    find: "current.uncertain && current.requestId.length > 0 ? 'info' : 'fail', current.lastCode",
    replace: "'fail', current.lastCode",
  },
  ...answerBugs,
  ...handOverBugs,
  ...membershipBugs,
  ...moveBugs,
  ...nearlyMadeGoodBugs,
  {
    name: 'vote-before-sync',
    scenario: 'swarm',
    seedsNeeded: 200,
    whatItBreaks: 'A vote for a leader of the control log is sent before it is on the disk: after a crash the voter votes twice.',
    pending: true,
  },
];
