/** House rules that no linter knows: what core may not name, how long things may be, and that nothing lies about unused. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isTest, root, sides, sourceFiles } from './source-files.js';

/** About 250 is the aim; beyond this a file has two subjects. */
const fileLinesMax = 400;
/** About 70 is the aim; beyond this a reader cannot hold a function in one view. */
const functionLinesMax = 100;
/** Names of drawers, not of subjects. */
const drawers = /(^|[-./])(utils?|helpers?|common|misc|managers?)([-./]|$)/;
/** Sides whose sources must give the same result in every run. */
const deterministicSides = ['core/', 'scenarios/', 'checker/'];
/** Sides whose arithmetic must give the same bits on every supported Node version. */
const exactSides = ['core/', 'scenarios/', 'runtime-sim/'];
const worldly = new Set([
  ...['Date', 'Promise', 'Intl', 'process', 'console', 'performance', 'globalThis', 'WeakRef', 'FinalizationRegistry'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch', 'crypto'],
]);
const worldlyMethods = new Set(['localeCompare', 'toLocaleString', 'toLocaleLowerCase', 'toLocaleUpperCase']);
/** Not correctly rounded: their last bit differs between engine versions. Math.sqrt and integer powers of literals are exact. */
const inexactMath = new Set(
  'sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh exp expm1 log log1p log10 log2 pow cbrt hypot'.split(' '),
);
/** Files that something outside the TypeScript sources starts, beside those named in package.json, bin/, .ci/ and tools' scripts. */
const entryPoints = new Set(['tools/test-worker.ts']);

interface Source {
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

const sources: Source[] = sides
  .flatMap((side) => sourceFiles(side))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true) };
  });

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

function place(source: Source, node: ts.Node): string {
  return `${source.path}:${source.tree.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}

/** A member's name (`x.process`, `{ process: … }`, a declaration's own name) is no use of the global. */
function isMemberName(node: ts.Identifier): boolean {
  const parent = node.parent as ts.Node & { name?: ts.Node };
  return parent.name === node && !ts.isShorthandPropertyAssignment(parent);
}

function namesOfTheWorld(source: Source): string[] {
  const found: string[] = [];
  walk(source.tree, (node) => {
    const report = (what: string): number => found.push(`${place(source, node)} names ${what}`);
    if (ts.isIdentifier(node) && worldly.has(node.text) && !isMemberName(node)) report(node.text);
    if (ts.isPropertyAccessExpression(node) && worldlyMethods.has(node.name.text)) report(node.name.text);
    if (ts.isPropertyAccessExpression(node) && node.getText() === 'Math.random') report('Math.random');
    if (node.kind === ts.SyntaxKind.AsyncKeyword || node.kind === ts.SyntaxKind.AwaitKeyword || ts.isAwaitExpression(node)) report('async');
  });
  return found;
}

function inexactArithmetic(source: Source): string[] {
  const found: string[] = [];
  walk(source.tree, (node) => {
    if (ts.isPropertyAccessExpression(node) && node.expression.getText() === 'Math' && inexactMath.has(node.name.text)) {
      found.push(`${place(source, node)} uses Math.${node.name.text}`);
    }
    const isPower = ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskToken;
    if (isPower && !(ts.isNumericLiteral(node.left) && ts.isNumericLiteral(node.right)))
      found.push(`${place(source, node)} uses ** on values`);
  });
  return found;
}

function longFunctions(source: Source): string[] {
  const found: string[] = [];
  walk(source.tree, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
    const first = source.tree.getLineAndCharacterOfPosition(node.getStart()).line;
    const lines = source.tree.getLineAndCharacterOfPosition(node.getEnd()).line - first + 1;
    if (lines > functionLinesMax) found.push(`${place(source, node)} has ${lines} lines`);
  });
  return found;
}

/** Every relative path that a source mentions as a string: imports, and files started by name. */
function mentions(source: Source): string[] {
  const found: string[] = [];
  walk(source.tree, (node) => {
    if (!ts.isStringLiteralLike(node) || !/^\.\.?\//.test(node.text)) return;
    found.push(normalize(join(dirname(source.path), node.text)).replace(/\.js$/, '.ts'));
  });
  return found;
}

function startedByScripts(): string {
  const scripts = ['bin', '.ci', 'tools'].flatMap((folder) =>
    existsSync(join(root, folder)) ? readdirSync(join(root, folder)).map((name) => `${folder}/${name}`) : [],
  );
  const texts = ['package.json', ...scripts.filter((path) => !/\.(ts|mjs)$|\/[a-z-]+$/.test(path) || /^(bin|\.ci)\//.test(path))];
  return texts.map((path) => readFileSync(join(root, path), 'utf8')).join('\n');
}

const tidy = suite('tidy');
const none = (found: string[]): void => assert.ok(found.length === 0, `\n${found.join('\n')}`);
const on = (prefixes: string[]) => sources.filter(({ path }) => !isTest(path) && prefixes.some((prefix) => path.startsWith(prefix)));

tidy('saw sources', () => {
  assert.ok(sources.length > 5);
});

tidy('what must be deterministic names nothing of the world', () => none(on(deterministicSides).flatMap(namesOfTheWorld)));

tidy('what must be exact uses no function whose last bit depends on the engine', () => none(on(exactSides).flatMap(inexactArithmetic)));

tidy(`no file is longer than ${fileLinesMax} lines`, () => {
  none(
    sources
      .filter(({ text }) => text.split('\n').length - 1 > fileLinesMax)
      .map(({ path, text }) => `${path}: ${text.split('\n').length - 1} lines`),
  );
});

tidy(`no function is longer than ${functionLinesMax} lines`, () => none(sources.flatMap(longFunctions)));

tidy('files are named for their subject', () => none(sources.map(({ path }) => path).filter((path) => drawers.test(path))));

tidy('no file lies about unused', () => {
  const used = new Set(sources.flatMap((source) => mentions(source)));
  const scripts = startedByScripts();
  none(
    sources.map(({ path }) => path).filter((path) => !isTest(path) && !used.has(path) && !entryPoints.has(path) && !scripts.includes(path)),
  );
});

tidy('every test file runs its suites, and all of their tests', () => {
  const tests = sources.filter(({ path }) => isTest(path));
  none(tests.filter(({ text }) => !/\.run\(\);?\s*$/m.test(text)).map(({ path }) => `${basename(path)} never calls .run()`));
  none(tests.filter(({ text }) => /^\s*\w+\.only\(/m.test(text)).map(({ path }) => `${path} leaves tests out with .only`));
});

tidy('nothing is left to do in comments', () => {
  const mark = new RegExp(`\\b(${['TO', 'FIX', 'XX'].map((half, at) => half + ['DO', 'ME', 'X'][at]).join('|')})\\b`);
  none(sources.filter(({ text }) => mark.test(text)).map(({ path }) => path));
});

tidy('the package ships what runs, and nothing that only tests it', () => {
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }];
  const paths = files.map(({ path }) => path);
  assert.ok(['bin/engram', 'runtime-real/index.ts', 'runtime-sim/engram-sim.ts'].every((path) => paths.includes(path)));
  none(paths.filter((path) => /\.test\.|(^|\/)(test-support|fixtures|seeds|bench|tools)\//.test(path)));
});

tidy.run();
