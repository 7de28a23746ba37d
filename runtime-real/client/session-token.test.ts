/** Tokens of several nodes become one that asks for all of them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePrefixes, encodePrefixes } from '../../core/clock/version-vector.js';
import { type Author, authorOf, nodeId } from '../../core/identifiers.js';
import { joinTokens, SessionToken } from './session-token.js';

const author = (letter: string, counter: number): Author => authorOf(nodeId(letter.repeat(32)), { counter, random: letter.repeat(16) });
const token = (...prefixes: readonly [Author, number][]): Uint8Array => encodePrefixes(new Map(prefixes));
const [one, two] = [author('a', 1), author('b', 1)];

const tokens = suite('session token');

tokens('the join asks for the greater sequence of every author', () => {
  const joined = joinTokens(token([one, 5], [two, 2]), token([one, 3], [two, 7]));
  assert.equal(
    decodePrefixes(joined),
    new Map([
      [one, 5],
      [two, 7],
    ]),
  );
  assert.equal(joinTokens(token([one, 5]), token([two, 1])), joinTokens(token([two, 1]), token([one, 5])));
});

tokens('an answer of a copy that lags behind takes nothing back', () => {
  const session = new SessionToken();
  session.see(token([one, 9]));
  session.see(token([one, 4], [two, 1]));
  assert.equal(session.bytes, token([one, 9], [two, 1]));
  session.see(new Uint8Array(0));
  assert.equal(session.bytes, token([one, 9], [two, 1]));
});

tokens('bytes that are no token change nothing', () => {
  const session = new SessionToken();
  session.see(token([one, 9]));
  session.see(Uint8Array.of(99, 1, 2));
  assert.equal(session.bytes, token([one, 9]));
});

tokens.run();
