/**
 * Bugs planted on purpose, from outside the core: each rewrites a passage of one module's source while it is loaded, and the checkers must find it
 * within its seeds. A checker that finds none of these is worth nothing.
 *
 * Data only: whoever loads modules carries the rewrite out, and fails loudly when `find` does not occur exactly once.
 */

interface Planted {
  /** For `--plant NAME`. */
  readonly name: string;
  /** The scenario whose seeds must find it. */
  readonly scenario: string;
  /** Seeds from 1 on within which at least one run must be a violation. */
  readonly seedsNeeded: number;
  /** What goes wrong, and which promise of SPEC section 3 that breaks. */
  readonly whatItBreaks: string;
}

/** The rewrite of one passage. */
export interface PlantedBug extends Planted {
  readonly pending: false;
  /** Path of the source from the root of the repository. */
  readonly module: string;
  /** Occurs exactly once in it. */
  readonly find: string;
  readonly replace: string;
}

/** A bug whose subject is not built yet: it has no passage to rewrite, and counts neither as found nor as missed. */
export interface PendingBug extends Planted {
  readonly pending: true;
}

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
    find: 'if (report.before !== null && this.#services.isCopy(space))',
    replace: 'if (report.before !== null && peer.id < this.#services.self && this.#services.isCopy(space))',
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
];
