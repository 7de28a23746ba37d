/**
 * Files with histories from elsewhere: JSON lines, or EDN, told apart by how they begin. Read in pieces; what is no text, or has a line without an end,
 * is refused early.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { MalformedHistory } from '../checker/foreign/datum.js';
import { eventsOfEdn, eventsOfJsonLines, type ForeignEvent } from '../checker/foreign/events.js';

const pieceBytes = 2 ** 20;
const lineBytesMax = 64 * 2 ** 20;
/** EDN is read whole: a JavaScript string holds a little more. */
const ednCharactersMax = 500_000_000;
const lineFeed = 0x0a;

const faultOfCode: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory',
  EACCES: 'it may not be read',
  ENOTDIR: 'a part of its path is no directory',
  ELOOP: 'its links lead in a circle',
};

/** A file that cannot be read at all. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
}

/** The events of a history file. Throws UnreadableFile, or MalformedHistory with the line that is at fault. */
export function readHistoryFile(path: string): ForeignEvent[] {
  try {
    const descriptor = openSync(path, 'r');
    try {
      if (fstatSync(descriptor).isDirectory()) throw new UnreadableFile(faultOfCode.EISDIR);
      return eventsOf(linesOf(descriptor), path);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    throw new UnreadableFile(`${faultOfCode[code] ?? 'it cannot be read'} (${code})`);
  }
}

function eventsOf(lines: Iterator<string>, path: string): ForeignEvent[] {
  const blank: string[] = [];
  for (let next = lines.next(); next.done !== true; next = lines.next()) {
    if (next.value.trim() === '') {
      blank.push('');
      continue;
    }
    const all = chained([...blank, next.value], lines);
    return isEdn(next.value.trimStart(), path) ? eventsOfEdn(joined(all)) : eventsOfJsonLines(all);
  }
  return [];
}

/** `{"` begins JSON; other brackets, tags and comments begin EDN. Where that says nothing the file's name does. */
function isEdn(begin: string, path: string): boolean {
  if (/^\{\s*"/.test(begin) || /^\{\s*\}/.test(begin)) return false;
  if (/^\[\s*\{\s*"/.test(begin)) throw new MalformedHistory(1, 'it is one JSON array: write its events one object to a line');
  return /^([(;#]|\{\s*[:;]|\[\s*[{#;\n]?)/.test(begin) || path.endsWith('.edn');
}

function* chained(first: readonly string[], rest: Iterator<string>): Generator<string> {
  yield* first;
  for (let next = rest.next(); next.done !== true; next = rest.next()) yield next.value;
}

function joined(lines: Iterable<string>): string {
  const all: string[] = [];
  let characters = 0;
  let line = 0;
  for (const text of lines) {
    line += 1;
    characters += text.length + 1;
    if (characters > ednCharactersMax) {
      throw new MalformedHistory(
        line,
        `EDN of more than ${ednCharactersMax} characters: convert it to JSON lines, which are read one by one`,
      );
    }
    all.push(text);
  }
  return all.join('\n');
}

/** The lines of a file, without their ends. */
function* linesOf(descriptor: number): Generator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const piece = Buffer.allocUnsafe(pieceBytes);
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let line = 1;
  const finish = (end: Buffer): string => {
    const bytes = pending.length === 0 ? end : Buffer.concat([...pending, end]);
    pending = [];
    pendingBytes = 0;
    try {
      return decoder.decode(bytes);
    } catch {
      throw new MalformedHistory(line, 'it is no UTF-8 text');
    }
  };
  for (let length = readSync(descriptor, piece); length > 0; length = readSync(descriptor, piece)) {
    let from = 0;
    for (let end = piece.indexOf(lineFeed); end >= 0 && end < length; end = piece.indexOf(lineFeed, from)) {
      yield finish(piece.subarray(from, end));
      line += 1;
      from = end + 1;
    }
    pending.push(Buffer.from(piece.subarray(from, length)));
    pendingBytes += length - from;
    if (pendingBytes > lineBytesMax) throw new MalformedHistory(line, `the line has more than ${lineBytesMax / 2 ** 20} MiB`);
  }
  if (pendingBytes > 0) yield finish(Buffer.alloc(0));
}
