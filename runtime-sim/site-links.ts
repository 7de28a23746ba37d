/** The links of experiments with one part of the core alone: one site, round trips of about a millisecond, nothing lost. */
import type { LinkRates } from '../scenarios/fault-plan.js';

export const siteLinks: LinkRates = {
  delayUsMin: 100,
  jitterUs: 800,
  slow: 0.001,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  reorderUs: 0,
  bytesPerUs: 120,
};
