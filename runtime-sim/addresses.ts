/**
 * Where the datagrams of each node go. An address says where and not who: a machine that comes back may have another one, and what is sent to the old one
 * then reaches nobody. Discovery knows the present addresses of the names that it was given.
 */
import type { Address } from '../core/membership/address.js';
import type { RunPlan } from '../scenarios/run-plan.js';

const membershipPort = 7_946;

export class Addresses {
  readonly #names: readonly string[];
  readonly #moves: number[];
  readonly #current: Address[];
  readonly #places = new Map<Address, number>();

  constructor({ nodes }: Pick<RunPlan, 'nodes'>) {
    this.#names = nodes;
    this.#moves = nodes.map(() => 0);
    this.#current = nodes.map((name, index) => this.#take(index, name));
  }

  of(index: number): Address {
    return this.#current[index];
  }

  /** The node that can be reached there; undefined when nobody can. */
  placeOf(address: Address): number | undefined {
    return this.#places.get(address);
  }

  /** The machine gets another address; nobody has its old one. */
  move(index: number): void {
    this.#places.delete(this.#current[index]);
    this.#moves[index] += 1;
    this.#current[index] = this.#take(index, `${this.#names[index]}-${this.#moves[index] + 1}`);
  }

  #take(index: number, host: string): Address {
    const address = `${host}:${membershipPort}` as Address;
    this.#places.set(address, index);
    return address;
  }
}
