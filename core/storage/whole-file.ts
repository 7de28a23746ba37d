/**
 * Reads a file that may lie on a medium with bad sectors.
 */
import type { DiskFile } from '../events.js';
import type { DiskCalls } from './disk-calls.js';

const readPieceBytes = 64 * 1_024;
/** A device refuses no less than this. */
const sectorBytes = 512;
/** Refused reads may take seconds each: of a file that is bad throughout, what could be found is not worth the wait. */
const readSplitsMax = 1_024;

interface Piece {
  readonly file: DiskFile;
  readonly offset: number;
  readonly pieceBytes: number;
  readonly splitsLeft: number;
}

/** Reads a whole file; where the medium refuses, in pieces, the unreadable ones as zeros, which no checksum accepts. */
export function readWhole(disk: DiskCalls, file: DiskFile, then: (bytes: Uint8Array) => void): void {
  disk.read(file.name, { offset: 0, length: file.bytes }, (result) => {
    if (result.kind === 'read') return then(result.bytes);
    readPieces(disk, { file, offset: 0, pieceBytes: readPieceBytes, splitsLeft: readSplitsMax }, new Uint8Array(file.bytes), then);
  });
}

/** One piece after another; an unreadable one in halves, down to a sector, so that a bad sector takes nothing with it but what is in it. */
function readPieces(disk: DiskCalls, at: Piece, into: Uint8Array, then: (bytes: Uint8Array) => void): void {
  const { file, offset, pieceBytes, splitsLeft } = at;
  if (offset >= file.bytes) return then(into);
  const length = Math.min(pieceBytes, file.bytes - offset);
  disk.read(file.name, { offset, length }, (result) => {
    if (result.kind === 'read') into.set(result.bytes, offset);
    else if (pieceBytes > sectorBytes && splitsLeft > 0) {
      return readPieces(disk, { ...at, pieceBytes: pieceBytes / 2, splitsLeft: splitsLeft - 1 }, into, then);
    }
    // What follows is read in pieces as large as its place allows: large ones begin at multiples of their size.
    const next = offset + length;
    let nextBytes = pieceBytes;
    while (nextBytes < readPieceBytes && next % (2 * nextBytes) === 0) nextBytes *= 2;
    readPieces(disk, { ...at, offset: next, pieceBytes: nextBytes }, into, then);
  });
}
