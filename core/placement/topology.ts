/**
 * Nodes in their zones and racks, and what that demands of a space's copies: as many distinct zones as there can be, then as many distinct racks. From the
 * same follows what a fair share is: where zones are uneven, the nodes of a small one must hold more than the average, and no plan can mend that.
 */
import { compareText, type NodeId } from '../identifiers.js';

export interface PlacementNode {
  readonly id: NodeId;
  /** Empty: all such nodes are in one zone. */
  readonly zone: string;
  readonly rack: string;
  /** Gives up what it holds and gets nothing more. */
  readonly isDraining?: boolean;
}

interface Zone {
  readonly name: string;
  nodes: number;
  racks: number;
  /** Copies of one space that it may hold and must hold. */
  max: number;
  min: number;
}

export class Topology {
  /** Those that may hold copies, in id order. All below is by the index in here. */
  readonly ids: readonly NodeId[];
  /** Copies that each space is to have: fewer than asked for, if there are not as many nodes. */
  readonly copies: number;
  readonly zonesNeeded: number;
  readonly zones: readonly Zone[];
  /** Of one copy set, how much falls to each node if all is spread as evenly as the zones allow; they add up to `copies`. */
  readonly shares: Float64Array;
  readonly #zoneOf: Int32Array;
  readonly #rackOf: Int32Array;
  readonly #index: ReadonlyMap<NodeId, number>;

  constructor(nodes: readonly PlacementNode[], replicationFactor: number) {
    const serving = nodes.filter(({ isDraining }) => isDraining !== true).sort((left, right) => compareText(left.id, right.id));
    this.ids = serving.map(({ id }) => id);
    this.#index = new Map(this.ids.map((id, index) => [id, index]));
    this.#zoneOf = new Int32Array(serving.length);
    this.#rackOf = new Int32Array(serving.length);
    const zones = new Map<string, { readonly at: number; readonly zone: Zone }>();
    const racks = new Map<string, number>();
    serving.forEach(({ zone: name, rack }, index) => {
      const known = zones.get(name) ?? { at: zones.size, zone: { name, nodes: 0, racks: 0, max: 0, min: 0 } };
      zones.set(name, known);
      known.zone.nodes += 1;
      this.#zoneOf[index] = known.at;
      const key = JSON.stringify([name, rack]);
      if (!racks.has(key)) {
        racks.set(key, racks.size);
        known.zone.racks += 1;
      }
      this.#rackOf[index] = racks.get(key) as number;
    });
    this.zones = [...zones.values()].map(({ zone }) => zone);
    this.copies = Math.min(replicationFactor, serving.length);
    this.zonesNeeded = Math.min(this.copies, this.zones.length);
    for (const zone of this.zones) zone.max = Math.min(zone.nodes, this.copies - this.zonesNeeded + 1);
    const most = this.zones.reduce((sum, { max }) => sum + max, 0);
    for (const zone of this.zones) {
      const others = most - zone.max;
      zone.min = Math.max(this.zonesNeeded === this.zones.length ? 1 : 0, this.copies - others);
    }
    this.shares = this.#evenShares();
  }

  indexOf(id: NodeId): number | undefined {
    return this.#index.get(id);
  }

  zoneOf(node: number): Zone {
    return this.zones[this.#zoneOf[node]];
  }

  /** As water fills vessels of different widths: one level for all zones, but no zone below what it must hold or above what it may. */
  #evenShares(): Float64Array {
    const held = ({ nodes, min, max }: Zone, level: number): number => Math.min(max, Math.max(min, nodes * level));
    let [low, high] = [0, 1];
    for (let halving = 0; halving < 60; halving += 1) {
      const level = (low + high) / 2;
      if (this.zones.reduce((sum, zone) => sum + held(zone, level), 0) < this.copies) low = level;
      else high = level;
    }
    return Float64Array.from(this.ids, (_, node) => {
      const zone = this.zoneOf(node);
      return held(zone, high) / zone.nodes;
    });
  }

  /** Whether these copies and one more on that node can be part of a full set that the zones and racks allow. */
  fits(copies: readonly number[], node: number): boolean {
    if (copies.length >= this.copies || copies.includes(node)) return false;
    const zone = this.#zoneOf[node];
    let zonesUsed = 1;
    let inZone = 0;
    let racksUsed = 0;
    let isRackUsed = false;
    for (let at = 0; at < copies.length; at += 1) {
      const other = copies[at];
      if (this.#zoneOf[other] === zone) {
        inZone += 1;
        isRackUsed ||= this.#rackOf[other] === this.#rackOf[node];
        if (!this.#repeats(copies, at, this.#rackOf)) racksUsed += 1;
      } else if (!this.#repeats(copies, at, this.#zoneOf)) zonesUsed += 1;
    }
    const { max, racks } = this.zones[zone];
    if (inZone >= max || (isRackUsed && racksUsed < racks)) return false;
    return this.zonesNeeded - zonesUsed <= this.copies - copies.length - 1;
  }

  /** Whether the copies in that node's zone, without it, are still in as many racks as they can be: one that goes must not leave two in one rack. */
  maySpare(copies: readonly number[], node: number): boolean {
    const zone = this.#zoneOf[node];
    const racks = copies.filter((other) => other !== node && this.#zoneOf[other] === zone).map((other) => this.#rackOf[other]);
    return new Set(racks).size === Math.min(racks.length, this.zones[zone].racks);
  }

  #repeats(copies: readonly number[], at: number, of: Int32Array): boolean {
    for (let before = 0; before < at; before += 1) if (of[copies[before]] === of[copies[at]]) return true;
    return false;
  }
}
