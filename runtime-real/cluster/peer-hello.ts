/** The first word in either direction of a peer stream: who speaks, where it is, of which cluster, in which version. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { isNodeId, type NodeId } from '../../core/identifiers.js';
import { PeerHello } from '../../core/wire/generated/engram/v1/cluster.js';

export const peerProtocolVersion = 2;
/** More spaces than this are not told in a hello. */
export const heldSpacesMax = 32_768;

export interface PeerIdentity {
  readonly cluster: string;
  readonly nodeId: NodeId;
  readonly name: string;
  /** host:port of its membership datagrams; empty: it takes none. */
  readonly membershipAddress: string;
  /** host:port on which others reach it; empty: it does not say. */
  readonly address: string;
  readonly zone: string;
  readonly rack: string;
  /** The cluster that it belongs to by its control log; empty: none, and it may be let in. */
  readonly clusterId: string;
  /** Of that control log. */
  readonly generation: number;
  /** Who makes the cluster by its configuration; empty: an operator. */
  readonly founder: string;
  /** What it holds something of while it belongs to no cluster. */
  readonly heldSpaces: readonly string[];
  /** It keeps a control log and can read it. */
  readonly keepsControlLog: boolean;
}

/** What a node that answers knows of who has called. */
export interface Greeting {
  readonly isRemoved: boolean;
}

/** What nodes of one cluster prove to each other that they know: the first is used, all are accepted; without any whoever speaks is believed. */
export type HelloKeys = readonly Uint8Array[];

const noProof = new Uint8Array(0);

export function helloOf(
  { heldSpaces, ...identity }: PeerIdentity,
  keys: HelloKeys = [],
  { isRemoved }: Greeting = { isRemoved: false },
): PeerHello {
  const bare = {
    ...identity,
    heldSpaces: [...heldSpaces],
    isRemoved,
    protocolVersion: peerProtocolVersion,
    checksum: 0,
    proof: noProof,
  };
  const bytes = PeerHello.encode(bare).finish();
  const [key] = keys;
  return { ...bare, checksum: crc32(bytes), proof: key === undefined ? noProof : proofOf(key, bytes) };
}

export interface Expectation {
  /** Whom we believe to have called; null when anybody may call. */
  readonly name: string | null;
  readonly keys?: HelloKeys;
}

/** The identity, or a sentence on why this is nobody to talk to. */
export function identityOf(hello: PeerHello | undefined, own: PeerIdentity, { name, keys = [] }: Expectation): PeerIdentity | string {
  if (hello === undefined) return 'it did not say who it is';
  const { checksum, proof, isRemoved: _told, protocolVersion, ...said } = hello;
  if (protocolVersion !== peerProtocolVersion) {
    return `it speaks version ${protocolVersion} of the peer protocol, this node ${peerProtocolVersion}`;
  }
  const bytes = PeerHello.encode({ ...hello, checksum: 0, proof: noProof }).finish();
  if (crc32(bytes) !== checksum || !isNodeId(said.nodeId)) return 'its hello was damaged on the way';
  const identity = { ...said, nodeId: said.nodeId };
  const refusal = refusalOf(identity, own, name);
  if (refusal !== null) return refusal;
  if (keys.length > 0 && !keys.some((key) => isProof(proof, proofOf(key, bytes)))) {
    const why = proof.length === 0 ? 'it has none' : 'its first one is unknown here';
    return `it does not know a secret of this cluster (${why}): compare cluster.secrets or cluster.secrets_file of both nodes`;
  }
  return identity;
}

function proofOf(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', key).update(bytes).digest());
}

function isProof(said: Uint8Array, right: Uint8Array): boolean {
  return said.length === right.length && timingSafeEqual(said, right);
}

function refusalOf({ cluster, nodeId, name, clusterId }: PeerIdentity, own: PeerIdentity, expected: string | null): string | null {
  if (cluster !== own.cluster) return `it belongs to the cluster ${JSON.stringify(cluster)}, this node to ${JSON.stringify(own.cluster)}`;
  if (expected !== null && name !== expected) return `the node at its address calls itself ${JSON.stringify(name)}`;
  if (nodeId === own.nodeId) return `it has the node id of this node, ${nodeId}: a copied data directory; give it an empty one`;
  if (clusterId !== '' && own.clusterId !== '' && clusterId !== own.clusterId) {
    return `it belongs to another cluster of the same name: that one was made with the id ${clusterId}, this node's with ${own.clusterId}`;
  }
  return null;
}
