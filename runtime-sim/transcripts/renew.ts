/**
 * Compares the stored transcripts with what happens now, or writes them anew:
 *
 *     npm run transcripts
 *     npm run transcripts -- --rewrite
 *     npm run transcripts -- --traces FOLDER
 *
 * With `--traces` the whole run of each moment is written as a trace file, to be told at length or drawn by `engram-sim trace`.
 * Read what it writes before it is kept: a transcript that changed says that the protocol did, or how long something takes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { exitCodes, SetupError } from '../exit-codes.js';
import { TraceFile } from '../trace/trace-file.js';
import { moments } from './moments.js';
import { differenceText, runMoment, storedTranscript, transcribe, transcriptPath } from './transcript.js';

const { rewrite, traces } = new Command('transcripts')
  .option('--rewrite', 'write what differs')
  .option('--traces <folder>', 'write the trace of each moment there')
  .parse()
  .opts<{ rewrite?: boolean; traces?: string }>();

if (traces !== undefined) {
  mkdirSync(traces, { recursive: true });
  for (const moment of moments) {
    const file = new TraceFile(join(traces, `${moment.name}.jsonl`));
    runMoment(moment, file);
    const broken = file.close();
    if (broken !== null) throw new SetupError(`the trace of ${moment.name} is incomplete: ${broken}`, 'give another folder');
  }
}

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
