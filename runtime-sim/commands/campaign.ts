/** engram-sim campaign: ranges of seeds over all cores, and a report of them. */
import { pendingCommand } from './pending.js';

export const campaignCommand = pendingCommand('campaign', 'runs ranges of seeds and reports on them');
