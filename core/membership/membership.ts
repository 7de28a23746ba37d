/**
 * Who is in the cluster, and who of them is alive, as far as this node can tell. This file wires the parts together and hands each event to the part that
 * it is for. So far a node knows itself alone and its seeds; it refuses every packet.
 *
 * Follows SWIM (Das, Gupta, Motivala 2002) and Lifeguard (Dadgar, Phillips, Currey 2017).
 */
import type { Effects } from '../effects.js';
import type { MembershipEvent, Now } from '../events.js';
import type { Boot, NodeId } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import type { Address } from './address.js';
import type { Incarnation, MembershipInspection, PartitionState } from './inspection.js';
import type { MembershipOptions } from './options.js';
import { type PacketFault, packetFaults } from './packet-faults.js';

/** What membership needs of the node that it belongs to: a host without a store can give it as well. */
export interface MembershipWorld {
  readonly self: NodeId;
  readonly boot: Boot;
  readonly clusterId: string;
  readonly options: MembershipOptions;
  readonly effects: Pick<Effects, 'datagrams' | 'exchanges' | 'timers' | 'journal'>;
  readonly pure: PureFunctions;
}

export class Membership {
  readonly #world: MembershipWorld;
  readonly #incarnation: Incarnation;
  #seeds: readonly Address[] = [];
  #hasLeft = false;
  #startedMs = 0;
  #received = { packets: 0, bytes: 0 };
  readonly #rejected = Object.fromEntries(packetFaults.map((fault) => [fault, 0])) as Record<PacketFault, number>;

  constructor(world: MembershipWorld) {
    this.#world = world;
    this.#incarnation = { boot: world.boot, refutation: 0 };
  }

  start(now: Now): void {
    const { self, options, effects } = this.#world;
    this.#startedMs = now.monotonicMs;
    effects.journal.note({ kind: 'membership.started', node: self, address: options.address, incarnation: this.#incarnation });
  }

  handle(event: MembershipEvent, _now: Now): void {
    const { journal } = this.#world.effects;
    switch (event.kind) {
      case 'datagram': {
        this.#received.packets += 1;
        this.#received.bytes += event.bytes.length;
        this.#rejected['not a packet'] += 1;
        const count = this.#rejected['not a packet'];
        journal.note({ kind: 'packet.rejected', reason: 'not a packet', from: event.from, bytes: event.bytes.length, count });
        return;
      }
      case 'seeds':
        this.#seeds = event.addresses;
        return;
      case 'leave':
        this.#hasLeft = true;
        journal.note({ kind: 'membership.left', packets: 0 });
        return;
      default:
    }
  }

  /** Whether the timer is one of membership's. */
  timer(name: string, _now: Now): boolean {
    return name.startsWith('membership.');
  }

  get partitionState(): PartitionState {
    return 'connected';
  }

  inspect(): MembershipInspection {
    const { self, options } = this.#world;
    return {
      node: self,
      members: [
        {
          node: self,
          isSelf: true,
          state: 'alive',
          isPrivate: false,
          incarnation: this.#incarnation,
          address: options.address,
          metadata: options.metadata,
          sinceMs: this.#startedMs,
          heardMs: null,
          roundTripMs: null,
          inbound: 'works',
          outbound: 'works',
        },
      ],
      localHealth: 0,
      partition: this.partitionState,
      reachable: 1,
      total: 1,
      brokenLinks: [],
      seeds: this.#seeds,
      hasLeft: this.#hasLeft,
      counters: {
        packetsSent: 0,
        packetsReceived: this.#received.packets,
        bytesSent: 0,
        bytesReceived: this.#received.bytes,
        exchangesAsked: 0,
        exchangesAnswered: 0,
        exchangesFailed: 0,
        exchangeBytesSent: 0,
        exchangeBytesReceived: 0,
        probes: 0,
        probesFailed: 0,
        suspicionsRaised: 0,
        suspicionsConfirmed: 0,
        deathsDeclared: 0,
        refutationsMade: 0,
        refutationsSeen: 0,
        rejected: { ...this.#rejected },
      },
    };
  }
}
