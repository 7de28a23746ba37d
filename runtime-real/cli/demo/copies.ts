/** What each node says by itself: the digest of its copy of a space, and every text that was acknowledged, read through that node alone. */
import { setTimeout as wait } from 'node:timers/promises';
import { EngramError } from '../../../core/errors.js';
import { connectEngram } from '../../client/connect.js';
import type { Engram } from '../../client/engram.js';
import type { FleetNode } from './fleet.js';

export interface Copy {
  readonly name: string;
  readonly memories: number;
  /** Over everything that the copy holds, computed by the node: 16 hexadecimal digits. */
  readonly digest: string;
  /** Of the texts that were expected. */
  readonly missing: number;
  readonly different: number;
}

const readsAtOnce = 64;
const lookEveryMs = 50;

export interface CopiesAsked {
  readonly nodes: readonly FleetNode[];
  readonly space: string;
  /** Texts by id. */
  readonly expected: ReadonlyMap<string, string>;
  /** Copies that are not equal by then are read as they are. */
  readonly equalWithinMs: number;
}

/** Waits until all nodes state the same digest, then looks for every expected text on each of them. */
export async function readCopies({ nodes, space, expected, equalWithinMs }: CopiesAsked): Promise<readonly Copy[]> {
  const untilMs = performance.now() + equalWithinMs;
  const clients = await Promise.all(nodes.map(({ address }) => connectEngram({ servers: [address], learnMembers: false })));
  try {
    let stated = await statedBy(clients, space);
    while (!haveOneDigest(stated) && performance.now() < untilMs) {
      await wait(lookEveryMs);
      stated = await statedBy(clients, space);
    }
    return await Promise.all(
      clients.map(async (client, at) => ({
        name: (nodes[at] as FleetNode).name,
        ...(stated[at] as Stated),
        ...(await lookedFor(client, space, expected)),
      })),
    );
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

export function areEqual(copies: readonly Copy[]): boolean {
  return haveOneDigest(copies) && copies.every(({ missing, different }) => missing === 0 && different === 0);
}

type Stated = Pick<Copy, 'memories' | 'digest'>;

function haveOneDigest(stated: readonly Stated[]): boolean {
  return stated.every(({ digest }) => digest !== '' && digest === stated[0]?.digest);
}

function statedBy(clients: readonly Engram[], space: string): Promise<readonly Stated[]> {
  return Promise.all(
    clients.map(async (client) => {
      // A node that has just started may not answer for a moment.
      const status = await client.status().catch((error: unknown) => {
        if (error instanceof EngramError) return null;
        throw error;
      });
      const copy = status?.spaces.find(({ name }) => name === space);
      return { memories: copy?.memories ?? 0, digest: copy?.digest ?? '' };
    }),
  );
}

async function lookedFor(
  client: Engram,
  space: string,
  expected: ReadonlyMap<string, string>,
): Promise<Pick<Copy, 'missing' | 'different'>> {
  let [missing, different] = [0, 0];
  const ids = [...expected.keys()];
  for (let from = 0; from < ids.length; from += readsAtOnce) {
    const some = ids.slice(from, from + readsAtOnce);
    const found = await Promise.all(some.map((id) => client.space(space).get(id)));
    for (const [at, memory] of found.entries()) {
      if (memory === null) missing += 1;
      else if (memory.text !== expected.get(some[at] as string)) different += 1;
    }
  }
  return { missing, different };
}
