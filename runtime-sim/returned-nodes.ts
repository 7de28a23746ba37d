/**
 * Sees, from outside, nodes that were removed while they were away and come back with writes that are on no other disk: the rare state that everything about handing over is
 * for. Disks are compared the moment such a node learns that it was removed; it counts once the node lets go of a space of which it alone had something then.
 */
import type { DomainEvent } from '../core/domain-events.js';
import type { SpaceKey } from '../core/identifiers.js';
import { syncedDots } from './disk-contents.js';
import type { DiskModel } from './disk-model.js';

export class ReturnedNodes {
  /** By place, the spaces of which its node alone had records when it came back. */
  readonly #broughtBack = new Map<number, ReadonlySet<SpaceKey>>();

  /** What a node notes; true when it has just handed over what it had brought back alone. */
  hasHandedOver(index: number, event: DomainEvent, hosts: () => readonly { readonly disk: DiskModel }[]): boolean {
    if (event.kind === 'control.removed') {
      const disks = hosts().map(({ disk }) => disk);
      this.#broughtBack.set(index, spacesAloneAt(index, disks));
    }
    return event.kind === 'space.handed-over' && this.#broughtBack.get(index)?.has(event.space) === true;
  }
}

/** Dots are written as `space sequence@author`. */
function spacesAloneAt(index: number, disks: readonly DiskModel[]): ReadonlySet<SpaceKey> {
  const elsewhere = new Set(disks.flatMap((disk, at) => (at === index ? [] : [...syncedDots(disk)])));
  const alone = [...syncedDots(disks[index])].filter((dot) => !elsewhere.has(dot));
  return new Set(alone.map((dot) => dot.slice(0, dot.indexOf(' ')) as SpaceKey));
}
