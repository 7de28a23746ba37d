import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { NodeInspection } from '../core/engram-node.js';
import type { Author, NodeId, SpaceKey } from '../core/identifiers.js';
import { copyStates } from './history-recorder.js';

const recorder = suite('history recorder');

recorder('a copy that lists a version and covers nothing of its author says so', () => {
  const [damaged, whole] = ['a'.repeat(56) as Author, 'b'.repeat(56) as Author];
  const version = { id: 'm1', sequence: 1, tombstone: false, maximal: true, live: true, contentHash: '00' };
  const versions = [damaged, whole].map((author) => ({ ...version, author }));
  const space = { space: 'default#0' as SpaceKey, versions, coverage: new Map([[whole, [[1, 1] as const]]]) };
  const inspection = { nodeId: null, phase: 'serving', spaces: [space] } as unknown as NodeInspection;
  const [state] = copyStates(inspection, 'n' as NodeId);
  assert.equal(state?.coverage, { [damaged]: [], [whole]: [[1, 1]] });
});

recorder.run();
