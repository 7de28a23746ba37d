import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Author, authorBytes } from '../identifiers.js';
import { readAuthor, writeAuthor } from './author-bytes.js';

const test = suite('author bytes');

test('an author comes back from its bytes, wherever they stand, also when it is met again', () => {
  const author = fc.uint8Array({ minLength: authorBytes, maxLength: authorBytes }).map((raw) => Buffer.from(raw).toString('hex') as Author);
  fc.assert(
    fc.property(author, fc.nat(40), (text, at) => {
      const bytes = new Uint8Array(at + authorBytes + 3).fill(0xee);
      for (let time = 0; time < 2; time += 1) {
        writeAuthor(bytes, at, text);
        assert.is(readAuthor(bytes, at), text);
      }
      assert.ok(bytes.subarray(0, at).every((byte) => byte === 0xee));
      assert.ok(bytes.subarray(at + authorBytes).every((byte) => byte === 0xee));
    }),
  );
});

test('more authors than are remembered are all read and written alike', () => {
  const bytes = new Uint8Array(authorBytes);
  for (let count = 0; count < 10_000; count += 1) {
    const text = count.toString(16).padStart(2 * authorBytes, '0') as Author;
    writeAuthor(bytes, 0, text);
    assert.is(readAuthor(bytes, 0), text);
  }
});

test.run();
