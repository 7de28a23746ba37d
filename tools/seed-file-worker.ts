/** A worker thread that replays seed files, one after another in the same warm copy of the simulator, and says of each what is wrong; null: nothing. */
import { parentPort } from 'node:worker_threads';
import { builtScenario } from '../runtime-sim/option-values.js';
import { runSeed } from '../runtime-sim/run-seed.js';
import { readSeedFile } from '../runtime-sim/seed-file-reading.js';

function whatIsWrong(path: string): string | null {
  try {
    const { scenario, seed, plan } = readSeedFile(path);
    const { verdict, reason } = runSeed({ scenario: builtScenario(scenario), seed, plan });
    return verdict === 'ok' ? null : `${verdict}; ${reason}`;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

parentPort?.on('message', (path: string) => parentPort?.postMessage(whatIsWrong(path)));
