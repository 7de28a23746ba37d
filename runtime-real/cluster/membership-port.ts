/**
 * Where membership meets the network: datagrams and exchanges under one address, UDP and TCP on the same port. Open before there is a node, because the node
 * says its address to others from its first packet on.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Datagrams, ExchangeHandle, Exchanges, Ticket } from '../../core/effects.js';
import { EngramError } from '../../core/errors.js';
import type { MembershipEvent } from '../../core/events.js';
import { type Address, parseAddress } from '../../core/membership/address.js';
import { hostOf, joined, portOf, withPort } from '../config/addresses.js';
import type { NodeSettings } from '../config/settings.js';
import { type DatagramCounts, DatagramSocket } from '../datagram/datagram-socket.js';
import { ExchangeChannel, type ExchangeCounts } from '../datagram/exchange-channel.js';
import { listenAsWished } from '../grpc/cannot-listen.js';
import type { Tell } from '../node/runtime-events.js';

export const standardMembershipPort = 7946;
/** A port that is free for UDP may be taken for TCP: another one is tried this often. */
const portsTriedMax = 20;

export class MembershipPort {
  /** What it listens on, with the port that it got. */
  readonly listen: string;
  /** What others are told. */
  readonly address: Address;
  readonly datagrams: Datagrams;
  readonly exchanges: Exchanges;
  readonly #socket: DatagramSocket;
  readonly #channel: ExchangeChannel;
  #submit: ((event: MembershipEvent) => void) | null = null;

  private constructor(parts: { listen: string; address: Address; socket: DatagramSocket; channel: ExchangeChannel; deadlineMs: number }) {
    this.listen = parts.listen;
    this.address = parts.address;
    this.#socket = parts.socket;
    this.#channel = parts.channel;
    this.datagrams = { send: (to, packet) => this.#socket.send(to, packet) };
    this.exchanges = {
      ask: (to, bytes, ticket) => this.#ask(to, bytes, { ticket, deadlineMs: parts.deadlineMs }),
      answer: (handle: ExchangeHandle, bytes) => this.#channel.answer(handle, bytes),
    };
  }

  /** Binds what the settings say. Rejects with an EngramError that names the key. */
  static async open({ node, membership }: NodeSettings, tell: Tell): Promise<MembershipPort> {
    const wish = {
      key: 'membership.listen',
      said: membership.listen === '' ? '' : await numeric(membership.listen, 'membership.listen'),
      standard: withPort(await numeric(node.listen, 'node.listen'), standardMembershipPort),
      tell,
    };
    const bound = await listenAsWished(wish, (address) => bind(address, tell));
    const { socket, channel, listen } = bound;
    try {
      const said = await numeric(membership.advertise || listen, 'membership.advertise');
      const address = parseAddress(portOf(said) === 0 ? withPort(said, socket.port) : said);
      if (address === null) throw cannotAdvertise(said, 'it is no address that anybody could send to');
      return new MembershipPort({ listen, address, socket, channel, deadlineMs: membership.exchangeTimeoutMs });
    } catch (error) {
      socket.close();
      channel.close();
      throw error;
    }
  }

  /** Who hears what comes in from now on. */
  start(submit: (event: MembershipEvent) => void): void {
    this.#submit = submit;
    this.#socket.start((from, bytes) => {
      const address = parseAddress(from);
      if (address !== null) submit({ kind: 'datagram', from: address, bytes });
    });
    this.#channel.start((handle, bytes) => submit({ kind: 'exchange', handle, from: null, bytes }));
  }

  get counts(): { readonly datagrams: DatagramCounts; readonly exchanges: ExchangeCounts } {
    return { datagrams: this.#socket.counts, exchanges: this.#channel.counts };
  }

  close(): void {
    this.#submit = null;
    this.#socket.close();
    this.#channel.close();
  }

  #ask(to: Address, bytes: Uint8Array, { ticket, deadlineMs }: { ticket: Ticket; deadlineMs: number }): void {
    this.#channel.ask(to, bytes, { deadlineMs, done: (answer) => this.#submit?.({ kind: 'exchanged', ticket, bytes: answer }) });
  }
}

interface Bound {
  readonly socket: DatagramSocket;
  readonly channel: ExchangeChannel;
  readonly listen: string;
}

async function bind(address: string, tell: Tell): Promise<Bound> {
  for (let tried = 1; ; tried += 1) {
    const socket = await DatagramSocket.open(address, tell);
    const channel = new ExchangeChannel();
    const listen = withPort(address, socket.port);
    try {
      await channel.listen(listen);
      return { socket, channel, listen };
    } catch (error) {
      socket.close();
      channel.close();
      if (portOf(address) !== 0 || tried >= portsTriedMax) throw error;
    }
  }
}

/** The address with its host as a number: nothing is looked up when a packet is to go. */
async function numeric(address: string, key: string): Promise<string> {
  const host = hostOf(address);
  if (isIP(host) !== 0) return address;
  try {
    const { address: found } = await lookup(host);
    return joined(found, portOf(address));
  } catch (error) {
    throw cannotAdvertise(address, `the host ${host} has no known address (${(error as Error).message})`, key);
  }
}

function cannotAdvertise(address: string, why: string, key = 'membership.advertise'): EngramError {
  return new EngramError('INVALID_ARGUMENT', {
    message: `${key} = ${JSON.stringify(address)}: ${why}`,
    field: key,
    hint: `give an IP address of this machine in ${key} (ENGRAM_${key.replace('.', '_').toUpperCase()})`,
  });
}
