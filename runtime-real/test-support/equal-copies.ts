/** Whether the copies of a space are equal: what each node says by itself, asked until all say the same. */
import assert from 'node:assert/strict';
import { connectEngram, type Engram, type SpaceStatus } from '../index.js';

/** Beyond this a cluster that had nothing else to do is broken. */
const convergedMsMax = 60_000;
const lookEveryMs = 50;

export interface CopiesExpected {
  readonly space: string;
  /** Nodes that hold a copy; all that are asked when absent. */
  readonly copies?: number;
}

/** Resolves once as many nodes hold the space as are expected and all of them state one digest. */
export async function equalCopies(alone: readonly Engram[], { space, copies = alone.length }: CopiesExpected): Promise<SpaceStatus[]> {
  const untilMs = performance.now() + convergedMsMax;
  for (;;) {
    const statuses = await Promise.all(alone.map((client) => client.status()));
    const held = statuses.flatMap(({ spaces }) => spaces.filter(({ name }) => name === space));
    if (held.length === copies && new Set(held.map(({ digest }) => digest)).size === 1) return held;
    if (performance.now() > untilMs) assert.fail(`the copies are not equal: ${JSON.stringify(held)}`);
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

/** One client for each of the nodes, that asks no other. */
export async function withEachAlone<Result>(
  nodes: readonly { readonly address: string }[],
  use: (alone: readonly Engram[]) => Promise<Result>,
): Promise<Result> {
  const alone = await Promise.all(nodes.map(({ address }) => connectEngram({ servers: [address], learnMembers: false })));
  try {
    return await use(alone);
  } finally {
    await Promise.all(alone.map((client) => client.close()));
  }
}

/** As `equalCopies`, and every acknowledged text is read back from every node; undefined stands for a memory that was forgotten. */
export function assertNothingLost(
  nodes: readonly { readonly address: string }[],
  space: string,
  acknowledged: ReadonlyMap<string, string | undefined>,
): Promise<void> {
  return withEachAlone(nodes, async (alone) => {
    await equalCopies(alone, { space });
    for (const [at, client] of alone.entries()) {
      const ids = [...acknowledged.keys()];
      const found = await Promise.all(ids.map((id) => client.space(space).get(id)));
      for (const [position, id] of ids.entries()) {
        assert.equal(found[position]?.text, acknowledged.get(id), `${id}, asked of ${nodes[at]?.address}`);
      }
    }
  });
}
