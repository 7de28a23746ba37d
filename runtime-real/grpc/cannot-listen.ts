/** Why an address cannot be listened on, with the key to change; and what happens to a standard port that is taken. */
import { EngramError } from '../../core/errors.js';
import { portOf, withPort } from '../config/addresses.js';
import type { Tell } from '../node/runtime-events.js';
import { portHolder } from './port-holder.js';

/** `key` is where the address was said, `node.listen`. */
export function cannotListen(address: string, error: Error, key: string): EngramError {
  if (!isTaken(error)) {
    return new EngramError('INVALID_ARGUMENT', {
      message: `cannot listen on ${address}: ${error.message}`,
      field: key,
      hint: `give an address of this machine in ${key}${flagOf(key)}`,
      cause: error,
    });
  }
  const holder = portHolder(portOf(address));
  return new EngramError('UNAVAILABLE', {
    message: `cannot listen on ${address}: the port is in use${holder === null ? '' : ` by ${holder}`}`,
    field: key,
    hint: `stop the other process, or give another port in ${key}${flagOf(key)}`,
    cause: error,
  });
}

function isTaken(error: Error): boolean {
  return error.message.includes('EADDRINUSE');
}

function flagOf(key: string): string {
  return key === 'node.listen' ? ' (--listen)' : ` (ENGRAM_${key.replace('.', '_').toUpperCase()})`;
}

export interface Wish {
  readonly key: string;
  /** As configured; empty: nobody has said anything. */
  readonly said: string;
  /** What it is then. */
  readonly standard: string;
  readonly tell: Tell;
}

/**
 * Listens where it was said. A standard port that another process holds, such as the next node on the same machine, gives way to a free one, which is told;
 * one that somebody has asked for does not.
 */
export async function listenAsWished<Listening>(wish: Wish, listen: (address: string) => Promise<Listening>): Promise<Listening> {
  const address = wish.said || wish.standard;
  try {
    return await listen(address);
  } catch (error) {
    if (wish.said !== '' || !isTaken(error as Error)) throw cannotListen(address, error as Error, wish.key);
    wish.tell({ kind: 'port.taken', key: wish.key, address });
    const free = withPort(address, 0);
    return await listen(free).catch((failure: Error) => {
      throw cannotListen(free, failure, wish.key);
    });
  }
}
