/** Embedded mode: a node of one's own inside the process, without a socket. */
import { resolve } from 'node:path';
import {
  defaultMemoryOptions,
  defaultReplicationOptions,
  defaultStorageOptions,
  type MemoryOptions,
  type StorageOptions,
} from '../../core/configuration.js';
import { singleNodeView } from '../../core/control/members-and-rows.js';
import type { DomainEvent } from '../../core/domain-events.js';
import type { PureFunctions } from '../../core/pure-functions.js';
import { createScanRunner } from '../compute/scan-runner.js';
import { openDirectoryDisk } from '../disk/directory-disk.js';
import { lockDirectory } from '../disk/directory-lock.js';
import { type FileCalls, systemFileCalls } from '../disk/file-calls.js';
import { NodeHost } from '../node-host.js';
import { createPureFunctions } from '../pure-functions.js';
import { type Embedder, ngramEmbedder } from './embedder.js';
import { type Engram, EngramClient } from './engram.js';
import { checkOpenOptions } from './open-checks.js';

export interface OpenOptions {
  /** Where everything is kept; made when missing. One process at a time. */
  readonly dataDir: string;
  /** Bytes of recently used episodes kept in memory; everything else is read from disk when asked for. */
  readonly cacheBytesMax?: number;
  /** What texts are embedded with: the built-in one when absent, nothing when null. */
  readonly embedder?: Embedder | null;
  readonly storage?: Partial<StorageOptions>;
  readonly memory?: Partial<MemoryOptions>;
  /** What happens inside, as data: for logs and metrics. */
  readonly onEvent?: (event: DomainEvent) => void;
}

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
    },
    pure: options.pure,
    openDisk: (report) => openDirectoryDisk(directory, report, internals.fileCalls ?? systemFileCalls),
    openCompute: (report) => createScanRunner(report),
    onEvent: options.onEvent,
  });
}
