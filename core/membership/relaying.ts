/**
 * Pings on behalf of others. The node that is pinged says as well whether the other's direct ping had arrived: so the one that asked learns which direction of its link
 * does not work. Without an answer in time it is told so (a nack): then it knows that this node is there and the other is not.
 */
import type { Author } from '../identifiers.js';
import type { Address } from './address.js';
import { writeAuthorField, writeNode } from './fields.js';
import { type MembershipServices, membershipTimers } from './membership-services.js';
import { messageKinds, relayNumbersFrom } from './messages.js';

interface Relay {
  readonly origin: Author;
  readonly originAddress: Address;
  readonly originNumber: number;
  readonly target: string;
  nackMs: number;
}

const relaysMax = 256;
/** The nack must be back before the one that asked gives up: it waits as long again as this node does. */
const nackAfterShare = 0.8;

export class Relaying {
  readonly #services: MembershipServices;
  /** In the order of their nacks: all wait equally long. */
  readonly #relays = new Map<number, Relay>();
  #lastNumber = 0;

  constructor(services: MembershipServices) {
    this.#services = services;
  }

  /** `origin` asks this node to ping the target, and tells under which number it has done so itself. */
  request(
    asked: { readonly origin: Author; readonly originAddress: Address; readonly originNumber: number },
    target: { readonly id: Parameters<typeof writeNode>[1]; readonly address: Address; readonly packet: number },
  ): void {
    const { nowMs, options, effects, table } = this.#services;
    if (this.#relays.size >= relaysMax) {
      this.#services.overloaded('pings on behalf of others');
      return;
    }
    this.#lastNumber = (this.#lastNumber + 1) % relayNumbersFrom;
    const number = relayNumbersFrom + this.#lastNumber;
    const nackMs = nowMs + Math.round(options.probeTimeoutMs * nackAfterShare);
    this.#relays.set(number, { target: target.id, nackMs, ...asked });
    if (this.#relays.size === 1) effects.timers.arm(membershipTimers.nack, nackMs);
    const known = table.get(target.id) ?? null;
    const writer = writeNode(this.#services.packet().u8(messageKinds.relayedPing).u32(number), target.id);
    writeAuthorField(writer, asked.origin).u48(target.packet);
    this.#services.send(target.address, known);
  }

  /** The target has answered. */
  answered(number: number, from: string, direct: number): void {
    const relay = this.#relays.get(number);
    if (relay === undefined || relay.target !== from) return;
    this.#relays.delete(number);
    this.#services.packet().u8(messageKinds.relayedAck).u32(relay.originNumber).u8(direct);
    this.#services.send(relay.originAddress, this.#services.table.byAuthor(relay.origin) ?? null);
  }

  /** The timer has fired. */
  nack(): void {
    const { nowMs, effects, table } = this.#services;
    for (const [number, relay] of this.#relays) {
      if (relay.nackMs > nowMs) {
        effects.timers.arm(membershipTimers.nack, relay.nackMs);
        return;
      }
      this.#relays.delete(number);
      this.#services.packet().u8(messageKinds.nack).u32(relay.originNumber);
      this.#services.send(relay.originAddress, table.byAuthor(relay.origin) ?? null);
    }
  }
}
