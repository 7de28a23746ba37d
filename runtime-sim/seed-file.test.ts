/** Seed files: read back as they were written, refused with what is wrong and where; and the corpus of regressions, whole. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalogue, drawPlan } from '../scenarios/catalogue.js';
import { UsageError } from './exit-codes.js';
import { builtScenario } from './option-values.js';
import { planProblem } from './plan-check.js';
import { keepSeedFile, keepSeedFileAs, plantOfSeedFile, type SeedFile, writeSeedFile } from './seed-file.js';
import { readSeedFile } from './seed-file-reading.js';

const files = suite('seed files');
const folder = mkdtempSync(join(tmpdir(), 'engram-seed-file-'));
const corpus = fileURLToPath(new URL('../scenarios/seeds/', import.meta.url));

files.after(() => rmSync(folder, { recursive: true, force: true }));

/** Too long for people: on one line. */
const content: Omit<SeedFile, 'format'> = {
  seed: 5,
  scenario: 'crash-restart',
  options: { nodes: 5, durationMs: 4_000, plant: 'acknowledge-before-sync' },
  commit: 'none',
  plan: drawPlan(builtScenario('crash-restart'), 5, { nodes: 5, durationMs: 20_000 }),
  traceHash: '0'.repeat(16),
  verdicts: { loss: { verdict: 'violation', reason: '1 lost' } },
};

function complaint(text: string): string {
  const path = join(folder, 'edited.json');
  writeFileSync(path, text);
  try {
    readSeedFile(path);
  } catch (error) {
    assert.instance(error, UsageError);
    return (error as Error).message;
  }
  return 'accepted';
}

files('one is read back as it was written, on one line or on many', () => {
  const path = writeSeedFile(content, folder);
  assert.is(path, join(folder, 'crash-restart-5.json'));
  assert.equal(readSeedFile(path), { format: 1, ...content });
  assert.is(plantOfSeedFile(path), 'acknowledge-before-sync');
  assert.is(readFileSync(path, 'utf8').split('\n').length, 2);
  const small = { ...content, plan: { ...content.plan, operations: content.plan.operations.slice(0, 3) } };
  const shrunk = keepSeedFileAs(join(folder, 'crash-restart-5.shrunk.json'), small) as string;
  assert.equal(readSeedFile(shrunk), { format: 1, ...small });
  assert.ok(readFileSync(shrunk, 'utf8').split('\n').length > 100);
  assert.equal(readdirSync(folder).sort(), ['crash-restart-5.json', 'crash-restart-5.shrunk.json'], 'nothing unfinished stays');
});

files('where no folder can be made the file is not written, and nothing waits for it', () => {
  assert.is(keepSeedFile(content, '/proc/nope/x'), null);
  assert.throws(() => writeSeedFile(content, '/proc/nope/x'), 'the directory /proc/nope/x cannot be made');
});

files('one that was cut short, or is of another version, or is none, is refused', () => {
  const text = readFileSync(writeSeedFile(content, folder), 'utf8');
  assert.is(complaint(text), 'accepted');
  for (const length of [1, 100, Math.floor(text.length / 2), text.length - 2])
    assert.match(complaint(text.slice(0, length)), /cut short after/);
  assert.match(complaint(text.replace('"format":1', '"format":2')), 'has format 2, this version reads 1');
  assert.match(complaint('{"seed":5}'), 'it lacks format, scenario, options');
  assert.match(complaint('[]'), 'not a seed file');
  assert.match(complaint(''), 'cut short');
  assert.match(complaint(text.replace('"seed":5', '"seed":NaN')), /not JSON: .*N/);
  assert.match(complaint(text.replace('"seed":5', '"seed":6')), 'checksum');
});

type Editable = { [field: string]: Editable } & Editable[];

