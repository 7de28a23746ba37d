/** Which process listens on a TCP port, as far as this user may see it: Linux tells by /proc, other systems do not. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const listening = '0A';

/** `process 4711 (redis-server)`, or null when it cannot be told. */
export function portHolder(port: number): string | null {
  const sockets = new Set(['tcp', 'tcp6'].flatMap((table) => socketsOn(port, table)));
  if (sockets.size === 0) return null;
  for (const pid of entriesOf('/proc').filter((name) => /^\d+$/.test(name))) {
    const holds = entriesOf(`/proc/${pid}/fd`).some((descriptor) => sockets.has(linkOf(`/proc/${pid}/fd/${descriptor}`)));
    if (holds) return `process ${pid} (${read(`/proc/${pid}/comm`).trim()})`;
  }
  return null;
}

function socketsOn(port: number, table: string): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return read(`/proc/net/${table}`)
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) === true && fields[3] === listening)
    .map((fields) => `socket:[${fields[9]}]`);
}

function entriesOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
