/** Worker threads of the simulator: a fresh copy of core and simulator each, with the planted bug beneath it if there is one. */
import { Worker } from 'node:worker_threads';
import { plantedBugOf, plantingArguments } from './planted-source.js';

/** A thread's own loader: the planted bug beneath, TypeScript above. Threads do not inherit what the command line registered. */
const bootstrap = `
  const { workerData: { modules } } = require('node:worker_threads');
  (async () => {
    for (const url of modules.planting) await import(url);
    if (modules.source.endsWith('.ts')) (await import(modules.loader)).register();
    await import(modules.source);
  })();
`;

/** Starts the module in a thread; it finds `data` in its `workerData`, which must be such as can be cloned. */
export function startThread(source: URL, plant: string | null, data: object): Worker {
  const planting = plant === null ? [] : plantingArguments(plantedBugOf(plant)).filter((argument) => argument.startsWith('data:'));
  const modules = { planting, loader: import.meta.resolve('tsx/esm/api'), source: source.href };
  return new Worker(bootstrap, { eval: true, execArgv: [], workerData: { ...data, modules }, name: 'engram-sim' });
}
