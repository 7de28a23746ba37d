/** Why a packet, a question or an answer of another node was dropped. */
export const packetFaults = [
  'too short',
  'too long',
  'not a packet',
  'format version',
  'checksum',
  'not authenticated',
  'unknown key',
  'another cluster',
  'from this node',
  'replayed',
  'malformed',
] as const;

export type PacketFault = (typeof packetFaults)[number];
