/** The stored transcripts of the control log's moments are what happens. */
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { differenceText } from '../transcripts/transcript.js';
import { controlMoments, tellMoment } from './control-moments.js';
import { storedTranscript, transcriptPath } from './stored-transcripts.js';

const moments = suite('moments of the control log');

for (const moment of controlMoments) {
  moments(moment.name, () => {
    const text = tellMoment(moment);
    for (const what of moment.shows) assert.ok(text.includes(what), `it shows: ${what}`);
    const difference = differenceText(storedTranscript(moment.name), text);
    assert.ok(
      difference === '',
      `it differs from the stored one. If that is meant, renew it: npm run control-transcripts -- --rewrite\n${difference}`,
    );
  });
}

moments('every stored transcript is of a moment', () => {
  const stored = readdirSync(dirname(transcriptPath('any')));
  assert.equal(stored.sort(), controlMoments.map(({ name }) => `${name}.txt`).sort());
});

moments.run();
