/** engram-sim check FILE… --model register|cas-register|mutex|set: judges histories from elsewhere. */
import { pendingCommand } from './pending.js';

export const checkCommand = pendingCommand('check', 'judges histories from elsewhere');
