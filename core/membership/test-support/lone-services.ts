/** The parts of one node without the others, for tests of single parts: what they would send is kept, and time is moved by hand. */
import { nodeId } from '../../identifiers.js';
import { testPureFunctions } from '../../test-support/pure-functions.js';
import type { Address } from '../address.js';
import type { Description } from '../claim.js';
import { encodeMetadata } from '../claim-bytes.js';
import { Digests } from '../digests.js';
import type { MembershipDomainEvent } from '../domain-events.js';
import { MembershipServices } from '../membership-services.js';
import { lanMembership, type MemberMetadata, type MembershipOptions } from '../options.js';
import { testAddress } from './test-network.js';

export const testMetadata: MemberMetadata = { name: 'n', zone: '', rack: '', roles: [], version: '', grpcAddress: '', loadPercent: 0 };

export interface LoneServices {
  readonly services: MembershipServices;
  readonly notes: MembershipDomainEvent[];
  readonly sent: { readonly to: Address; readonly bytes: Uint8Array }[];
}

export function loneServices(options: Partial<MembershipOptions> = {}): LoneServices {
  const pure = testPureFunctions('lone');
  const notes: MembershipDomainEvent[] = [];
  const sent: { to: Address; bytes: Uint8Array }[] = [];
  const services = new MembershipServices(
    {
      self: nodeId('00'.repeat(16)),
      boot: { counter: 1, random: '0'.repeat(16) },
      clusterId: 'test',
      options: { ...lanMembership, address: testAddress('self:7946'), metadata: testMetadata, keys: [], ...options },
      pure,
      effects: {
        datagrams: { send: (to, bytes) => sent.push({ to, bytes }) },
        exchanges: { ask: () => undefined, answer: () => undefined },
        timers: { arm: () => undefined, disarm: () => undefined },
        journal: { note: (event) => notes.push(event as MembershipDomainEvent) },
      },
    },
    new Digests(pure),
  );
  services.nowMs = 1_000;
  return { services, notes, sent };
}

export function testDescription(address: string, described = 0): Description {
  return {
    described,
    address: testAddress(address),
    metadata: testMetadata,
    metadataBytes: encodeMetadata(testMetadata, testPureFunctions()),
  };
}
