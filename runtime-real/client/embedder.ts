/**
 * Turns text into vectors. The client library does this, never a node: a node stores and compares, and remembers which embedder made a space's
 * vectors, because those of different embedders have nothing to say to each other.
 *
 * The built-in one needs no model and no network: words and character n-grams, hashed into signed buckets (feature hashing: Weinberger, Dasgupta,
 * Langford, Smola, Attenberg 2009; n-grams within word boundaries as in fastText: Bojanowski, Grave, Joulin, Mikolov 2016). It finds texts that
 * share words and word parts with the cue; it knows nothing of meaning.
 */

/** Where vectors come from. Implement it to use a model of your own. */
export interface Embedder {
  /** Vectors are compared only with those of an embedder of the same name: change it when the vectors change. */
  readonly name: string;
  readonly dimensions: number;
  /** One vector per text, in order, of `dimensions` finite numbers. */
  embed(texts: readonly string[]): Promise<readonly Float32Array[]> | readonly Float32Array[];
}

/** Weight of a word against that of one of its n-grams. */
const wordWeight = 1;
const gramWeight = 0.35;
const gramLength = 4;
/** The first words of a text often say what it is about. */
const openingWords = 32;
const openingWeight = 4;
/** Words that say nothing about the subject of an English text. */
const fillers =
  'a an and any are as at be been but by can could did do does for from get had has have how i if in into is it its may me my not of on or our ' +
  'set should so than that the their them then there these they this to us use used using was we were what when where which while who why will with would you your';
/** Slots for counting features; two that share a slot are one feature. */
const slotBits = 15;

export interface NgramEmbedderOptions {
  readonly dimensions?: 128 | 256;
}

/** The built-in embedder: deterministic, the same bits on every machine. */
export function ngramEmbedder(options: NgramEmbedderOptions = {}): Embedder {
  const dimensions = options.dimensions ?? 256;
  const counter = new FeatureCounter();
  return {
    name: `engram-ngram-${dimensions}-v1`,
    dimensions,
    embed: (texts) => texts.map((text) => counter.vectorOf(text, dimensions)),
  };
}

/** Mixes 32 bits (the finaliser of MurmurHash3, Appleby 2011): neighbouring hashes must not land in neighbouring buckets. */
function mixed(hash: number): number {
  let mix = hash;
  mix = Math.imul(mix ^ (mix >>> 16), 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}

function wordHash(codes: Uint16Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ codes[at], 0x01000193);
  return mixed(hash);
}

function wholeHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mixed(hash);
}

const fillerHashes = new Set(
  fillers.split(' ').map((word) =>
    wordHash(
      Uint16Array.from(word, (letter) => letter.charCodeAt(0)),
      0,
      word.length,
    ),
  ),
);

function isWordCode(code: number): boolean {
  if (code < 128) return (code >= 97 && code <= 122) || (code >= 48 && code <= 57);
  // Beyond ASCII everything but spaces, dashes, quotes and signs counts as a letter.
  return code >= 0xc0 && !(code >= 0x2000 && code <= 0x206f) && !(code >= 0x3000 && code <= 0x303f);
}

/** Counts the features of one text at a time; its tables are reused, so that embedding allocates one vector. */
class FeatureCounter {
  /** Summed weights per slot. Invariant: all zero between texts. */
  readonly #weights = new Float32Array(2 ** slotBits);
  readonly #hashes = new Uint32Array(2 ** slotBits);
  readonly #touched = new Uint16Array(2 ** slotBits);
  #touchedCount = 0;
  #word = new Uint16Array(66);

  vectorOf(text: string, dimensions: number): Float32Array {
    this.#count(text.toLowerCase());
    // Nothing but fillers or signs: the text as a whole is its only feature, so that it has a direction and finds its like.
    if (this.#touchedCount === 0 && text.length > 0) this.#add(wholeHash(text), wordWeight);
    const vector = new Float32Array(dimensions);
    for (let at = 0; at < this.#touchedCount; at += 1) {
      const slot = this.#touched[at];
      const hash = this.#hashes[slot];
      // The square root damps repetition: the tenth mention of a word adds less than the first.
      const weight = Math.sqrt(this.#weights[slot]);
      const bucket = hash % dimensions;
      vector[bucket] = vector[bucket] + ((hash & 0x8000_0000) === 0 ? weight : -weight);
      this.#weights[slot] = 0;
    }
    this.#touchedCount = 0;
    return toUnitLength(vector);
  }

  #count(text: string): void {
    const word = this.#word;
    let length = 1;
    let words = 0;
    // Words stand between spaces, so that the n-grams at their ends differ from those in their middle.
    word[0] = 32;
    for (let at = 0; at <= text.length; at += 1) {
      const code = at < text.length ? text.charCodeAt(at) : 32;
      if (isWordCode(code) && length < word.length - 1) {
        word[length] = code;
        length += 1;
        continue;
      }
      if (length > 1) {
        word[length] = 32;
        words += 1;
        this.#addWord(word, length + 1, words <= openingWords ? openingWeight : 1);
        length = 1;
      }
    }
  }

  #addWord(word: Uint16Array, end: number, factor: number): void {
    const hash = wordHash(word, 1, end - 1);
    if (fillerHashes.has(hash)) return;
    this.#add(hash, wordWeight * factor);
    for (let at = 0; at + gramLength <= end; at += 1) this.#add(wordHash(word, at, at + gramLength) ^ 0x5bd1e995, gramWeight * factor);
  }

  #add(hash: number, weight: number): void {
    const slot = (hash >>> 8) & (2 ** slotBits - 1);
    if (this.#weights[slot] === 0) {
      this.#touched[this.#touchedCount] = slot;
      this.#touchedCount += 1;
      this.#hashes[slot] = hash;
    }
    this.#weights[slot] = this.#weights[slot] + weight;
  }
}

/** Divided by its length, in place; zeros stay zeros. */
export function toUnitLength(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (squares === 0) return vector;
  const length = Math.sqrt(squares);
  for (let at = 0; at < vector.length; at += 1) vector[at] = vector[at] / length;
  return vector;
}
