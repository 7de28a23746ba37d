/**
 * Ties disk effects to what is to be done when they have ended: the core's one registry of disk tickets.
 */
import type { Disk, Ticket } from '../effects.js';
import type { DiskResult, Now } from '../events.js';

export type DiskHandler = (result: DiskResult, now: Now) => void;

export class DiskCalls {
  readonly #disk: Disk;
  readonly #handlers = new Map<Ticket, DiskHandler>();
  #lastTicket: Ticket = 0;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  #ticket(handler: DiskHandler): Ticket {
    this.#lastTicket += 1;
    this.#handlers.set(this.#lastTicket, handler);
    return this.#lastTicket;
  }

  list(handler: DiskHandler): void {
    this.#disk.list(this.#ticket(handler));
  }

  read(file: string, span: { readonly offset: number; readonly length: number }, handler: DiskHandler): void {
    this.#disk.read(file, span, this.#ticket(handler));
  }

  reserve(file: string, bytes: number, handler: DiskHandler): void {
    this.#disk.reserve(file, bytes, this.#ticket(handler));
  }

  write(file: string, offset: number, parts: readonly Uint8Array[], handler: DiskHandler): void {
    this.#disk.write(file, offset, parts, this.#ticket(handler));
  }

  sync(file: string, handler: DiskHandler): void {
    this.#disk.sync(file, this.#ticket(handler));
  }

  replace(file: string, bytes: Uint8Array, handler: DiskHandler): void {
    this.#disk.replace(file, bytes, this.#ticket(handler));
  }

  remove(file: string, handler: DiskHandler): void {
    this.#disk.remove(file, this.#ticket(handler));
  }

  /** Delivers the outcome of one effect. A ticket that is not waited for is of an earlier boot and means nothing. */
  settle(ticket: Ticket, result: DiskResult, now: Now): void {
    const handler = this.#handlers.get(ticket);
    if (handler === undefined) return;
    this.#handlers.delete(ticket);
    handler(result, now);
  }
}
