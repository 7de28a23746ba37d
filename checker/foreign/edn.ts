/**
 * A reader of EDN (extensible data notation), as much of it as histories use: all of its forms but metadata. Tags are dropped, except that a tag of a
 * string keeps its text. Every form says on which line it began; nesting is bounded.
 *
 * After the specification at github.com/edn-format/edn.
 */
import { type Datum, DatumMap, DatumSet, depthMax, exactInteger, MalformedHistory, Named } from './datum.js';

export interface EdnForm {
  readonly datum: Datum;
  /** On which it begins, from 1. */
  readonly line: number;
}

const openers: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const charactersByName: Readonly<Record<string, string>> = { newline: '\n', return: '\r', space: ' ', tab: '\t' };
const escapes: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n', b: '\b', f: '\f', '\\': '\\', '"': '"' };
const numberPattern = /^[+-]?\d+(N|(\.\d*)?([eE][+-]?\d+)?M?|\/\d+)$/;

/**
 * The events of a history: the forms of the text one after the other, or, if it is one vector or list, what is in that. Throws MalformedHistory.
 */
export function* readEdn(text: string): Generator<EdnForm> {
  const reader = new EdnReader(text);
  const wrapper = reader.enterWrapper();
  for (let form = reader.next(wrapper); form !== null; form = reader.next(wrapper)) yield form;
}

class EdnReader {
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  /** Steps into a vector or list that holds the whole history; the bracket that ends it, or null. */
  enterWrapper(): string | null {
    this.#skip();
    const opener = this.#text[this.#at];
    if (opener !== '[' && opener !== '(') return null;
    this.#at += 1;
    return openers[opener] as string;
  }

  /** The next event; null at the end. */
  next(wrapper: string | null): EdnForm | null {
    this.#skip();
    if (wrapper !== null && this.#text[this.#at] === wrapper) {
      this.#at += 1;
      this.#skip();
      if (this.#at < this.#text.length) throw this.#malformed('something follows the bracket that ends the history');
      return null;
    }
    if (this.#at === this.#text.length) {
      if (wrapper !== null) throw this.#malformed(`the text ends before the ${wrapper} that ends the history`);
      return null;
    }
    const line = this.#line;
    return { datum: this.#form(0), line };
  }

  /** Leaves out white space, comments and discarded forms. */
  #skip(depth = 0): void {
    for (; this.#at < this.#text.length; this.#at += 1) {
      const character = this.#text[this.#at] as string;
      if (character === '\n') this.#line += 1;
      else if (character === ';') this.#skipLine();
      else if (character === '#' && this.#text[this.#at + 1] === '_') {
        this.#at += 2;
        this.#form(depth + 1);
        this.#at -= 1;
      } else if (!isSpace(character)) return;
    }
  }

  #skipLine(): void {
    const end = this.#text.indexOf('\n', this.#at);
    // The caller steps over the line's end itself.
    this.#at = (end < 0 ? this.#text.length : end) - 1;
  }

