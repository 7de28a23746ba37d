/** What benchmarks write: episodes of 700 bytes with an embedding of 128 floats among them. */
import type { EpisodeInput } from '../runtime-real/index.js';

const sentence = 'The nightly build broke after the upgrade of the compiler; Ana pinned the old version and opened a ticket for the team. ';

/** All different, with the same id for the same number. */
export function episodeOf(at: number): EpisodeInput {
  const embedding = new Float32Array(128);
  let state = Math.imul(at + 1, 0x9e3779b1);
  for (let index = 0; index < embedding.length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    embedding[index] = state / 2 ** 31;
  }
  return { id: `episode-${at}`, text: `${at}: ${sentence}`, embedding, who: 'ana', tags: ['ci'], occurredAt: 1_750_000_000_000 + at };
}

/** The same episodes under ids of this round. */
export function* renamed(episodes: readonly EpisodeInput[], round: string): Generator<EpisodeInput> {
  for (const episode of episodes) yield { ...episode, id: `${episode.id}-${round}` };
}
