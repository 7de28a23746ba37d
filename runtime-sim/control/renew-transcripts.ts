/**
 * Compares the stored transcripts of the control log with what happens now, or writes them anew:
 *
 *     npm run control-transcripts
 *     npm run control-transcripts -- --rewrite
 *
 * Read what it writes before it is kept: a transcript that changed says that the protocol did, or how long something takes.
 */
import { writeFileSync } from 'node:fs';
import { differenceText } from '../transcripts/transcript.js';
import { controlMoments, tellMoment } from './control-moments.js';
import { storedTranscript, transcriptPath } from './stored-transcripts.js';

const rewrite = process.argv.includes('--rewrite');
for (const moment of controlMoments) {
  const { name, shows } = moment;
  const text = tellMoment(moment);
  const missing = shows.filter((what) => !text.includes(what));
  const difference = differenceText(storedTranscript(name), text);
  if (missing.length > 0) {
    process.stdout.write(`${name}: does not show: ${missing.join('; ')}\n${text}`);
    process.exitCode = 1;
  } else if (difference === '') process.stdout.write(`${name}: as stored\n`);
  else if (rewrite) {
    writeFileSync(transcriptPath(name), text);
    process.stdout.write(`${name}: written\n`);
  } else {
    process.stdout.write(`${name}: differs\n${difference}\n`);
    process.exitCode = 1;
  }
}