  #form(depth: number): Datum {
    if (depth > depthMax) throw this.#malformed(`values nest deeper than ${depthMax}`);
    this.#skip(depth);
    const character = this.#text[this.#at];
    if (character === undefined) throw this.#malformed('the text ends in the middle of a value');
    if (character === '"') return this.#string();
    if (character === '\\') return this.#character();
    if (character === '#') return this.#dispatched(depth);
    const closer = openers[character];
    if (closer === undefined) return this.#atom();
    this.#at += 1;
    const items = this.#itemsUntil(closer, depth);
    return character === '{' ? this.#mapOf(items) : items;
  }

  #itemsUntil(closer: string, depth: number): Datum[] {
    const begunOn = this.#line;
    const items: Datum[] = [];
    for (;;) {
      this.#skip(depth);
      const character = this.#text[this.#at];
      if (character === undefined) throw this.#malformed(`the text ends before the ${closer} of line ${begunOn}`);
      if (character === closer) {
        this.#at += 1;
        return items;
      }
      items.push(this.#form(depth + 1));
    }
  }

  #mapOf(items: readonly Datum[]): DatumMap {
    if (items.length % 2 !== 0) throw this.#malformed('a map has a key without a value');
    const entries: (readonly [Datum, Datum])[] = [];
    for (let at = 0; at < items.length; at += 2) entries.push([items[at] as Datum, items[at + 1] as Datum]);
    return new DatumMap(entries);
  }

  #dispatched(depth: number): Datum {
    const next = this.#text[this.#at + 1];
    if (next === '{') {
      this.#at += 2;
      return new DatumSet(this.#itemsUntil('}', depth));
    }
    if (next === '#') {
      this.#at += 2;
      return new Named(`##${this.#word()}`);
    }
    this.#at += 1;
    const tag = this.#word();
    if (!/^[A-Za-z]/.test(tag)) throw this.#malformed(`#${tag} is no tag`);
    return this.#form(depth + 1);
  }

  #string(): string {
    const begunOn = this.#line;
    let value = '';
    for (let from = this.#at + 1; ; ) {
      let end = from;
      while (end < this.#text.length && this.#text[end] !== '"' && this.#text[end] !== '\\') {
        if (this.#text[end] === '\n') this.#line += 1;
        end += 1;
      }
      if (end === this.#text.length) throw new MalformedHistory(begunOn, 'a string does not end');
      value += this.#text.slice(from, end);
      if (this.#text[end] === '"') {
        this.#at = end + 1;
        return value;
      }
      const code = this.#text[end + 1] ?? '';
      if (code === 'u') {
        const digits = this.#text.slice(end + 2, end + 6);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.#malformed(`\\u${digits} is no character`);
        value += String.fromCharCode(Number.parseInt(digits, 16));
        from = end + 6;
      } else {
        const escaped = escapes[code];
        if (escaped === undefined) throw this.#malformed(`\\${code} is no character`);
        value += escaped;
        from = end + 2;
      }
    }
  }

  #character(): Named {
    this.#at += 1;
    const first = this.#text[this.#at] ?? '';
    const rest = this.#word();
    const name = rest === '' ? first : rest;
    if (rest === '') this.#at += 1;
    if (name === '') throw this.#malformed('the text ends in the middle of a value');
    return new Named(`\\${charactersByName[name] ?? name}`);
  }

  #atom(): Datum {
    const word = this.#word();
    if (word === '') throw this.#malformed(`${JSON.stringify(this.#text[this.#at])} begins no value`);
    if (word === 'nil') return null;
    if (word === 'true') return true;
    if (word === 'false') return false;
    if (/^[+-]?\d/.test(word)) return this.#number(word);
    if (word.startsWith(':') && word.length > 1) return new Named(word);
    if (word.startsWith(':')) throw this.#malformed('a keyword has no name');
    return new Named(`'${word}`);
  }

  #number(word: string): number | Named {
    if (!numberPattern.test(word)) throw this.#malformed(`${word} is no number`);
    const digits = word.replace(/^\+/, '').replace(/[NM]$/, '');
    if (/^-?\d+$/.test(digits) && !word.endsWith('M')) return exactInteger(digits);
    if (digits.includes('/') || word.endsWith('M')) return new Named(word.replace(/^\+/, ''));
    return Number(digits);
  }

  /** Up to the next character that ends a word. */
  #word(): string {
    const from = this.#at;
    while (this.#at < this.#text.length && !isDelimiter(this.#text[this.#at] as string)) this.#at += 1;
    return this.#text.slice(from, this.#at);
  }

  #malformed(what: string): MalformedHistory {
    return new MalformedHistory(this.#line, what);
  }
}

function isSpace(character: string): boolean {
  return character === ' ' || character === ',' || character === '\t' || character === '\r' || character === '\f';
}

function isDelimiter(character: string): boolean {
  return isSpace(character) || character === '\n' || '()[]{}";\\'.includes(character);
}
