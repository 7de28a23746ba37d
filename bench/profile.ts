/**
 * Where the time of a write goes: the processor profiles of five nodes while they are written to, by what the code belongs to. A profile sees the main
 * thread of each node, native code beneath it included, and counts the time on the wall: its shares hold, its sum does not. How much time there is to be
 * shared, and what the kernel has of it, is in the rows of the cluster.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { roundsMeasured, warmUpRounds, withNodes, write } from './cluster.js';
import type { Row } from './figures.js';

/** Of the Chrome DevTools protocol, as `node --cpu-prof` writes it. Times in microseconds. */
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string } }[];
  readonly endTime: number;
  readonly startTime: number;
  /** Ids of nodes, and the time since the sample before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Milliseconds before the end of the process. */
interface Stretch {
  readonly fromMs: number;
  readonly untilMs: number;
}

const areasShown = 14;
const root = new URL('../', import.meta.url).href;
/** What is done beneath JavaScript has no address but a name. */
const beneath: Readonly<Record<string, string>> = {
  '(garbage collector)': 'garbage collection',
  '(program)': 'native code: sockets, HTTP/2, the event loop',
};
const modules: readonly (readonly [RegExp, string])[] = [
  [/\/node_modules\/@grpc\//, 'grpc-js'],
  [/\/node_modules\/@bufbuild\/|\/wire\/generated\//, 'Protocol Buffers'],
  [/^node:(internal\/)?(http2|net|stream|streams|js_stream|timers|process)/, 'HTTP/2, streams and event loop of Node.js'],
  [/^node:(internal\/)?fs/, 'files'],
  [/^node:zlib|^wasm:/, 'checksums and hashes'],
  [/^node:(internal\/)?buffer/, 'buffers of Node.js'],
];

export async function run(): Promise<Row[]> {
  const folder = mkdtempSync(join(process.env.ENGRAM_BENCH_DIR ?? process.cwd(), '.engram-bench-'));
  const profiles = join(folder, 'profiles');
  mkdirSync(profiles);
  try {
    const measured = await withNodes(
      5,
      join(folder, 'five'),
      async (cluster) => {
        await write(cluster, 'warm-up', 'local', warmUpRounds);
        const startedAt = performance.now();
        await write(cluster, 'profiled', 'local', roundsMeasured);
        return { startedAt, endedAt: performance.now() };
      },
      ['--cpu-prof', `--cpu-prof-dir=${profiles}`],
    );
    const stoppedAt = performance.now();
    const stretch = { fromMs: stoppedAt - measured.startedAt, untilMs: stoppedAt - measured.endedAt };
    return rowsOf(timeByArea(profiles, stretch));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Microseconds by area, over all main threads. */
function timeByArea(folder: string, stretch: Stretch): Map<string, number> {
  const times = new Map<string, number>();
  // CPU.date.time.process.thread.number.cpuprofile; the main thread is 0.
  for (const file of readdirSync(folder).filter((name) => name.split('.')[4] === '0')) {
    addProfile(times, JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile, stretch);
  }
  return times;
}

function addProfile(times: Map<string, number>, profile: Profile, { fromMs, untilMs }: Stretch): void {
  const areas = new Map(profile.nodes.map(({ id, callFrame }) => [id, areaOf(callFrame.functionName, callFrame.url)]));
  let at = profile.startTime;
  for (const [index, id] of profile.samples.entries()) {
    const took = profile.timeDeltas[index] as number;
    at += took;
    const beforeEndMs = (profile.endTime - at) / 1_000;
    const area = areas.get(id);
    if (area === undefined || area === null || beforeEndMs > fromMs || beforeEndMs < untilMs) continue;
    times.set(area, (times.get(area) ?? 0) + took);
  }
}

/** Null: the thread waited. */
function areaOf(name: string, url: string): string | null {
  if (name === '(idle)') return null;
  if (url === '' && !(name in beneath)) return 'functions of the engine: arrays, maps, calls into the system';
  const known = beneath[name] ?? modules.find(([pattern]) => pattern.test(url))?.[1];
  if (known !== undefined) return known;
  return url.startsWith(root) ? url.slice(root.length).split('/').slice(0, -1).join('/') : 'other';
}

function rowsOf(times: ReadonlyMap<string, number>): Row[] {
  const total = [...times.values()].reduce((sum, us) => sum + us, 0);
  const largest = [...times].sort(([, left], [, right]) => right - left).slice(0, areasShown);
  return largest.map(([area, us]) => ({
    what: `5 nodes, ack=local, share of the main threads: ${area}`,
    measured: `${((us / total) * 100).toFixed(1)} %`,
  }));
}
