/**
 * `engram demo --nodes 1`: embedded mode, in four acts that each say what they show. Nothing is staged: the numbers are those of this run, the crash is
 * a SIGKILL, and what is checked afterwards is checked passage by passage.
 */
import type { Engram } from '../../client/engram.js';
import { openEngram } from '../../client/open.js';
import { count, exitCodes } from '../output.js';
import { importAndKill } from './crash.js';
import type { Passage } from './passages.js';
import { act, heldOut, questionOf, questions, type Stage, showAnswer } from './stage.js';

const spaces = { model: 'passages-minilm', words: 'passages-words', crash: 'passages-crash' } as const;

export async function playEmbedded(stage: Stage, temporary: boolean): Promise<number> {
  const { output, dataDir, passages } = stage;
  const startedAt = performance.now();
  output.say(`${output.colors.bold('Engram')}: ${passages.all.length} passages of real documentation in ${dataDir}`);
  let engram = await openEngram({ dataDir });
  let imported: object;
  let answers: object[];
  try {
    imported = await importBoth(stage, engram);
    answers = [...(await askInWords(stage, engram)), await askByVector(stage, engram)];
  } finally {
    await engram.close();
  }
  const crash = await crashAndReopen(stage);
  engram = crash.engram;
  const survived = await verify(stage, engram, crash.acknowledged).finally(() => engram.close());
  const seconds = (performance.now() - startedAt) / 1_000;
  const ok = survived.missing === 0 && survived.different === 0;
  const whole = {
    ok,
    seconds: Number(seconds.toFixed(2)),
    imported,
    answers,
    crash: { ...crash.report, ...survived },
    dataDir: temporary ? null : dataDir,
  };
  output.answer(whole, () => {
    const end = temporary
      ? 'The data directory is removed again.'
      : `The data is in ${dataDir}: try  engram --data-dir ${dataDir} --space ${spaces.words} recall "…"`;
    return `\n${output.colors.bold(`Done in ${seconds.toFixed(1)} s.`)} ${end}`;
  });
  return ok ? exitCodes.ok : exitCodes.failed;
}

async function importBoth(stage: Stage, engram: Engram): Promise<object> {
  const { output, passages } = stage;
  act(stage, 1, 'Remember', 'Every passage counts only once its bytes are synced to disk. One is held out of the first space, for act 3.');
  const kept = passages.all.filter((passage) => passage !== heldOut(passages));
  const result: Record<string, object> = {};
  const run = async (name: string, source: Iterable<Passage['episode']>, how: string): Promise<void> => {
    const startedAt = performance.now();
    const summary = await engram.space(name).rememberBatch(source, { episodesMax: 64 });
    const ms = performance.now() - startedAt;
    result[name] = { ...summary, ms: Math.round(ms) };
    output.say(`   ${output.colors.cyan(name.padEnd(16))} ${count(summary.written)} passages in ${ms.toFixed(0).padStart(4)} ms, ${how}`);
  };
  const withVectors = kept.map(({ episode, vector }) => ({ ...episode, embedding: vector, embedder: passages.embedder }));
  await run(spaces.model, withVectors, `with their real embeddings (${passages.embedder}, ${passages.dimensions} floats)`);
  const builtIn = engram.embedder;
  await run(
    spaces.words,
    passages.all.map(({ episode }) => episode),
    `embedded here by ${builtIn?.name} (no model, no network)`,
  );
  return result;
}

async function askInWords(stage: Stage, engram: Engram): Promise<object[]> {
  act(
    stage,
    2,
    'Recall by words',
    'Questions in plain words, answered by the built-in embedder. Confidence = what was stored × the chance that it is current and complete.',
  );
  const answers: object[] = [];
  for (const question of questions) {
    const startedAt = performance.now();
    const recalled = await engram.space(spaces.words).recall({ text: question, limit: 3 });
    answers.push(showAnswer(stage, question, recalled, performance.now() - startedAt));
  }
  return answers;
}

async function askByVector(stage: Stage, engram: Engram): Promise<object> {
  const passage = heldOut(stage.passages);
  act(
    stage,
    3,
    'Recall by embedding',
    `The held-out passage asks with its own ${stage.passages.embedder} vector: what is nearest in meaning?`,
  );
  const startedAt = performance.now();
  const cue = { embedding: passage.vector, embedder: stage.passages.embedder, limit: 4 };
  const recalled = await engram.space(spaces.model).recall(cue);
  return showAnswer(stage, questionOf(passage), recalled, performance.now() - startedAt);
}

async function crashAndReopen(stage: Stage): Promise<{ engram: Engram; acknowledged: readonly string[]; report: object }> {
  const { output, dataDir, passages } = stage;
  act(stage, 4, 'Crash', 'Another process imports the passages again and says which are durable. It is killed with SIGKILL in the middle.');
  const episodes = passages.all.map(({ episode }) => episode);
  const killAfter = Math.floor(episodes.length / 3);
  const { acknowledged, given, pid } = await importAndKill({ dataDir, space: spaces.crash, episodes, killAfter });
  output.say(`   process ${pid} was killed after it had acknowledged ${count(acknowledged.length)} of ${count(episodes.length)} passages`);
  const startedAt = performance.now();
  const engram = await openEngram({ dataDir });
  const reopenMs = performance.now() - startedAt;
  output.say(`   reopened in ${reopenMs.toFixed(0)} ms: its lock died with it, and the log was read back`);
  const report = { acknowledged: acknowledged.length, given, passages: episodes.length, reopenMs: Math.round(reopenMs) };
  return { engram, acknowledged, report };
}

interface Survived {
  readonly present: number;
  readonly missing: number;
  readonly different: number;
  /** On disk although the process did not live to say so. */
  readonly beyond: number;
  readonly otherSpacesIntact: boolean;
}

async function verify(stage: Stage, engram: Engram, acknowledged: readonly string[]): Promise<Survived> {
  const { output, passages } = stage;
  const texts = new Map(passages.all.map(({ episode }) => [episode.id, episode.text]));
  const space = engram.space(spaces.crash);
  let [present, missing, different] = [0, 0, 0];
  for (const id of acknowledged) {
    const memory = await space.get(id);
    if (memory === null) missing += 1;
    else if (memory.text !== texts.get(id)) different += 1;
    else present += 1;
  }
  const { spaces: found } = await engram.status();
  const held = (name: string): number => found.find((each) => each.name === name)?.memories ?? 0;
  const beyond = held(spaces.crash) - present - different;
  const otherSpacesIntact = held(spaces.model) === passages.all.length - 1 && held(spaces.words) === passages.all.length;
  const verdict = missing === 0 && different === 0 ? output.colors.green('every one is there') : output.colors.red('LOST');
  output.say(
    `   acknowledged ${count(acknowledged.length)}, found ${count(present)} with the same text, missing ${missing}, different ${different}: ${verdict}`,
  );
  if (beyond > 0) output.say(`   ${count(beyond)} more had reached the disk before the process could say so`);
  output.say(
    `   the other two spaces: ${otherSpacesIntact ? 'untouched' : output.colors.red('changed')} (${count(held(spaces.model))} and ${count(held(spaces.words))} passages)`,
  );
  return { present, missing, different, beyond, otherSpacesIntact };
}
