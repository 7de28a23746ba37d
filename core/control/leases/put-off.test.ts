/** What a leader decides by itself waits until it knows what was committed before it led. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Now } from '../../events.js';
import type { NodeId } from '../../identifiers.js';
import { founding, someNodes } from '../../test-support/control-entries.js';
import { testPureFunctions } from '../../test-support/pure-functions.js';
import { applyEntry } from '../apply-entry.js';
import { defaultControlLogOptions } from '../control-log-options.js';
import { type ControlState, emptyControlState, rowsInOrder } from '../control-state.js';
import type { ControlEntry } from '../entries.js';
import { Authority } from './authority.js';
import { encodeAuthorityMessage } from './authority-messages.js';
import type { Agreement } from './authority-ports.js';
import { Demotions } from './demotions.js';

const putOff = suite('decisions of a new leader');
const [leader, second, dead] = someNodes as [NodeId, NodeId, NodeId];
const at = (monotonicMs: number): Now => ({ monotonicMs, wallMs: 0 });
const { authority: options } = defaultControlLogOptions;

/** A leader of three founders, of which the third, primary of a space, has been silent for long; and what it has proposed. */
class LoneLeader {
  readonly proposed: ControlEntry[] = [];
  state: ControlState;
  knowsWhatWasBefore = false;
  readonly authority: Authority;
  readonly nowMs = 10_000 + options.silentAfterMs + 1;

  constructor() {
    this.state = applyEntry(emptyControlState, founding, 1).state;
    this.apply({ kind: 'space-created', name: 'notes', generation: 0, copies: [dead, second, leader] });
    const pure = testPureFunctions();
    this.authority = new Authority(
      {
        options: { ...options, leaderMsMax: 0 },
        agreement: () => this.#agreement,
        send: () => {},
        pingedMs: () => 0,
        timers: { arm: () => {}, disarm: () => {} },
        pure,
        led: () => {},
        leasesChanged: () => {},
        canWrite: () => true,
        forgot: () => null,
        told: () => {},
        propose: (entry) => this.proposed.push(entry),
      },
      new Demotions(pure),
    );
    this.authority.lead(true, at(10_000));
    const silent = encodeAuthorityMessage({ kind: 'silent', nodes: [dead] });
    this.authority.receive(second, silent, at(this.nowMs));
    this.authority.lead(true, at(this.nowMs));
  }

  get #agreement(): Agreement {
    const configuration = { voters: [leader, second, dead], learners: [] };
    const { state, knowsWhatWasBefore } = this;
    return { self: leader, state, configuration, isCurrent: true, holdsLease: true, knowsWhatWasBefore };
  }

  apply(entry: ControlEntry): void {
    this.state = applyEntry(this.state, entry, this.state.applied + 1).state;
  }

  get successors(): readonly NodeId[] {
    return this.proposed.flatMap((entry) => (entry.kind === 'primaries-reassigned' ? entry.successors.map(({ primary }) => primary) : []));
  }
}

putOff('the spaces of a dead node are given away as soon as all before is applied, not with the next heartbeat', () => {
  const lone = new LoneLeader();
  lone.authority.caughtUp(at(lone.nowMs));
  assert.equal(lone.proposed, []);
  lone.knowsWhatWasBefore = true;
  lone.authority.caughtUp(at(lone.nowMs));
  assert.equal(lone.successors, [second]);
});

putOff('what the leader before had begun is not done again', () => {
  const lone = new LoneLeader();
  const [row] = rowsInOrder(lone.state);
  lone.apply({ kind: 'primaries-reassigned', dead, successors: [{ space: row.space, basis: row.revision, primary: second }] });
  lone.knowsWhatWasBefore = true;
  lone.authority.caughtUp(at(lone.nowMs));
  lone.authority.lead(true, at(lone.nowMs + 1));
  assert.equal(lone.proposed, []);
});

putOff('a space that is asked for meanwhile is made later, and not forgotten', () => {
  const lone = new LoneLeader();
  lone.authority.want('tasks');
  lone.authority.lead(true, at(lone.nowMs + 1));
  assert.equal(lone.proposed, []);
  lone.knowsWhatWasBefore = true;
  lone.authority.lead(true, at(lone.nowMs + 2));
  assert.equal(
    lone.proposed.map(({ kind }) => kind),
    ['space-created', 'primaries-reassigned'],
  );
});

putOff.run();
