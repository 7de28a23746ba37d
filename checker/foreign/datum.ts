/**
 * Values in other people's histories, whatever they are: JSON, and what EDN has beyond it. They are only ever compared, so each is told by a text of its own.
 */

/** Keywords, and what has no exact JavaScript number: big integers, decimals, ratios, symbols, characters. */
export class Named {
  constructor(readonly text: string) {}
}

/** An EDN set. */
export class DatumSet {
  constructor(readonly items: readonly Datum[]) {}
}

/** An EDN map; keys may be anything. */
export class DatumMap {
  constructor(readonly entries: readonly (readonly [Datum, Datum])[]) {}
}

export type Datum = null | boolean | number | string | Named | DatumSet | DatumMap | readonly Datum[] | { readonly [key: string]: Datum };

/** A history that cannot be read: which line is at fault, and why. */
export class MalformedHistory extends Error {
  override readonly name = 'MalformedHistory';

  constructor(
    /** From 1. */
    readonly line: number,
    readonly what: string,
  ) {
    super(`line ${line}: ${what}`);
  }
}

/** Deeper values are refused: nothing that is worth comparing nests so. */
export const depthMax = 64;

/** Equal exactly for equal values: maps and sets in any order. Null when nested deeper than `depthMax`. */
export function canonicalText(datum: Datum, depth = 0): string | null {
  if (typeof datum === 'number') return Object.is(datum, -0) ? '0' : String(datum);
  if (datum === null || typeof datum !== 'object') return JSON.stringify(datum);
  if (datum instanceof Named) return datum.text;
  if (depth >= depthMax) return null;
  if (Array.isArray(datum))
    return bracketed(
      '[',
      (datum as readonly Datum[]).map((item) => canonicalText(item, depth + 1)),
      ']',
    );
  if (datum instanceof DatumSet) return bracketed('#{', inOrder(datum.items.map((item) => canonicalText(item, depth + 1))), '}');
  const entries = datum instanceof DatumMap ? datum.entries : Object.entries(datum as { readonly [key: string]: Datum });
  const texts = entries.map(([key, value]) => {
    const [name, text] = [canonicalText(key, depth + 1), canonicalText(value, depth + 1)];
    return name === null || text === null ? null : `${name} ${text}`;
  });
  return bracketed('{', inOrder(texts), '}');
}

function inOrder(texts: readonly (string | null)[]): readonly (string | null)[] {
  return texts.includes(null) ? texts : (texts as readonly string[]).toSorted();
}

function bracketed(open: string, texts: readonly (string | null)[], close: string): string | null {
  return texts.includes(null) ? null : `${open}${texts.join(' ')}${close}`;
}

/** A number as it is; an integer beyond what a number can tell apart by its digits. */
export function exactInteger(digits: string): number | Named {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : new Named(BigInt(digits).toString());
}

/** For messages: short, whatever it is. */
export function briefly(datum: Datum | undefined): string {
  const text = datum === undefined ? 'nothing' : (canonicalText(datum) ?? 'a deeply nested value');
  return text.length > briefCharactersMax ? `${text.slice(0, briefCharactersMax)}…` : text;
}

const briefCharactersMax = 60;
