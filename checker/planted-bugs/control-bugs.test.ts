import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { controlBugs } from './control-bugs.js';

const bugs = suite('planted bugs of the control log');

for (const { name, module, find, replace } of controlBugs.filter((bug) => !bug.pending)) {
  bugs(`${name} bites where it says: the passage occurs exactly once and is changed`, () => {
    const source = readFileSync(new URL(`../../${module}`, import.meta.url), 'utf8');
    assert.is(source.split(find).length, 2);
    assert.is.not(find, replace);
  });
}

bugs.run();