files('an edited one is refused with the path of the field', () => {
  const edits: readonly (readonly [string, (file: Editable) => unknown])[] = [
    ['seed: ', (file) => Object.assign(file, { seed: -1 })],
    ['options.plant: ', (file) => Object.assign(file.options, { plant: 3 })],
    ['traceHash: ', (file) => Object.assign(file, { traceHash: 'x' })],
    ['plan: ', (file) => Object.assign(file, { plan: null })],
    ['plan.disk: ', (file) => Reflect.deleteProperty(file.plan, 'disk')],
    ['plan.format: ', (file) => Object.assign(file.plan, { format: 7 })],
    ['plan: Unrecognized key: "more"', (file) => Object.assign(file.plan, { more: 1 })],
    ['plan.durationMs: ', (file) => Object.assign(file.plan, { durationMs: 'long' })],
    ['plan.faults[0].kind: ', (file) => Object.assign(file.plan.faults[0], { kind: 'meteor' })],
    ['plan.faults[1].atMs: ', (file) => Object.assign(file.plan.faults[1], { atMs: -1 })],
    ['plan.faults[1].node: the plan has no node "n99"', (file) => Object.assign(file.plan.faults[1], { node: 'n99' })],
    ['plan.operations[2].client: the plan has no client "c0"', (file) => Object.assign(file.plan.operations[2], { client: 'c0' })],
    ['plan.operations[2].space: the plan has no space "nowhere"', (file) => Object.assign(file.plan.operations[2], { space: 'nowhere' })],
    ['plan.operations[2].ack: ', (file) => Object.assign(file.plan.operations[2], { ack: 'two' })],
    ['plan.rows[0].copies[1]: the plan has no node "c1"', (file) => Object.assign(file.plan.rows[0].copies, { 1: 'c1' })],
    ['plan.rows[0].copies: "n1" stands there twice', (file) => Object.assign(file.plan.rows[0], { copies: ['n1', 'n1'] })],
    ['plan.nodes and plan.clients: "n1"', (file) => Object.assign(file.plan.nodes, { 1: 'n1' })],
    ['plan.configuration.storage: Unrecognized key: "segments"', (file) => Object.assign(file.plan.configuration.storage, { segments: 1 })],
    ['plan.disk.syncUs: the lower end', (file) => Object.assign(file.plan.disk, { syncUs: [9, 1] })],
    ['plan.background.loss: ', (file) => Object.assign(file.plan.background, { loss: 1.5 })],
    ['its checksum', (file) => Object.assign(file.plan.operations[2], { id: 'm1000' })],
  ];
  const text = readFileSync(writeSeedFile(content, folder), 'utf8');
  for (const [said, edit] of edits) {
    const file = JSON.parse(text) as Editable;
    edit(file);
    assert.match(complaint(JSON.stringify(file)), said);
  }
  assert.match(complaint(text.replace('"durationMs":20000,"rows"', '"durationMs":1e999,"rows"')), 'plan.durationMs: ');
});

files('what the scenarios draw passes the check', () => {
  const drawn = catalogue.flatMap(({ scenario }) => (scenario === null ? [] : [scenario]));
  for (const scenario of drawn) {
    for (let seed = 1; seed <= 10; seed += 1) {
      const plan = JSON.parse(JSON.stringify(drawPlan(scenario, seed, { nodes: 5, durationMs: 20_000 })));
      assert.is(planProblem(plan), null, `${scenario.name} ${seed}`);
    }
  }
  assert.ok(drawn.length > 0);
});

files('every regression can be read, bears its name, runs the code as it is, and says what it once broke', () => {
  const names = readdirSync(corpus).filter((name) => name !== 'README.md');
  assert.ok(names.length > 0);
  for (const name of names) {
    const { scenario, seed, options, broke } = readSeedFile(join(corpus, name));
    assert.match(name, new RegExp(`^${scenario}-${seed}(\\.control-log)?(\\.shrunk)?\\.json$`));
    assert.is(options.plant, null, name);
    assert.ok(broke !== undefined && broke.length >= 20, `${name} does not say what it broke`);
  }
});

files.run();
