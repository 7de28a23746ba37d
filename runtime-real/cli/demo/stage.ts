/** What the acts of both demos share: where they speak, the passages, the questions, and how answers look. */
import type { Answerer, Recalled } from '../../client/types.js';
import { count, type Output, oneLine, percent } from '../output.js';
import type { Passage, Passages } from './passages.js';

export interface Stage {
  readonly output: Output;
  readonly passages: Passages;
  /** Where everything is kept. */
  readonly dataDir: string;
}

export const questions = [
  'How do I deploy an application to Cloud Foundry?',
  'How can I add a custom column to a table?',
  'Can I preview an application with mock data?',
  'What is the flexible column layout and how is it configured?',
];

const heldOutTitle = 'Rich Text Editor';

/** The passage that is kept out of the space it asks. */
export function heldOut(passages: Passages): Passage {
  return passages.all.find(({ title }) => title === heldOutTitle) ?? (passages.all[0] as Passage);
}

/** A vector has no words: what the question that it stands for is about. */
export function questionOf(passage: Passage): string {
  return `[vector of] ${passage.title}: ${oneLine(passage.episode.text.replace(/^.*INTRODUCTION\**:/s, ''), 90)}`;
}

export function act({ output }: Stage, number: number, title: string, shows: string): void {
  output.say(`\n${output.colors.bold(output.colors.green(`${number}. ${title}`))}\n   ${output.colors.dim(shows)}`);
}

/** In a few words: who answers, in which role, and what stands behind it. */
export function standingText({ nodeName, role, confirmed, epoch, lagRecords }: Answerer): string {
  if (role === 'primary') return confirmed ? `${nodeName}, primary` : `${nodeName}, provisional primary (term ${epoch.provisionalCounter})`;
  return `${nodeName}, replica${lagRecords > 0 ? `, ${count(lagRecords)} records behind` : ''}`;
}

/** Prints an answer as a table and returns it as data. */
export function showAnswer({ output, passages }: Stage, question: string, recalled: Recalled, ms: number, standing = ''): object {
  const titles = new Map(passages.all.map(({ episode, title }) => [episode.id, title]));
  const memories = recalled.memories.map((memory) => ({
    id: memory.id,
    title: titles.get(memory.id) ?? memory.id,
    excerpt: oneLine(memory.text.replace(/^.{0,400}INTRODUCTION\**:\**/s, ''), 80),
    score: Number(memory.score.toFixed(4)),
    confidence: memory.confidence,
  }));
  const columns = [{ title: 'score', width: 8, right: true }, { title: 'confidence', width: 12, right: true }, { title: 'passage' }];
  const rows = memories.map(({ title, excerpt, score, confidence }) => [
    score.toFixed(3),
    percent(confidence.adjusted),
    `${output.colors.cyan(oneLine(title, 80))}\n${output.colors.dim(excerpt)}`,
  ]);
  const how = `${ms.toFixed(1)} ms, ${count(recalled.coverage.searched)} searched${standing === '' ? '' : `, answered by ${standing}`}`;
  output.say(`\n   ${output.colors.bold(question)}  ${output.colors.dim(how)}`);
  output.say(output.table(columns, rows));
  return { question, ms: Number(ms.toFixed(2)), memories };
}
