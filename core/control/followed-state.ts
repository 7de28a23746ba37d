/**
 * How a node whose own control log is damaged still learns which rows are committed. It takes no part in the agreement, and holds copies all the same: of whoever of the
 * agreement speaks to it, it asks for the state, and goes by the latest that it was told. What is told is committed, so it rests on nobody's vote.
 */
import type { Now } from '../events.js';
import type { NodeId } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { type AuthorityMessage, decodeAuthorityMessage, encodeAuthorityMessage } from './authority-messages.js';
import { type ControlState, isMade } from './control-state.js';
import { decodeState, encodeState } from './state-codec.js';

interface FollowedStatePorts {
  send(to: NodeId, message: Uint8Array): void;
  readonly pure: PureFunctions;
  /** It asks this often at most. */
  readonly askEveryMs: number;
}

export class FollowedState {
  readonly #ports: FollowedStatePorts;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(ports: FollowedStatePorts) {
    this.#ports = ports;
  }

  /** Takes whatever is said to a node that only follows; returns the state that it now goes by, which is the one before when nothing newer was told. */
  receive(from: NodeId, bytes: Uint8Array, state: ControlState, now: Now): ControlState {
    const message = decodeAuthorityMessage(bytes);
    if (message?.kind === 'state') {
      const reading = decodeState(message.bytes, this.#ports.pure);
      return reading.kind === 'state' && reading.state.applied > state.applied ? reading.state : state;
    }
    if (now.monotonicMs - this.#askedMs < this.#ports.askEveryMs) return state;
    this.#askedMs = now.monotonicMs;
    this.#ports.send(from, encodeAuthorityMessage({ kind: 'state-wanted', applied: state.applied }));
    return state;
  }
}

/** What a node of the agreement answers to one that follows; null when it has nothing newer. */
export function stateAnswer(
  { applied }: Extract<AuthorityMessage, { kind: 'state-wanted' }>,
  state: ControlState,
  pure: PureFunctions,
): Uint8Array | null {
  if (!isMade(state) || state.applied <= applied) return null;
  return encodeAuthorityMessage({ kind: 'state', bytes: encodeState(state, pure) });
}
