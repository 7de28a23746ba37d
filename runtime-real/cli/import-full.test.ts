/** An import onto a disk that fills up: it stops, says where, and can be resumed there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openEngram } from '../client/open.js';
import { type FileCalls, systemFileCalls } from '../disk/file-calls.js';
import { importFile } from './import.js';
import { Output } from './output.js';
import type { Session } from './session.js';

const linesCount = 400;

/** Room for `reservations` pieces of 1 MiB: nothing else that is written here is as large. */
function mediumFor(left: { reservations: number }): FileCalls {
  return {
    ...systemFileCalls,
    write: async (descriptor, parts, offset) => {
      if (parts.reduce((sum, part) => sum + part.length, 0) === 2 ** 20) {
        if (left.reservations === 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
        left.reservations -= 1;
      }
      return systemFileCalls.write(descriptor, parts, offset);
    },
  };
}

class Recorded extends Output {
  readonly said: string[] = [];
  override answer(value: object, text: () => string): void {
    this.said.push(this.json ? JSON.stringify(value) : text());
  }
  override remark(text: string): void {
    this.said.push(text);
  }
}

const importing = suite('import on a full disk');

for (const json of [false, true]) {
  importing(`stops with one line that names directory and line, ${json ? 'as JSON' : 'as text'}; resuming there completes it`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'engram-import-'));
    try {
      const file = join(folder, 'lines.jsonl');
      const lines = Array.from({ length: linesCount }, (_, at) =>
        JSON.stringify({ id: `f${at}`, text: `${at} `.repeat(2_500), embed: false }),
      );
      writeFileSync(file, lines.join('\n'));
      const dataDir = join(folder, 'data');
      const left = { reservations: 3 };
      const engram = await openEngram({ dataDir, storage: { segmentBytes: 2 ** 20, fullRetryMs: 50 } }, { fileCalls: mediumFor(left) });
      const output = new Recorded(json);
      const options = { dataDir, space: 'default', json, logLevel: 'silent' } as const;
      const session: Session = { engram, space: engram.space(), output, options };
      assert.is(await importFile(session, file, { batch: 10 }), 1);
      const full = output.said.filter((said) => said.includes('STORAGE_FULL'));
      assert.is(full.length, 1, output.said.join('\n').slice(0, 2_000));
      assert.match(full[0] as string, dataDir);
      const line = Number(/resume at line (\d+)/.exec(full[0] as string)?.[1]);
      assert.ok(line > 1 && line <= linesCount, String(line));
      for (let at = 0; at < line - 1; at += 1) assert.ok((await engram.space().get(`f${at}`)) !== null, `line ${at + 1}`);
      left.reservations = 1_000;
      await new Promise((resolve) => setTimeout(resolve, 300));
      writeFileSync(file, lines.slice(line - 1).join('\n'));
      assert.is(await importFile(session, file, {}), 0, output.said.at(-1) ?? '');
      const [space] = (await engram.status()).spaces;
      assert.is(space?.memories, linesCount);
      output.said.length = 0;
      assert.is(await importFile(session, file, {}), 0);
      assert.not.match(output.said.join(), 'every one synced');
      await engram.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

importing.run();
