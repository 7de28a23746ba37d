/**
 * What a copy of a space amounts to: a digest over its maximal versions, alternates and tombstones, made here from what the copy holds and never
 * taken from the system. Beaten versions count, being maximal; versions that another takes the place of do not, since compaction may have dropped
 * them. The order of the versions does not matter, log layout plays no part.
 *
 * Entries are hashed with FNV-1a (Fowler, Noll, Vo) in two lanes of different factors, finished as in MurmurHash3 (Appleby) and added up, so that no sort is needed.
 */
import type { CopyState, CopyVersion } from './history.js';

interface Lanes {
  readonly high: number;
  readonly low: number;
}

interface KnownEntry extends Lanes {
  readonly id: string;
  readonly contentHash: string;
}

/** Digests of copies. Remembers what it hashed: successive samples of a copy differ little. */
export class CopyDigests {
  private readonly entries = new Map<string, KnownEntry>();
  private readonly digests = new Map<readonly CopyVersion[], string>();

  /** 16 hexadecimal digits; equal exactly for copies that amount to the same, but for a chance of 2^-64. */
  of({ versions }: CopyState): string {
    const known = this.digests.get(versions);
    if (known !== undefined) return known;
    let high = 0;
    let low = 0;
    for (const version of versions) {
      if (!version.maximal && !version.live && !version.tombstone) continue;
      const flags = (version.maximal ? 1 : 0) + (version.live ? 2 : 0) + (version.tombstone ? 4 : 0);
      const entry = this.entry(version);
      high = (high + finished(entry.high ^ flags)) | 0;
      low = (low + finished(entry.low ^ flags)) | 0;
    }
    const digest = hexadecimal(high) + hexadecimal(low);
    this.digests.set(versions, digest);
    return digest;
  }

  private entry({ id, version, contentHash }: CopyVersion): Lanes {
    const known = this.entries.get(version);
    if (known !== undefined && known.id === id && known.contentHash === contentHash) return known;
    const text = `${JSON.stringify(id)}${version} ${contentHash}`;
    const made = { id, contentHash, high: hashed(text, 0x01000193), low: hashed(text, 0x9e3779b1) };
    this.entries.set(version, made);
    return made;
  }
}

function hashed(text: string, factor: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), factor);
  return hash;
}

function finished(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return twice ^ (twice >>> 16);
}

function hexadecimal(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, '0');
}
