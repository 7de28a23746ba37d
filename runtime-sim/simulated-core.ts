/** What the simulator drives: the core as a runtime sees it, and whatever tests put in its place. */
import type { NodeConfiguration } from '../core/configuration.js';
import type { Effects } from '../core/effects.js';
import type { NodeInspection } from '../core/engram-node.js';
import type { CoreEvent, Now } from '../core/events.js';
import type { PureFunctions } from '../core/pure-functions.js';
import type { ControlInspection } from './control-observer.js';

/** The part of EngramNode that a runtime drives. */
export interface SimulatedCore {
  handle(event: CoreEvent, now: Now): void;
  inspect(): NodeInspection;
  /** Null without a control log. */
  inspectControl?(): ControlInspection | null;
}

export type CoreFactory = (configuration: NodeConfiguration, effects: Effects, pure: PureFunctions) => SimulatedCore;
