/**
 * One peer as this node knows it: whom its messages come from, which round trips it has answered, what it last said of each space.
 */
import { VersionVector } from '../clock/version-vector.js';
import type { Now } from '../events.js';
import type { Author, NodeId, SpaceKey, Term } from '../identifiers.js';

/** Of a time: there is none. */
export const never = Number.NEGATIVE_INFINITY;
/** Never changed. */
export const nothing = new VersionVector();

/** What a peer last said of one space. */
export interface PeerSpace {
  term: Term | null;
  /** By its own rows it holds no copy: it only hands over. */
  readonly isOutside: boolean;
  /** What it has synced, or knows to be dominated, by its last ping. Never changed, only replaced. */
  reported: VersionVector;
  /** The same, and what it has settled. Never changed, only replaced. */
  covered: VersionVector;
  /** What it had synced as it said before. */
  previous: VersionVector | null;
  /** The ping that said so. Later ones that do not name the space say that nothing has changed. */
  readonly saidIn: number;
  /** Ends of gapless prefixes that it has acknowledged since that ping. */
  readonly acknowledged: Map<Author, number>;
  encoded: Uint8Array;
  /** What it had, or should have, and lacks. Never changed, only replaced. */
  lost: VersionVector;
  /** What it lacks like that, and waits for no more. Never changed, only replaced. */
  settled: VersionVector;
  /** An earlier report of this boot, without losses, of which all was here when the next one came. */
  caughtUp: { readonly reported: VersionVector; readonly vouchedMs: number } | null;
}

export interface Peer {
  readonly id: NodeId;
  /** It shares no row with this node: it hands over what it holds, and is forgotten once it is silent. */
  isGuest: boolean;
  /** Node and boot of its last message. */
  author: Author | null;
  /** Since when it is asked: before it has had the time to answer it is not out of reach. */
  askedSinceMs: number;
  lastHeardMs: number;
  /** When one of our pings was last answered within the bound. */
  lastReachedMs: number;
  reached: boolean;
  /** The last of our pings that it is known to have heard, and when that was sent. */
  answered: { readonly number: number; readonly sentMs: number } | null;
  /** What it was told up to this ping of ours it need not be told again; 0: it must be told all. */
  knowsUpTo: number;
  lastPingNumber: number;
  /** When that ping came. */
  pingedAtMs: number;
  /** Its last ping was sent at this time by our own clock or later: so old at most is what it says of any space. Never, if that is not known. */
  vouchedMs: number;
  /** Whether it is still to tell all that it holds, not only what has changed. */
  awaited: boolean;
  readonly spaces: Map<SpaceKey, PeerSpace>;
}

export function newPeer(id: NodeId, now: Now): Peer {
  return {
    id,
    isGuest: false,
    author: null,
    askedSinceMs: now.monotonicMs,
    lastHeardMs: never,
    lastReachedMs: never,
    reached: false,
    answered: null,
    knowsUpTo: 0,
    lastPingNumber: 0,
    pingedAtMs: never,
    vouchedMs: never,
    awaited: true,
    spaces: new Map(),
  };
}
