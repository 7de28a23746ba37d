import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { plantedBugs } from './catalogue.js';

const catalogue = suite('planted bugs');
const root = new URL('../../', import.meta.url);

catalogue('have names of their own', () => {
  assert.is(new Set(plantedBugs.map(({ name }) => name)).size, plantedBugs.length);
  assert.ok(plantedBugs.every(({ name }) => /^[a-z]+(-[a-z]+)+$/.test(name)));
  assert.ok(plantedBugs.filter(({ pending }) => !pending).length >= 15);
});

catalogue('must be found within 200 seeds', () => {
  assert.ok(plantedBugs.every(({ seedsNeeded }) => seedsNeeded > 0 && seedsNeeded <= 200));
});

catalogue('bite where they say: the passage occurs exactly once and is changed', () => {
  for (const bug of plantedBugs) {
    if (bug.pending) continue;
    const source = readFileSync(new URL(bug.module, root), 'utf8');
    assert.is(source.split(bug.find).length, 2, `${bug.name}: the passage to rewrite must occur once in ${bug.module}`);
    assert.is.not(bug.find, bug.replace);
  }
});

catalogue.run();
