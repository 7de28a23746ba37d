/** A run of control logs alone as a story: one line for what a node says, notes or suffers, with its millisecond. */

import type { ControlDomainEvent } from '../../core/control/control-events.js';
import type { DomainEvent } from '../../core/domain-events.js';
import { controlContents, controlText } from '../trace/control-sentences.js';
import { ShortNames } from '../trace/short-names.js';
import { type ControlCluster, type ControlListener, namesOf } from './control-cluster.js';

function isOfControl(event: DomainEvent): event is ControlDomainEvent {
  return event.kind.startsWith('control.');
}

/** Tells lines as they happen; heartbeats and the answers to them are left out. */
export function teller(cluster: () => ControlCluster, tell: (line: string) => void): ControlListener {
  let names: ShortNames | null = null;
  const line = (who: string, text: string): void => {
    names ??= new ShortNames(namesOf(cluster()));
    tell(`${Math.floor(cluster().nowMs).toString().padStart(8)}  ${who.padEnd(5)}  ${names.text(text)}`);
  };
  return {
    noted: (host, event) => {
      if (isOfControl(event)) line(host.name, controlText(event));
      else if (event.kind === 'node.halted') line(host.name, `stops itself: ${event.reason}`);
    },
    said: (host, to, _message, bytes) => {
      const { text, isRoutine } = controlContents(bytes);
      if (!isRoutine) line(host.name, `${text}${to}`);
    },
    happened: (text) => line('world', text),
  };
}
