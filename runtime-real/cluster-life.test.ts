/**
 * A short life of a cluster of real processes under load: three kills of a primary, a sixth node let in, one taken out in good order. No acknowledged write is lost, and no
 * space is ever without a copy that answers. `npm run bench -- cluster-life` is the long form, with timings.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clusterLife } from './test-support/cluster-life.js';

const life = suite('life of a cluster');
const kills = 3;

life('kills, a node more and a node less lose nothing that was acknowledged, and leave no space without a copy that serves', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'engram-life-'));
  try {
    const { failovers, joined, left, acknowledged, lost, reads, unansweredReads } = await clusterLife({
      folder,
      kills,
      spaces: 4,
      restMs: 0,
    });
    assert.is(failovers.length, kills);
    assert.ok(joined.copies > 0 && left.copies > 0, JSON.stringify({ joined, left }));
    assert.ok(acknowledged > 0 && reads > 0);
    assert.equal(lost, []);
    assert.is(unansweredReads, 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

life.run();
