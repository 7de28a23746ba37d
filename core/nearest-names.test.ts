import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { nearestNames, suggestion } from './nearest-names.js';

const names = suite('nearest names');
const known = ['data_dir', 'listen', 'log_level', 'name'];

names('a slip of the finger finds the name', () => {
  assert.equal(nearestNames('datadir', known), ['data_dir']);
  assert.equal(nearestNames('LISTEN', known), ['listen']);
  assert.equal(nearestNames('lis', known), ['listen']);
});

names('what is like nothing is answered with all that there is', () => {
  assert.is(suggestion('lisen', known), 'did you mean listen?');
  assert.is(suggestion('zzzzzzzzz', known), 'known are: data_dir, listen, log_level, name');
});

names.run();
