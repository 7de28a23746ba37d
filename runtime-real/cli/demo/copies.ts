/** What each node answers by itself: every memory of a space read through that node alone, and a digest over all of it. */
import { createHash } from 'node:crypto';
import { connectEngram } from '../../client/connect.js';
import type { FleetNode } from './fleet.js';

export interface Copy {
  readonly name: string;
  readonly memories: number;
  /** Over id, version and text of every memory, in order of the ids: 16 hexadecimal digits. Equal when the copies are. */
  readonly digest: string;
  /** Of the texts that were expected. */
  readonly missing: number;
  readonly different: number;
}

const readsAtOnce = 64;

/** Reads the copy of a node: `expected` are texts by id. */
export async function readCopy(node: FleetNode, space: string, expected: ReadonlyMap<string, string>): Promise<Copy> {
  const engram = await connectEngram({ servers: [node.address], learnMembers: false });
  try {
    const hash = createHash('sha256');
    let [memories, missing, different] = [0, 0, 0];
    const ids = [...expected.keys()].sort();
    for (let from = 0; from < ids.length; from += readsAtOnce) {
      const some = ids.slice(from, from + readsAtOnce);
      const found = await Promise.all(some.map((id) => engram.space(space).get(id)));
      for (const [at, memory] of found.entries()) {
        const id = some[at] as string;
        if (memory === null) missing += 1;
        else {
          memories += 1;
          if (memory.text !== expected.get(id)) different += 1;
          hash.update(JSON.stringify([id, memory.version, memory.text]));
        }
      }
    }
    return { name: node.name, memories, digest: hash.digest('hex').slice(0, 16), missing, different };
  } finally {
    await engram.close();
  }
}

export function areEqual(copies: readonly Copy[]): boolean {
  return copies.every(({ digest, missing, different }) => digest === copies[0]?.digest && missing === 0 && different === 0);
}
