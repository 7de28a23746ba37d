/**
 * Whoever reaches the port can send anything to it: garbage, what is too long, what he has overheard, what belongs to another cluster. Each is counted by
 * its reason and dropped, and the cluster does not notice.
 */
import { createSocket, type Socket } from 'node:dgram';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { PacketFault } from '../core/membership/packet-faults.js';
import { hostOf, portOf } from './config/addresses.js';
import { freePorts, type NodeOptions, type NodeProcess, startNode } from './node-processes.js';

const secret = 'a-secret-of-this-test-alone';
const rotated = 'the-next-secret-of-this-test';

function listening(node: NodeProcess, field: string): string {
  return String(node.logs.find(({ msg }) => msg === 'node.listening')?.[field]);
}

function start(name: string, environment: Record<string, string>): Promise<NodeProcess> {
  const options: NodeOptions = { name, flags: ['--cluster-mode', 'cluster', '--member', name], environment };
  return startNode(options);
}

/** A wire tap: nodes are told that somebody lives here, and what they send there passes through this hand. */
class Tap {
  readonly #socket: Socket = createSocket('udp4');
  readonly packets: Uint8Array[] = [];
  #wake: () => void = () => {};

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#socket.bind(0, '127.0.0.1', resolve));
    this.#socket.on('message', (bytes) => {
      this.packets.push(new Uint8Array(bytes));
      this.#wake();
    });
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** A packet that was overheard, the next one when there is none yet. */
  async overheard(): Promise<Uint8Array> {
    while (this.packets.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.packets.shift() as Uint8Array;
  }

  send(to: string, bytes: Uint8Array): void {
    this.#socket.send(bytes, portOf(to), hostOf(to));
  }

  close(): void {
    this.#socket.close();
  }
}

async function rejects(node: NodeProcess, reason: PacketFault): Promise<void> {
  await node.logged('packet.rejected', (line) => line.reason === reason);
}

const packets = suite('hostile packets');

packets('garbage, oversized, altered, replayed and foreign packets are counted by reason and dropped', async () => {
  const tap = new Tap();
  const nodes: NodeProcess[] = [];
  try {
    const tapAddress = await tap.open();
    // What is sent to n1 comes to the tap first: so the tap overhears packets that are in order and have not been taken yet.
    const own = `127.0.0.1:${(await freePorts(1))[0]}`;
    const membership = { ENGRAM_MEMBERSHIP_LISTEN: own, ENGRAM_MEMBERSHIP_ADVERTISE: tapAddress };
    const n1 = await start('n1', { ENGRAM_CLUSTER_SECRETS: secret, ...membership });
    nodes.push(n1);
    const seeds = { ENGRAM_CLUSTER_SEEDS: own, ENGRAM_MEMBERSHIP_PRESET: 'local' };
    const n2 = await start('n2', { ...seeds, ENGRAM_CLUSTER_SECRETS: secret });
    nodes.push(n2);
    const packet = await tap.overheard();

    tap.send(own, new Uint8Array(200).fill(7));
    await rejects(n1, 'not a packet');
    tap.send(own, new Uint8Array(3));
    await rejects(n1, 'too short');
    tap.send(own, new Uint8Array(9_000));
    await rejects(n1, 'too long');
    tap.send(
      own,
      packet.map((byte, at) => (at === packet.length - 40 ? byte ^ 1 : byte)),
    );
    await rejects(n1, 'not authenticated');
    tap.send(own, packet);
    tap.send(own, packet);
    await rejects(n1, 'replayed');

    const [others, stranger] = await Promise.all([
      start('n3', { ENGRAM_CLUSTER_SECRETS: secret, ENGRAM_CLUSTER_NAME: 'theirs' }),
      start('n4', { ENGRAM_CLUSTER_SECRETS: rotated }),
    ]);
    nodes.push(others, stranger);
    tap.send(listening(others, 'membership'), packet);
    await rejects(others, 'another cluster');
    tap.send(listening(stranger, 'membership'), packet);
    await rejects(stranger, 'unknown key');

    const metrics = await (await fetch(`http://${listening(n1, 'http')}/metrics`)).text();
    for (const reason of ['not a packet', 'too short', 'too long', 'not authenticated', 'replayed'] satisfies PacketFault[]) {
      assert.match(metrics, new RegExp(`packets_rejected_total\\{reason="${reason}"\\} [1-9]`));
    }
    for (const node of nodes) assert.not(node.logs.some(({ msg }) => msg === 'node.halted'));
  } finally {
    tap.close();
    await Promise.all(nodes.map((node) => node.stop()));
  }
});

packets(
  'a secret is changed, over IPv6 here, without a moment in which nodes do not understand each other: several are accepted, the first signs',
  async () => {
    const nodes: NodeProcess[] = [];
    try {
      const onIPv6 = { ENGRAM_MEMBERSHIP_LISTEN: '[::1]:0', ENGRAM_HTTP_LISTEN: '[::1]:0' };
      const n1 = await start('n1', { ...onIPv6, ENGRAM_CLUSTER_SECRETS: `${secret},${rotated}` });
      nodes.push(n1);
      assert.match(listening(n1, 'membership'), /^\[::1\]:\d+$/);
      const seeds = { ENGRAM_CLUSTER_SEEDS: listening(n1, 'membership') };
      const n2 = await start('n2', { ...onIPv6, ...seeds, ENGRAM_CLUSTER_SECRETS: `${rotated},${secret}` });
      nodes.push(n2);
      await Promise.all([
        n1.logged('member.joined', ({ node }) => node === n2.nodeId),
        n2.logged('member.joined', ({ node }) => node === n1.nodeId),
      ]);
      assert.not(nodes.some(({ logs }) => logs.some(({ msg }) => msg === 'packet.rejected')));
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
    }
  },
);

packets.run();
