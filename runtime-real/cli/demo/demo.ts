/** `engram demo`: which one, where it works, and that nothing of it is left behind, however it ends. */
import type { Output } from '../output.js';
import { playCluster } from './cluster-demo.js';
import { playEmbedded } from './embedded-demo.js';
import { Fleet } from './fleet.js';
import { readPassages } from './passages.js';
import { makeKeptDirectory, openWorkplace, type Workplace } from './workplace.js';

export interface DemoOptions {
  /** Keep the data and say where it is. */
  readonly keep: boolean;
  /** 1 is embedded mode: no node at all. */
  readonly nodes: 1 | 3;
  /** Where to work; a temporary directory, removed at the end, when null. */
  readonly dataDir: string | null;
}

/** As shells have it: 128 and the signal's number. */
const exitCodeOfSignal = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export async function demo(output: Output, options: DemoOptions): Promise<number> {
  const { dataDir, leave } = await workplaceFor(options);
  const temporary = options.dataDir === null && !options.keep;
  const fleet = new Fleet(dataDir);
  // Whatever ends this process, the nodes end with it.
  const leaveNothing = (): void => {
    fleet.killAll();
    leave();
  };
  const interrupted = (signal: NodeJS.Signals): never => process.exit(exitCodeOfSignal[signal as keyof typeof exitCodeOfSignal]);
  process.once('exit', leaveNothing);
  for (const signal of Object.keys(exitCodeOfSignal)) process.once(signal, interrupted);
  try {
    const stage = { output, dataDir, passages: readPassages() };
    return options.nodes === 1 ? await playEmbedded(stage, temporary) : await playCluster(stage, fleet, temporary);
  } finally {
    await fleet.stop();
    for (const signal of Object.keys(exitCodeOfSignal)) process.removeListener(signal, interrupted);
    process.removeListener('exit', leaveNothing);
    leaveNothing();
  }
}

async function workplaceFor({ dataDir, keep }: DemoOptions): Promise<Workplace> {
  if (dataDir === null && !keep) return openWorkplace();
  return { dataDir: dataDir ?? makeKeptDirectory(), leave: () => {} };
}
