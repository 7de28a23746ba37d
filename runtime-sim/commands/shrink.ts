/** engram-sim shrink FILE: the smallest plan that still fails in the same way. */
import { pendingCommand } from './pending.js';

export const shrinkCommand = pendingCommand('shrink', 'minimises a failing plan');
