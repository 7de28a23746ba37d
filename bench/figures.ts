/** Rows of a benchmark's table and how numbers are written in them; what the disk beneath can do. */
import { closeSync, fdatasyncSync, fsyncSync, openSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly target?: string;
  /** What was measured as a plain number. */
  readonly value?: number;
  /** Figures of one name, ours and another system's, are set against each other. */
  readonly comparable?: string;
  /** Of a time or a cost: the smaller figure wins. */
  readonly lessIsBetter?: boolean;
  /** The other system; absent for ours. */
  readonly of?: string;
}

const fileSystemNames: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  2035054128: 'overlayfs',
  801189825: 'zfs',
};
const tmpfs = 0x01021994;

/** What one sync takes here. Throws on tmpfs, where it costs nothing and no figure would mean anything. */
export function disk(folder: string): Row {
  const { type } = statfsSync(folder);
  if (type === tmpfs) throw new Error(`${folder} is on tmpfs, where a sync costs nothing: set ENGRAM_BENCH_DIR to a folder on a disk`);
  const file = openSync(join(folder, 'sync'), 'w');
  const block = Buffer.alloc(4096, 1);
  for (let at = 0; at < 512; at += 1) writeSync(file, block, 0, block.length, at * block.length);
  fsyncSync(file);
  const took: number[] = [];
  for (let at = 0; at < 512; at += 1) {
    const startedAt = performance.now();
    writeSync(file, block, 0, block.length, at * block.length);
    fdatasyncSync(file);
    took.push(performance.now() - startedAt);
  }
  closeSync(file);
  return {
    what: 'disk: file system, 4 KiB write + fdatasync p50',
    measured: `${fileSystemNames[type] ?? `type 0x${type.toString(16)}`}, ${ms(percentile(took, 0.5))}`,
  };
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
}

export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
}

export function thousands(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}
