/** All planted bugs. Every checker has some that it must catch (SPEC section 6, rule 11). */
import type { PlantedBug } from './planted-bug.js';

export type { PlantedBug } from './planted-bug.js';

export const plantedBugs: readonly PlantedBug[] = [];

/** Bugs whose subject is not built yet: listed as pending. */
export const plantedBugsPending: readonly { readonly name: string; readonly scenario: string }[] = [];
