/**
 * Reads many records back from the log. What was written together is wanted together: places that stand near each other are read in one stretch, since
 * a read of its own for each record would cost a lagging copy more than the pushes that it missed.
 */
import type { Author, SpaceKey } from '../identifiers.js';
import type { MemoryStore } from '../memory/memory-store.js';
import type { PureFunctions } from '../pure-functions.js';
import type { RecordPlace } from '../storage/dot-positions.js';
import { RecordView } from '../wire/record.js';

export interface Wanted {
  readonly author: Author;
  readonly sequence: number;
  readonly place: RecordPlace;
}

export interface ReadRecord {
  readonly author: Author;
  /** A view of the stretch that it was read in. */
  readonly bytes: Uint8Array;
}

/** Read at once at most, and skipped between two records at most. */
const stretchBytesMax = 256 * 1_024;
const skippedBytesMax = 8 * 1_024;

/** Positions in the list of what is wanted. */
interface Stretch {
  readonly place: RecordPlace;
  readonly wanted: readonly number[];
}

/** `then` hears, in the order asked for, each record of the space or null where its bytes are damaged or another's. */
export function readBack(
  store: MemoryStore,
  pure: PureFunctions,
  space: SpaceKey,
  wanted: readonly Wanted[],
  then: (records: readonly (ReadRecord | null)[]) => void,
): void {
  const records: (ReadRecord | null)[] = wanted.map(() => null);
  if (wanted.length === 0) return then(records);
  const view = new RecordView(pure);
  const take = (at: number, bytes: Uint8Array, offset: number): void => {
    const { author, sequence, place } = wanted[at];
    const end = offset + place.length;
    const whole = view.moveTo(bytes, offset, end) && view.length === place.length && view.intact();
    const right = whole && view.sequence === sequence && view.author === author && view.space === space;
    if (right) records[at] = { author, bytes: bytes.subarray(offset, end) };
  };
  const stretches = stretchesOf(wanted);
  let left = stretches.length;
  const done = (): void => {
    left -= 1;
    if (left === 0) then(records);
  };
  for (const { place, wanted: within } of stretches) {
    store.readStretch(place, (bytes) => {
      if (bytes !== null) {
        for (const at of within) take(at, bytes, wanted[at].place.offset - place.offset);
        return done();
      }
      if (within.length === 1) return done();
      // One bad sector must not take its neighbours with it.
      left += within.length;
      for (const at of within) {
        store.readStretch(wanted[at].place, (own) => {
          if (own !== null) take(at, own, 0);
          done();
        });
      }
      done();
    });
  }
}

function stretchesOf(wanted: readonly Wanted[]): Stretch[] {
  const order = wanted.map((_, at) => at);
  order.sort((left, right) => {
    const [a, b] = [wanted[left].place, wanted[right].place];
    return a.segment - b.segment || a.offset - b.offset;
  });
  const stretches: Stretch[] = [];
  let within: number[] = [];
  let from: RecordPlace | null = null;
  let end = 0;
  const close = (): void => {
    if (from !== null) stretches.push({ place: { segment: from.segment, offset: from.offset, length: end - from.offset }, wanted: within });
  };
  for (const at of order) {
    const { place } = wanted[at];
    const joins =
      from !== null &&
      place.segment === from.segment &&
      place.offset - end <= skippedBytesMax &&
      place.offset + place.length - from.offset <= stretchBytesMax;
    if (!joins) {
      close();
      within = [];
      from = place;
      end = 0;
    }
    within.push(at);
    end = Math.max(end, place.offset + place.length);
  }
  close();
  return stretches;
}
