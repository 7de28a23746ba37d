/** Where seeds come from: lists, names that change, service records, and a file that is replaced, missing or full of mistakes. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RuntimeEvent } from '../node/runtime-events.js';
import { Discovery, type DiscoverySources } from './discovery.js';
import type { NameLookup, ServiceRecord } from './name-lookup.js';
import { SystemLookup } from './name-lookup.js';
import { readSeeds } from './seed-list.js';

class Names implements NameLookup {
  readonly hosts = new Map<string, readonly string[]>();
  readonly records = new Map<string, readonly ServiceRecord[]>();

  async addresses(host: string): Promise<readonly string[]> {
    return known(this.hosts.get(host), host);
  }

  async services(name: string): Promise<readonly ServiceRecord[]> {
    return known(this.records.get(name), name);
  }
}

function known<Answer>(answer: Answer | undefined, name: string): Answer {
  if (answer === undefined) throw new Error(`no address of ${name}`);
  return answer;
}

class Run {
  readonly names = new Names();
  readonly events: RuntimeEvent[] = [];
  found: readonly string[] = [];
  readonly #waiting = new Set<() => void>();
  #discovery: Discovery | null = null;

  open(sources: Partial<DiscoverySources>): Promise<void> {
    this.#discovery = new Discovery({
      sources: { seeds: [], services: [], file: '', refreshMs: 1, ...sources },
      lookup: this.names,
      found: (addresses) => {
        this.found = addresses;
        this.#wake();
      },
      tell: (event) => {
        this.events.push(event);
        this.#wake();
      },
    });
    return this.#discovery.start();
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  troubles(): string[] {
    return this.events.flatMap((event) => (event.kind === 'seeds.unresolved' ? [`${event.source}: ${event.reason}`] : []));
  }

  close(): void {
    this.#discovery?.close();
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

const discovery = suite('discovery');

discovery('addresses stay as they are, a name stands for all of its addresses, and a name that changes is noticed', async () => {
  const run = new Run();
  run.names.hosts.set('nodes.example', ['10.0.0.2', 'fd00::2']);
  await run.open({ seeds: ['10.0.0.1:7946', '[fd00::1]:7000', 'nodes.example:7946'] });
  assert.equal(run.found, ['10.0.0.1:7946', '10.0.0.2:7946', '[fd00::1]:7000', '[fd00::2]:7946']);
  run.names.hosts.set('nodes.example', ['10.0.0.3']);
  await run.until(() => run.found.includes('10.0.0.3:7946'));
  assert.equal(run.found, ['10.0.0.1:7946', '10.0.0.3:7946', '[fd00::1]:7000']);
  run.close();
});

discovery('a service record gives host and port; a name server that falls silent takes nothing away and is told of once', async () => {
  const run = new Run();
  run.names.hosts.set('a.example', ['10.0.0.1']);
  run.names.hosts.set('b.example', ['10.0.0.2']);
  run.names.records.set('_engram._udp.example', [
    { name: 'a.example', port: 7946 },
    { name: 'b.example', port: 7947 },
  ]);
  await run.open({ services: ['_engram._udp.example'] });
  assert.equal(run.found, ['10.0.0.1:7946', '10.0.0.2:7947']);
  run.names.records.delete('_engram._udp.example');
  await run.until(() => run.troubles().length > 0);
  run.names.records.set('_engram._udp.example', [{ name: 'b.example', port: 7947 }]);
  await run.until(() => run.found.length === 1);
  assert.equal(run.found, ['10.0.0.2:7947']);
  assert.equal(run.troubles(), ['service _engram._udp.example: no address of _engram._udp.example']);
  run.close();
});

discovery(
  'a seeds file may be missing, appear, be replaced as a whole and hold mistakes: each is named with its line, the rest is used',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'engram-seeds-'));
    const file = join(folder, 'seeds');
    const replace = (text: string): void => {
      writeFileSync(`${file}.draft`, text);
      renameSync(`${file}.draft`, file);
    };
    const run = new Run();
    try {
      await run.open({ file, refreshMs: 60_000 });
      assert.equal(run.troubles(), [`file ${file}: there is no such file; it is looked for every second`]);
      replace('# the first\n10.0.0.1:7946  # in rack a\n\nnonsense\n10.0.0.2:0\n[fd00::1]:7946\n');
      await run.until(() => run.found.length > 0);
      await run.until(() => run.found.length === 2);
      assert.equal(run.found, ['10.0.0.1:7946', '[fd00::1]:7946']);
      const ignored = run.events.flatMap((event) =>
        event.kind === 'seeds.line-ignored' ? [`${event.line} ${event.text} ${event.reason}`] : [],
      );
      assert.equal(ignored, ['4 nonsense is no host:port', '5 10.0.0.2:0 has port 0, which nobody can send to']);
      replace('10.0.0.9:7946\n');
      await run.until(() => run.found.includes('10.0.0.9:7946') && run.found.length === 1);
      rmSync(file);
      await run.until(() => run.troubles().length === 2);
      assert.equal(run.found, ['10.0.0.9:7946']);
    } finally {
      run.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

discovery('what a peer says of itself is a seed until it says otherwise', async () => {
  const run = new Run();
  const found: (readonly string[])[] = [];
  const own = new Discovery({
    sources: { seeds: [], services: [], file: '', refreshMs: 60_000 },
    lookup: run.names,
    found: (addresses) => found.push(addresses),
    tell: () => {},
  });
  await own.start();
  own.heard('peer n2', '10.0.0.2:7946');
  own.heard('peer n2', '10.0.0.2:7946');
  own.heard('peer n2', '10.0.0.3:7946');
  assert.equal(found, [['10.0.0.2:7946'], ['10.0.0.3:7946']]);
  own.close();
});

discovery('a file with a byte order mark and carriage returns is read; a seed named twice counts once', () => {
  assert.equal(readSeeds('\uFEFFa:1\r\nb:2\r\na:1\r\n'), { seeds: ['a:1', 'b:2'], mistakes: [] });
});

discovery('the system knows this machine', async () => {
  const addresses = await new SystemLookup().addresses('localhost');
  assert.ok(addresses.includes('127.0.0.1') || addresses.includes('::1'));
});

discovery.run();
