/**
 * Compares the stored transcripts with what happens now, or writes them anew:
 *
 *     npm run transcripts
 *     npm run transcripts -- --rewrite
 *
 * Read what it writes before it is kept: a transcript that changed says that the protocol did, or how long something takes.
 */
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { exitCodes } from '../exit-codes.js';
import { moments } from './moments.js';
import { differenceText, storedTranscript, transcribe, transcriptPath } from './transcript.js';

const { rewrite } = new Command('transcripts').option('--rewrite', 'write what differs').parse().opts<{ rewrite?: boolean }>();

for (const moment of moments) {
  const { name } = moment;
  const { text, fault } = transcribe(moment);
  const difference = differenceText(storedTranscript(name), text);
  const missing = moment.shows.filter((what) => !text.includes(what));
  if (fault !== null || missing.length > 0) {
    process.stderr.write(`${name}: ${fault ?? `does not show: ${missing.join('; ')}`}\n`);
    process.exitCode = exitCodes.violation;
  } else if (difference === '') process.stdout.write(`${name}: as stored\n`);
  else if (rewrite === true) {
    writeFileSync(transcriptPath(name), text);
    process.stdout.write(`${name}: written\n`);
  } else {
    process.stdout.write(`${name}: differs\n${difference}\n`);
    process.exitCode = exitCodes.violation;
  }
}
