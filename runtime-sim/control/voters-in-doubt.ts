/**
 * Which voters may have forgotten what they said, because something rotted that was synced of their logs; and whom that may happen to now. A minority of the voters
 * has forgotten something at a time (decision 15): by every electorate that any of them goes by, also when those in doubt vote again before anybody knows.
 */
import type { Draws } from '../../scenarios/random-streams.js';
import { syncedGroups } from '../disk-contents.js';
import type { ControlHost } from './control-host.js';

const rottenBytes = 4;

export class VotersInDoubt {
  readonly #hosts: readonly ControlHost[];
  /** With the incarnation that it happened in; a later one finds out. */
  readonly #since = new Map<ControlHost, number>();

  constructor(hosts: readonly ControlHost[]) {
    this.#hosts = hosts;
  }

  /** Voters that follow the leader, have a log of which something can rot, and may forget. */
  candidates(leader: ControlHost): readonly ControlHost[] {
    for (const [host, incarnation] of this.#since) if (votesAgain(host, incarnation, leader)) this.#since.delete(host);
    const voters = leader.inspect()?.raft?.configuration.voters ?? [];
    return this.#hosts.filter(
      (host) =>
        voters.includes(host.id) &&
        host !== leader &&
        host.inspect()?.raft?.leader === leader.id &&
        this.#keepsQuorums(host) &&
        rottableGroups(host).length > 0,
    );
  }

  #keepsQuorums(host: ControlHost): boolean {
    const inDoubt = new Set([...this.#since.keys(), host].map(({ id }) => id));
    const electorates = this.#hosts.map((each) => each.inspect()?.raft?.configuration.voters ?? []);
    return electorates.every((voters) => {
      if (voters.length === 0) return true;
      const left = voters.filter((voter) => !inDoubt.has(voter)).length;
      return 2 * left > new Set([...voters, ...inDoubt]).size;
    });
  }

  /** Its power is gone: something rots that was synced, and is known to have been. */
  rot(host: ControlHost, draws: Draws): void {
    const { file, offset, bytes } = draws.pick(rottableGroups(host));
    file.rot(offset + draws.integer({ min: 0, max: Math.max(0, bytes - rottenBytes) }), rottenBytes, draws);
    this.#since.set(host, host.incarnation);
  }
}

/** Of the newest group no other says that it was synced: without its last bytes it is a torn tail. */
function rottableGroups({ disk }: ControlHost): ReturnType<typeof syncedGroups> {
  return syncedGroups(disk).slice(0, -1);
}

function votesAgain(host: ControlHost, incarnation: number, leader: ControlHost): boolean {
  const control = host.inspect();
  if (host.incarnation <= incarnation || control === null || control.isDamaged || control.raft === null) return false;
  return leader.inspect()?.raft?.configuration.voters.includes(host.id) ?? false;
}
