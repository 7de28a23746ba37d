/** Embedded mode: a node of one's own inside the process, without a socket. */
import { resolve } from 'node:path';
import { defaultMemoryOptions, defaultReplicationOptions, defaultStorageOptions } from '../../core/configuration.js';
import { singleNodeView } from '../../core/control/members-and-rows.js';
import type { PureFunctions } from '../../core/pure-functions.js';
import { createComputeRunner } from '../compute/compute-runner.js';
import { openDirectoryDisk } from '../disk/directory-disk.js';
import { lockDirectory } from '../disk/directory-lock.js';
import { type FileCalls, systemFileCalls } from '../disk/file-calls.js';
import { NodeHost } from '../node-host.js';
import { createPureFunctions } from '../pure-functions.js';
import { ngramEmbedder } from './embedder.js';
import { type Engram, EngramClient } from './engram.js';
import { checkOpenOptions, type OpenOptions } from './open-options.js';

/** For tests: the calls on the operating system. */
export interface OpenInternals {
  readonly fileCalls?: FileCalls;
}

/** Opens a data directory, recovers what it holds, and resolves once it serves. */
export async function openEngram(options: OpenOptions, internals: OpenInternals = {}): Promise<Engram> {
  checkOpenOptions(options);
  const directory = resolve(options.dataDir);
  const lock = await lockDirectory(directory);
  try {
    const pure = await createPureFunctions();
    const host = await startHost(directory, { ...options, pure }, internals);
    void lock.lost.then((why) => host.halt(why));
    const transport = {
      target: directory,
      call: host.call.bind(host),
      close: async () => {
        await host.close();
        lock.release();
      },
    };
    return new EngramClient({ transport, embedder: options.embedder === undefined ? ngramEmbedder() : options.embedder, pure });
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function startHost(directory: string, options: OpenOptions & { pure: PureFunctions }, internals: OpenInternals): Promise<NodeHost> {
  const name = 'embedded';
  const cache = options.cacheBytesMax === undefined ? {} : { cacheBytesMax: options.cacheBytesMax };
  return NodeHost.start({
    configuration: {
      name,
      clusterId: '',
      control: (self) => singleNodeView(self, name),
      storage: { ...defaultStorageOptions, ...options.storage, ...cache },
      memory: { ...defaultMemoryOptions, ...options.memory },
      replication: defaultReplicationOptions,
      membership: null,
    },
    pure: options.pure,
    openDisk: (report) => openDirectoryDisk(directory, report, internals.fileCalls ?? systemFileCalls),
    openCompute: (report) => createComputeRunner(report, options.pure),
    onEvent: options.onEvent,
  });
}
