/**
 * Who each node of the plan is at present. A node's identity is made together with its data directory: where a disk was destroyed, a new node starts under
 * the old name, with nothing. The others learn of it as the runtime of a real node does, each a little later, and put it in the place of the old one.
 */
import type { MemberDescription } from '../core/control/entries.js';
import { type ControlView, withRows } from '../core/control/members-and-rows.js';
import { type NodeId, nodeId } from '../core/identifiers.js';
import { Draws, type Seed } from '../scenarios/random-streams.js';
import type { RunPlan } from '../scenarios/run-plan.js';
import { spaceOf } from './core-formats.js';

export class Identities {
  /** By endpoint; of a node without a disk the last one. */
  readonly ids: NodeId[];
  /** By endpoint, who was there first. */
  readonly founders: readonly NodeId[];
  /** Of the cluster that a control log keeps: 32 hexadecimal digits. */
  readonly clusterId: string;
  /** Endpoint of each node that is or was. */
  readonly endpointOf: Map<NodeId, number>;
  readonly #names = new Map<NodeId, string>();
  readonly #seed: Seed;
  readonly #plan: RunPlan;
  readonly #disks: number[];
  #view: ControlView;

  constructor(seed: Seed, plan: RunPlan) {
    this.#seed = seed;
    this.#plan = plan;
    this.ids = plan.nodes.map((name) => nodeId(new Draws(seed, `identity/${name}`).hex(32)));
    this.founders = [...this.ids];
    for (const [index, id] of this.ids.entries()) this.#names.set(id, plan.nodes[index]);
    this.clusterId = new Draws(seed, 'identity/cluster').hex(32);
    this.endpointOf = new Map(this.ids.map((id, index) => [id, index]));
    this.#disks = plan.nodes.map(() => 1);
    this.#view = controlView(plan, this.ids);
  }

  /** The name of its place, for the second and later nodes there with a number behind. */
  nameOf(id: NodeId): string {
    return this.#names.get(id) ?? id;
  }

  /** As its cluster knows it. */
  describe(id: NodeId): MemberDescription {
    const name = this.nameOf(id);
    return { id, name, zone: '', rack: '', address: `${name}:50051` };
  }

  /** The endpoint at which a node is now. Undefined: another is there in its place; who calls an address learns who answers, and says nothing to another. */
  whereIs(id: NodeId): number | undefined {
    const endpoint = this.endpointOf.get(id);
    return endpoint !== undefined && this.ids[endpoint] === id ? endpoint : undefined;
  }

  /** All nodes that are or were at these places. */
  everAt(names: readonly string[]): ReadonlySet<NodeId> {
    const endpoints = names.map((name) => this.#plan.nodes.indexOf(name));
    return new Set([...this.endpointOf].flatMap(([id, endpoint]) => (endpoints.includes(endpoint) ? [id] : [])));
  }

  /** What a node is told that starts now. */
  get view(): ControlView {
    return this.#view;
  }

  /** A node starts where there is no data directory. */
  renew(index: number): NodeId {
    this.#disks[index] += 1;
    const id = nodeId(new Draws(this.#seed, `identity/${this.#plan.nodes[index]}/${this.#disks[index]}`).hex(32));
    this.ids[index] = id;
    this.#names.set(id, `${this.#plan.nodes[index]}-${this.#disks[index]}`);
    this.endpointOf.set(id, index);
    this.#view = controlView(this.#plan, this.ids);
    return id;
  }
}

function controlView(plan: RunPlan, ids: readonly NodeId[]): ControlView {
  const members = plan.nodes.map((name, index) => ({ id: ids[index], name }));
  const rows = plan.rows.map(({ space, copies }) => ({
    space: spaceOf(space),
    copies: copies.map((name) => ids[plan.nodes.indexOf(name)]),
  }));
  return withRows({ epoch: { generation: 0, index: 0 }, members, rows: {}, unlisted: null }, rows);
}
