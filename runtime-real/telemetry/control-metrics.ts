/** What a node tells of its control log, and of the spaces that the control log has given it. */
import { Counter, type Registry } from 'prom-client';
import { isMade, rowsInOrder } from '../../core/control/control-state.js';
import type { DomainEvent } from '../../core/domain-events.js';
import type { Now } from '../../core/events.js';
import type { NodeId } from '../../core/identifiers.js';
import type { ControlInspection } from '../node-host.js';
import { type ScrapedValues, scrapedGauge } from './scraped-values.js';

export interface ControlMetricsSource {
  readonly self: NodeId;
  /** Null: the node keeps no control log, or has stopped. */
  readonly control: () => ControlInspection | null;
}

const control = 'engram_cluster_control_';
const spaces = 'engram_cluster_spaces_';
const roles = ['follower', 'pre-candidate', 'candidate', 'leader'] as const;

export class ControlMetrics {
  readonly #registry: Registry;
  readonly #elections: Counter;
  readonly #leaders: Counter;
  readonly #entries: Counter;
  readonly #reassigned: Counter;
  readonly #moves: Counter<'stage'>;
  readonly #termsTaken: Counter<'confirmed'>;
  readonly #termsEnded: Counter;
  readonly #overlaps: Counter;
  #source: ControlMetricsSource | null = null;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#addLog();
    this.#addSpaces();
    const counter = (name: string, help: string): Counter => new Counter({ name, help, registers: [registry] });
    this.#elections = counter(`${control}elections_total`, 'Elections of a leader that this node stood for.');
    this.#leaders = counter(
      `${control}leader_changes_total`,
      'Times that this node has seen another leader, or the same one in another term.',
    );
    this.#entries = counter(`${control}entries_applied_total`, 'Entries that this node has applied since it started.');
    this.#reassigned = counter(`${spaces}reassigned_total`, 'Spaces that were given another primary because theirs was silent.');
    this.#moves = new Counter({
      name: `${spaces}moves_total`,
      help: 'Moves of copies in the cluster, as this node has applied them, by what they came to: started, paused, committed, aborted.',
      labelNames: ['stage'],
      registers: [registry],
    });
    this.#termsTaken = new Counter({
      name: `${spaces}terms_taken_total`,
      help: 'Terms that this node has taken as primary, by whether the control log had confirmed them.',
      labelNames: ['confirmed'],
      registers: [registry],
    });
    this.#termsEnded = counter(`${spaces}terms_ended_total`, 'Terms of this node that have ended.');
    this.#overlaps = counter(`${spaces}term_overlaps_total`, 'Times that this primary saw another node with a term for the same space.');
  }

  start(source: ControlMetricsSource): void {
    this.#source = source;
  }

  take(event: DomainEvent): void {
    if (event.kind === 'control.election-started') this.#elections.inc();
    if (event.kind === 'control.leader-elected' || event.kind === 'control.leader-followed') this.#leaders.inc();
    if (event.kind === 'term.taken') this.#termsTaken.inc({ confirmed: String(event.term.counter === 0) });
    if (event.kind === 'term.ended') this.#termsEnded.inc();
    if (event.kind === 'term.overlap-seen') this.#overlaps.inc();
    if (event.kind !== 'control.applied') return;
    this.#entries.inc();
    const { entry, outcome } = event;
    if (entry?.kind === 'move-changed' && outcome.kind === 'applied') this.#moves.inc({ stage: entry.change.kind });
    if (entry?.kind === 'primaries-reassigned' && outcome.kind === 'applied') {
      this.#reassigned.inc(entry.successors.length - outcome.skipped.length);
    }
  }

  #addLog(): void {
    const gauge = (name: string, help: string, pick: (known: ControlInspection) => number | null): void =>
      scrapedGauge(this.#registry, { name: `${control}${name}`, help }, () =>
        this.#of((known) => {
          const value = pick(known);
          return value === null ? [] : [[{}, value]];
        }),
      );
    scrapedGauge(
      this.#registry,
      { name: `${control}role`, help: '1 for the role that this node has in the control log, 0 for the others.', labels: ['role'] },
      () => this.#of(({ raft }) => roles.map((role) => [{ role }, raft?.role === role ? 1 : 0])),
    );
    gauge('term', 'Term of the control log as this node knows it.', ({ raft }) => raft?.term ?? null);
    gauge('last_index', 'Last entry that stands in the control log here.', ({ raft }) => raft?.last.index ?? null);
    gauge('committed_index', 'Last entry that this node knows to be committed.', ({ raft }) => raft?.committed ?? null);
    gauge('applied_index', 'Last entry that this node has applied.', ({ state }) => state.applied);
    gauge('generation', 'Generation of the control log: 0 before there is a cluster, 1 until a recovery.', ({ state }) => state.generation);
    gauge('has_leader', '1 when this node knows who leads the control log.', ({ raft }) => (raft === null || raft.leader === null ? 0 : 1));
    gauge('voters', 'Members that vote.', ({ state }) => state.voters.length);
    gauge('members', 'Members, those included that only learn.', ({ state }) => Object.keys(state.members).length);
    gauge(
      'damaged',
      '1 when records of the control log were lost on the disk of this node: it is silent until the others let it begin anew.',
      ({ isDamaged }) => (isDamaged ? 1 : 0),
    );
  }

  #addSpaces(): void {
    scrapedGauge(this.#registry, { name: `${spaces}rows`, help: 'Spaces of the cluster.' }, () =>
      this.#made(({ state }) => [[{}, Object.keys(state.rows).length]]),
    );
    scrapedGauge(this.#registry, { name: `${spaces}copies`, help: 'Copies that this node holds by the control log.' }, () =>
      this.#made(({ state }, self) => [[{}, rowsInOrder(state).filter(({ copies }) => copies.includes(self)).length]]),
    );
    const help = 'Spaces of which this node is the first copy, by whether it is confirmed as primary at this moment.';
    scrapedGauge(this.#registry, { name: `${spaces}primary`, help, labels: ['confirmed'] }, () =>
      this.#made((known, self) => {
        const led = rowsInOrder(known.state).filter(({ copies }) => copies[0] === self);
        const confirmed = led.filter(({ space }) => known.confirmed(space, now()) !== null).length;
        return [
          [{ confirmed: 'true' }, confirmed],
          [{ confirmed: 'false' }, led.length - confirmed],
        ];
      }),
    );
    scrapedGauge(this.#registry, { name: `${spaces}moving`, help: 'Spaces of which a copy is on its way to another node.' }, () =>
      this.#made(({ state }) => [[{}, rowsInOrder(state).filter(({ move }) => move !== null).length]]),
    );
  }

  #of(pick: (known: ControlInspection, self: NodeId) => ScrapedValues): ScrapedValues {
    const known = this.#source?.control() ?? null;
    return this.#source === null || known === null ? [] : pick(known, this.#source.self);
  }

  #made(pick: (known: ControlInspection, self: NodeId) => ScrapedValues): ScrapedValues {
    return this.#of((known, self) => (isMade(known.state) ? pick(known, self) : []));
  }
}

function now(): Now {
  return { monotonicMs: Math.floor(performance.now()), wallMs: Date.now() };
}
