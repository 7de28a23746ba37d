import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { anyEntry, anyLog, founding } from '../test-support/control-entries.js';
import { testPureFunctions } from '../test-support/pure-functions.js';
import { applyEntry } from './apply-entry.js';
import { emptyControlState } from './control-state.js';
import { decodeEntry, encodeEntry, entryFormatVersion } from './entry-codec.js';
import { decodeState, encodeState, stateFormatVersion } from './state-codec.js';

const codecs = suite('bytes of the control log');
const pure = testPureFunctions();
const anything = fc.oneof(anyEntry, fc.constant(founding));

codecs('law: an entry comes out as it went in', () => {
  fc.assert(
    fc.property(anything, (entry) => {
      assert.equal(decodeEntry(encodeEntry(entry, pure), pure), { kind: 'entry', entry });
    }),
  );
});

codecs('law: bytes that decode are the only ones for what they decode to, and nothing throws', () => {
  fc.assert(
    fc.property(anything, fc.nat(), fc.integer({ min: 1, max: 255 }), (entry, where, flip) => {
      const bytes = encodeEntry(entry, pure).slice();
      bytes[where % bytes.length] ^= flip;
      const reading = decodeEntry(bytes, pure);
      if (reading.kind === 'entry') assert.equal([...encodeEntry(reading.entry, pure)], [...bytes]);
    }),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => assert.ok(decodeEntry(bytes, pure).kind.length > 0)));
});

codecs('an entry that was cut short or goes on is damaged, one of a later version says so', () => {
  const bytes = encodeEntry(founding, pure);
  for (let length = 0; length < bytes.length; length += 1) assert.is(decodeEntry(bytes.subarray(0, length), pure).kind, 'damaged');
  assert.is(decodeEntry(Uint8Array.from([...bytes, 0]), pure).kind, 'damaged');
  const later = bytes.slice();
  later[0] = entryFormatVersion + 1;
  assert.equal(decodeEntry(later, pure), { kind: 'newer', version: entryFormatVersion + 1 });
});

codecs('law: a state comes out as it went in, and its bytes tell states apart', () => {
  fc.assert(
    fc.property(anyLog, (log) => {
      let state = emptyControlState;
      log.forEach((entry, at) => {
        const before = encodeState(state, pure);
        const applied = applyEntry(state, entry, at + 1);
        assert.equal(decodeState(before, pure), { kind: 'state', state });
        assert.is.not(pure.crc32(before), pure.crc32(encodeState(applied.state, pure)));
        state = applied.state;
      });
    }),
  );
});

codecs('a state that was cut short is damaged, one of a later version says so', () => {
  const bytes = encodeState(applyEntry(emptyControlState, founding, 1).state, pure);
  for (let length = 0; length < bytes.length; length += 1) assert.is(decodeState(bytes.subarray(0, length), pure).kind, 'damaged');
  const later = bytes.slice();
  later[0] = stateFormatVersion + 1;
  assert.equal(decodeState(later, pure), { kind: 'newer', version: stateFormatVersion + 1 });
});

codecs.run();
