/**
 * Merging is set union, and the readable state a function of the set: commutative, associative, idempotent. Histories are made by a few authors who
 * write, delete and hear of each other's records at random; then copies take in the same records in other orders, in pieces and more than once.
 */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CausalContext, contextWith, emptyContext, joinContexts } from '../clock/causal-context.js';
import { defaultMemoryOptions } from '../configuration.js';
import { type Author, authorOf, nodeId, spaceKey } from '../identifiers.js';
import { versionFlags } from '../storage/record-index.js';
import { ValueCache } from '../storage/value-cache.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { encodeEpisode } from '../wire/episode.js';
import { hexToBytes } from '../wire/hex.js';
import { RecordView, recordLength, recordTypes, type SupersededRequest, writeRecord } from '../wire/record.js';
import { SpaceStore } from './space-store.js';

const laws = suite('merge laws');
const pure = testPureFunctions();
const key = spaceKey({ name: 'laws', generation: 0 });
const authors: readonly Author[] = [1, 2, 3].map((n) =>
  authorOf(nodeId(n.toString().repeat(32)), { counter: n, random: n.toString().repeat(16) }),
);

interface Made {
  readonly author: Author;
  readonly sequence: number;
  readonly id: string;
  readonly tombstone: boolean;
  readonly context: CausalContext;
  /** The request that it was made by, and the one whose place it took; 0 for none. */
  readonly request: number;
  readonly tookPlaceOf: number;
  readonly bytes: Uint8Array;
}

function emptyStore(): SpaceStore {
  const places = { retain: () => undefined, release: () => undefined };
  return new SpaceStore(key, 0, {
    options: defaultMemoryOptions,
    pure,
    journal: { note: () => undefined },
    cache: new ValueCache(0),
    places,
  });
}

function take(store: SpaceStore, records: readonly Made[]): SpaceStore {
  const view = new RecordView(pure);
  for (const { bytes } of records) {
    assert.ok(view.moveTo(bytes, 0, bytes.length) && view.intact());
    store.merge(view, { segment: 1, offset: 0, length: bytes.length });
  }
  return store;
}

/** Everything that a copy would say, in an order that does not depend on its own. */
function readable(store: SpaceStore): unknown {
  const memories = Array.from({ length: store.index.memoryCount }, (_, memory) => {
    const name = (version: number): string => `${store.index.columns.sequence[version]}@${store.index.authorOf(version)}`;
    const retained: string[] = [];
    for (let version = store.index.headOf(memory); version >= 0; version = store.index.next[version]) {
      retained.push(`${name(version)} ${store.index.columns.flags[version]}`);
    }
    const found = store.standing(memory, { pending: false }).live;
    return { id: store.idText(memory), retained: retained.sort(), live: found.map(name) };
  });
  memories.sort((left, right) => (left.id < right.id ? -1 : 1));
  const coverage = store.coverage.authors().map((author) => [author, store.coverage.of(author)?.ranges()]);
  return { memories, coverage, searchable: store.vectors.searchableRows };
}

interface Step {
  readonly who: number;
  readonly what: 'write' | 'delete' | 'hear';
  readonly id: number;
  readonly from: number;
  readonly confidence: number;
  readonly request: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  who: fc.nat(2),
  what: fc.constantFrom('write', 'write', 'write', 'delete', 'hear', 'hear'),
  id: fc.nat(2),
  from: fc.nat(2),
  confidence: fc.constantFrom(0.2, 0.9, 0.9, 1),
  request: fc.nat(3),
});

/** Carries out the steps: three authors who each hold what they wrote and what they have heard. */
function historyOf(steps: readonly Step[]): Made[] {
  const all: Made[] = [];
  const held = authors.map(() => new Set<Made>());
  const sequences = authors.map(() => 0);
  steps.forEach((each, at) => {
    const mine = held[each.who];
    if (each.what === 'hear') {
      for (const record of held[each.from]) mine.add(record);
      return;
    }
    const author = authors[each.who];
    const id = `m${each.id}`;
    let context = emptyContext;
    for (const record of mine) {
      if (record.id === id) context = contextWith(joinContexts(context, record.context), record);
    }
    const own = context.authors.indexOf(author);
    if (own >= 0)
      context = { authors: context.authors.filter((_, i) => i !== own), sequences: context.sequences.filter((_, i) => i !== own) };
    sequences[each.who] += 1;
    const made = record({ each, at, author, sequence: sequences[each.who], id, context });
    all.push(made);
    mine.add(made);
  });
  return all;
}

