/** The first word in either direction of a peer stream: who speaks, of which cluster, in which version. */
import { crc32 } from 'node:zlib';
import { isNodeId, type NodeId } from '../../core/identifiers.js';
import type { PeerHello } from '../../core/wire/generated/engram/v1/cluster.js';

export const peerProtocolVersion = 1;

export interface PeerIdentity {
  readonly cluster: string;
  readonly nodeId: NodeId;
  readonly name: string;
  /** host:port of its membership datagrams; empty: it takes none. */
  readonly membershipAddress: string;
}

export function helloOf({ cluster, nodeId, name, membershipAddress }: PeerIdentity): PeerHello {
  const hello = { cluster, nodeId, name, membershipAddress, protocolVersion: peerProtocolVersion, checksum: 0 };
  return { ...hello, checksum: checksumOf(hello) };
}

/** The identity, or a sentence on why this is nobody to talk to. `expected` is whom we believe to have called; null when anybody may call. */
export function identityOf(hello: PeerHello | undefined, own: PeerIdentity, expected: string | null): PeerIdentity | string {
  if (hello === undefined) return 'it did not say who it is';
  if (checksumOf(hello) !== hello.checksum || !isNodeId(hello.nodeId)) return 'its hello was damaged on the way';
  const { cluster, nodeId, name, membershipAddress } = hello;
  if (cluster !== own.cluster) return `it belongs to the cluster ${JSON.stringify(cluster)}, this node to ${JSON.stringify(own.cluster)}`;
  if (hello.protocolVersion !== peerProtocolVersion) {
    return `it speaks version ${hello.protocolVersion} of the peer protocol, this node ${peerProtocolVersion}`;
  }
  if (expected !== null && name !== expected) return `the node at its address calls itself ${JSON.stringify(name)}`;
  if (nodeId === own.nodeId) return `it has the node id of this node, ${nodeId}: a copied data directory; give it an empty one`;
  return { cluster, nodeId, name, membershipAddress };
}

function checksumOf({ cluster, nodeId, name, membershipAddress, protocolVersion }: PeerHello): number {
  return crc32(`${cluster}\0${nodeId}\0${name}\0${membershipAddress}\0${protocolVersion}`);
}
