import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalText, depthMax, MalformedHistory } from './datum.js';
import { readEdn } from './edn.js';

const edn = suite('edn');

const texts = (source: string): (string | null)[] => [...readEdn(source)].map(({ datum }) => canonicalText(datum));
const one = (source: string): string | null => texts(`{:a ${source}}`)[0]?.slice(4, -1) ?? null;

edn('reads every kind of value', () => {
  for (const [source, text] of [
    ['nil', 'null'],
    ['true', 'true'],
    ['-12', '-12'],
    ['+7', '7'],
    ['1.5e3', '1500'],
    ['12N', '12'],
    ['9007199254740993', '9007199254740993'],
    ['1/3', '1/3'],
    ['1.0M', '1.0M'],
    ['"a\\n\\u0041"', '"a\\nA"'],
    ['\\newline', '\\\n'],
    ['\\(', '\\('],
    [':jepsen.core/read', ':jepsen.core/read'],
    ['a-symbol', "'a-symbol"],
    ['[1, 2 (3)]', '[1 2 [3]]'],
    ['#{2 1}', '#{1 2}'],
    ['{:b 1 :a 2}', '{:a 2 :b 1}'],
    ['#inst "2024-01-01"', '"2024-01-01"'],
    ['##NaN', '##NaN'],
    ['#_ (left out) 5 ; a comment', '5'],
  ] as const) {
    assert.is(one(`${source}\n`), text, source);
  }
});

edn('values are told apart by what they are', () => {
  const all = [
    '1',
    '"1"',
    ':1',
    'nil',
    '"null"',
    '\\1',
    '[1]',
    '#{1}',
    '{1 1}',
    "'1",
    '9007199254740993',
    '9007199254740992',
    '1.5',
    '3/2',
  ];
  assert.is(new Set(all.map((source) => one(source))).size, all.length);
});

edn('events stand one after the other, or in one vector or list', () => {
  for (const source of ['{:a 1}\n\n{:a 2}', '[{:a 1}\n\n{:a 2}]', '({:a 1}\n\n#op{:a 2})\n']) {
    const forms = [...readEdn(source)];
    assert.equal(
      forms.map(({ line }) => line),
      [1, 3],
    );
    assert.equal(
      forms.map(({ datum }) => canonicalText(datum)),
      ['{:a 1}', '{:a 2}'],
    );
  }
  assert.equal(texts(''), []);
  assert.equal(texts(' ; nothing'), []);
});

edn('says on which line it stops to make sense', () => {
  for (const [source, line, what] of [
    ['{:a 1}\n{:a', 2, 'the text ends before the } of line 2'],
    ['{:a}', 1, 'a key without a value'],
    ['[{:a 1}', 1, 'before the ] that ends the history'],
    ['[{:a 1}] {:b 2}', 1, 'something follows'],
    ['{:a 1x}', 1, '1x is no number'],
    ['{:a "x\n\n}', 1, 'a string does not end'],
    ['{:a "\\q"}', 1, '\\q is no character'],
    ['\n\n}', 3, '"}" begins no value'],
    ['{:a :}', 1, 'a keyword has no name'],
    ['{:a #1 2}', 1, '#1 is no tag'],
    [`{:a\n${'['.repeat(depthMax + 2)}`, 2, 'nest deeper'],
    [`${'#a '.repeat(depthMax + 2)}1`, 1, 'nest deeper'],
    [`${'#_ '.repeat(depthMax * 200)}1`, 1, 'nest deeper'],
  ] as const) {
    try {
      texts(source);
      assert.unreachable(source);
    } catch (error) {
      assert.instance(error, MalformedHistory);
      assert.is((error as MalformedHistory).line, line, source);
      assert.ok((error as MalformedHistory).what.includes(what), `${source}: ${(error as MalformedHistory).what}`);
    }
  }
});

edn.run();
