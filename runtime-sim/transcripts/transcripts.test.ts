/** The stored transcripts of key protocol moments are what happens. */
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { moments } from './moments.js';
import { differenceText, storedTranscript, transcribe, transcriptPath } from './transcript.js';

const transcripts = suite('transcripts');

for (const moment of moments) {
  transcripts(moment.name, () => {
    const { text, fault } = transcribe(moment);
    assert.is(fault, null);
    for (const what of moment.shows) assert.ok(text.includes(what), `it shows: ${what}`);
    const difference = differenceText(storedTranscript(moment.name), text);
    assert.ok(
      difference === '',
      `it differs from the stored one. If that is meant, renew it: npm run transcripts -- --rewrite\n${difference}`,
    );
  });
}

transcripts('every stored transcript is of a moment', () => {
  const stored = readdirSync(dirname(transcriptPath('any'))).filter((name) => name.endsWith('.txt'));
  assert.equal(stored.sort(), moments.map(({ name }) => `${name}.txt`).sort());
});

transcripts('a difference shows what was stored and what is now, and the lines around', () => {
  const lines = (...changed: string[]): string => ['a', 'b', 'c', 'd', 'e', ...changed, 'f'].join('\n');
  assert.is(differenceText(lines('x'), lines('x')), '');
  assert.is(differenceText(lines('x'), lines('y')), ' c\n d\n e\n-x\n+y\n f');
  assert.is(differenceText('', 'new'), '-\n+new');
  assert.is(differenceText(lines(), lines('more')), ' c\n d\n e\n+more\n f');
});

transcripts.run();
