/**
 * What the core may ask of the world. Write-only: a call records an intent and returns nothing; what comes of it arrives later as an event
 * (events.ts). The core chooses the ticket that ties the two. Effects are performed after `handle` has returned, in the order of the calls.
 *
 * Two runtimes implement these: real files, sockets and threads; or the simulator's models of them.
 */

import type { ComputeJob } from './compute.js';
import type { DomainEvent } from './domain-events.js';
import type { NodeId } from './identifiers.js';
import type { Address } from './membership/address.js';
import type { Reply } from './wire/generated/engram/v1/service.js';

/** Ties a disk or compute effect to the event that reports its outcome. Unique within one boot. */
export type Ticket = number;

/** Ties a reply to the request event that it answers; chosen by the runtime. */
export type RequestHandle = number;

/** Ties an answer to the `exchange` event that it answers; chosen by the runtime. */
export type ExchangeHandle = number;

export interface Network {
  /**
   * Sends one datagram-like message to a peer: it may be lost, duplicated, delayed or reordered, and is at most `messageBytesMax` long.
   * The bytes are not changed by the core after the call and not changed by the runtime ever.
   */
  send(to: NodeId, message: Uint8Array): void;
}

/** Longest packet: what passes everywhere without being taken apart. */
export const datagramBytesMax = 1_400;

export interface Datagrams {
  /** Sends one packet of at most `datagramBytesMax` bytes: it may be lost, doubled, late. The core does not change the bytes after the call. */
  send(to: Address, packet: Uint8Array): void;
}

/** Longest question or answer of an exchange. */
export const exchangeBytesMax = 2 ** 20;

/** One question and one answer over a reliable channel: for what is too long for a packet, and for when packets do not arrive. */
export interface Exchanges {
  /** Ends in exactly one `exchanged` event with this ticket, also when it fails or nobody answers. */
  ask(to: Address, bytes: Uint8Array, ticket: Ticket): void;
  /** Answers a question, once. Who asked may have gone: then nothing happens. */
  answer(handle: ExchangeHandle, bytes: Uint8Array): void;
}

/**
 * Files of one data directory, by name, no subdirectories. Operations on one file take effect in the order of the calls; each ends in exactly one
 * `disk` event with its ticket. Parts handed over are not changed by the core until that event.
 */
export interface Disk {
  /** All files with their sizes in bytes, sorted by name. */
  list(ticket: Ticket): void;
  /** `length` bytes from `offset`; fewer when the file ends before. A missing file fails with ENOENT. */
  read(file: string, span: { readonly offset: number; readonly length: number }, ticket: Ticket): void;
  /**
   * Makes the file at least `bytes` long, space on the medium guaranteed, new bytes zero; creates it, durably in its directory, when missing.
   * Fails with ENOSPC without damage to what was there.
   */
  reserve(file: string, bytes: number, ticket: Ticket): void;
  /** Writes the parts one after another from `offset` on. Not durable before a later `sync` of the file has succeeded. */
  write(file: string, offset: number, parts: readonly Uint8Array[], ticket: Ticket): void;
  /** Makes all completed writes of the file durable (fdatasync). After a failure nothing is known: the core halts. */
  sync(file: string, ticket: Ticket): void;
  /** Atomically and durably replaces a small file: readers see the old or the new bytes, whole. */
  replace(file: string, bytes: Uint8Array, ticket: Ticket): void;
  /** Removes a file; its directory entry is gone durably when reported. Removing a missing file succeeds. */
  remove(file: string, ticket: Ticket): void;
}

export interface Timers {
  /** Delivers one `timer` event at monotonic time `atMs` or later. Arming an armed name moves it. */
  arm(name: string, atMs: number): void;
  disarm(name: string): void;
}

export interface Compute {
  /** Runs a pure kernel on pinned inputs outside `handle`; the result is a `compute` event. */
  run(job: ComputeJob, ticket: Ticket): void;
}

export interface Replies {
  /** Answers a request, once. */
  send(request: RequestHandle, reply: Reply): void;
}

export interface Journal {
  /** Notes a domain event as data: logs, metrics, event stream, trace and rare-state marks are all made from these. */
  note(event: DomainEvent): void;
}

export interface Lifecycle {
  /** Stops this process at once, as a crash would: used when going on could break a promise (a failed sync or append). */
  halt(reason: string): void;
}

export interface Effects {
  readonly network: Network;
  /** Used by membership alone: never, when the configuration has none. */
  readonly datagrams: Datagrams;
  readonly exchanges: Exchanges;
  readonly disk: Disk;
  readonly timers: Timers;
  readonly compute: Compute;
  readonly replies: Replies;
  readonly journal: Journal;
  readonly lifecycle: Lifecycle;
}
