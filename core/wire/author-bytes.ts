/**
 * Authors between their text and their 28 bytes. The same few authors pass in every vector, token and context: each is converted once, and is then the
 * same string wherever it is read, which maps find at once.
 */
import { type Author, authorBytes } from '../identifiers.js';
import { bytesToHex, hexToBytes } from './hex.js';
import { InternedText } from './interned-text.js';

/** Beyond so many the oldest are forgotten, all at once: nothing but time is lost by it. */
const rememberedMax = 4_096;
const texts = new InternedText((bytes) => bytesToHex(bytes), rememberedMax);
const spelled = new Map<Author, Uint8Array>();

/** The author whose 28 bytes stand at `at`. */
export function readAuthor(bytes: Uint8Array, at: number): Author {
  return texts.at(bytes, at, authorBytes) as Author;
}

/** Writes the author's 28 bytes at `at`. */
export function writeAuthor(bytes: Uint8Array, at: number, author: Author): void {
  let known = spelled.get(author);
  if (known === undefined) {
    known = hexToBytes(author);
    if (spelled.size >= rememberedMax) spelled.clear();
    spelled.set(author, known);
  }
  for (let index = 0; index < authorBytes; index += 1) bytes[at + index] = known[index];
}