function record(write: { each: Step; at: number; author: Author; sequence: number; id: string; context: CausalContext }): Made {
  const { each, at, author, sequence, id, context } = write;
  const tombstone = each.what === 'delete';
  const content = { id, text: `${each.request}`, embedding: Float32Array.of(1, at), confidence: each.confidence };
  const payload = tombstone
    ? new Uint8Array(0)
    : encodeEpisode({ ...content, occurredAtMs: at, who: '', where: '', tags: [], embedder: '' }, pure);
  const hash = new Uint32Array(2);
  if (!tombstone) pure.hash64(payload, hash);
  const idSource = pure.utf8Encode(id);
  const superseded: SupersededRequest[] = each.request === 3 ? [{ high: 0x01010101, low: 0x01010101, ms: at }] : [];
  const draft = {
    type: tombstone ? recordTypes.tombstone : recordTypes.episode,
    term: { generation: 0, index: 0, counter: 1 },
    timeMs: 1_000 + Math.floor(at / 2),
    timeLogical: 0,
    author,
    authorBytes: hexToBytes(author),
    sequence,
    request: each.request === 1 ? new Uint8Array(16).fill(1) : null,
    requestHigh: 0x01010101,
    requestLow: 0x01010101,
    hashHigh: hash[0],
    hashLow: hash[1],
    confidence: each.confidence,
    spaceGeneration: 0,
    spaceName: pure.utf8Encode('laws'),
    idSource,
    idOffset: 0,
    idLength: idSource.length,
    context,
    superseded,
    payload,
  };
  const bytes = new Uint8Array(recordLength(draft));
  writeRecord(draft, bytes, 0, pure);
  const request = each.request === 1 ? 1 : 0;
  return { author, sequence, id, tombstone, context, request, tookPlaceOf: superseded.length, bytes };
}

const historyAndOrder = fc
  .array(step, { minLength: 1, maxLength: 24 })
  .map(historyOf)
  .chain((records) => fc.tuple(fc.constant(records), fc.shuffledSubarray(records, { minLength: records.length }), fc.nat(records.length)));

laws('commutative: the order of arrival does not matter', () => {
  fc.assert(
    fc.property(historyAndOrder, ([records, shuffled]) => {
      assert.equal(readable(take(emptyStore(), shuffled)), readable(take(emptyStore(), records)));
    }),
  );
});

laws('idempotent: a record that comes again changes nothing', () => {
  fc.assert(
    fc.property(historyAndOrder, ([records, again]) => {
      const once = take(emptyStore(), records);
      const before = readable(once);
      assert.equal(readable(take(once, again)), before);
    }),
  );
});

laws('associative: it does not matter in which pieces records are gathered', () => {
  fc.assert(
    fc.property(historyAndOrder, ([records, shuffled, cut]) => {
      const [first, second] = [shuffled.slice(0, cut), shuffled.slice(cut)];
      assert.equal(readable(take(take(emptyStore(), second), first)), readable(take(emptyStore(), records)));
    }),
  );
});

laws(
  'no loss: every record is live, or included by another, or beaten by a delete that it does not include and has not taken the place of',
  () => {
    fc.assert(
      fc.property(historyAndOrder, ([records, shuffled]) => {
        const store = take(emptyStore(), shuffled);
        const includes = (holder: Made, other: Made): boolean =>
          holder.author === other.author
            ? holder.sequence > other.sequence
            : (holder.context.sequences[holder.context.authors.indexOf(other.author)] ?? 0) >= other.sequence;
        for (const made of records) {
          const others = records.filter((other) => other !== made && other.id === made.id);
          const bytes = pure.utf8Encode(made.id);
          const memory = store.index.find(bytes, 0, bytes.length);
          const version = store.index.versionOf(memory, made.author, made.sequence);
          const superseded = others.some((other) => includes(other, made));
          const tookPlaceOf = (other: Made): boolean => other.request > 0 && other.request === made.tookPlaceOf;
          const beaten = others.some((other) => other.tombstone && !includes(made, other) && !tookPlaceOf(other));
          assert.is(version >= 0, !superseded || made.tombstone, 'retained exactly if maximal or a tombstone');
          if (version < 0 || made.tombstone) continue;
          const { live } = store.standing(memory, { pending: false });
          const hash = (row: number): string => `${store.index.columns.hashHigh[row]} ${store.index.columns.hashLow[row]}`;
          assert.is(
            live.some((row) => hash(row) === hash(version)),
            !beaten,
            'live exactly if no delete beats it',
          );
        }
      }),
    );
  },
);

laws('one memory, at most one searchable version, and it is the readable one', () => {
  fc.assert(
    fc.property(historyAndOrder, ([, shuffled]) => {
      const store = take(emptyStore(), shuffled);
      for (let memory = 0; memory < store.index.memoryCount; memory += 1) {
        const found: number[] = [];
        for (let version = store.index.headOf(memory); version >= 0; version = store.index.next[version]) {
          const row = store.index.columns.vector[version];
          if (row >= 0 && !store.index.has(version, versionFlags.free) && store.vectors.isSearchable(row)) found.push(version);
        }
        assert.equal(found, store.standing(memory, { pending: false }).live.slice(0, 1));
      }
    }),
  );
});

laws.run();
