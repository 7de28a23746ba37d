/**
 * Who could reach whom at each moment of a run, as an observer sees it from outside: which processes ran, which links were cut or held back, who
 * voted on the control log. Links that only lost or delayed something count as whole.
 */
import type { NodeId } from '../core/identifiers.js';
import type { Electorate } from './control-observations.js';
import type { MembershipRecord } from './history.js';

export class Reachability {
  readonly #record: MembershipRecord;
  readonly #electorates: readonly Electorate[];
  readonly #placeOf: ReadonlyMap<NodeId, string>;
  /** Moments, in ms, in which something changed, in order. */
  readonly #changesMs: readonly number[];

  constructor(record: MembershipRecord, electorates: readonly Electorate[]) {
    this.#record = record;
    this.#electorates = electorates;
    this.#placeOf = new Map(record.lives.map(({ node, place }) => [node, place]));
    const spans = [...record.lives, ...record.broken].flatMap(({ fromMs, untilMs }) => [fromMs, untilMs]);
    const changes = new Set([...spans, ...electorates.map(({ atMs }) => atMs)]);
    this.#changesMs = [...changes].filter(Number.isFinite).sort((left, right) => left - right);
  }

  /** The moments from `fromMs` on to which everything can change, and `fromMs` itself, before `untilMs`. */
  moments({ fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number }): readonly number[] {
    return [fromMs, ...this.#changesMs.filter((ms) => ms > fromMs && ms < untilMs)];
  }

  isUp(node: NodeId, atMs: number): boolean {
    return this.#record.lives.some((life) => life.node === node && life.fromMs <= atMs && atMs < life.untilMs);
  }

  /**
   * Whether messages pass both ways between the machines of two nodes, whether or not anything runs there. `clogsCount`: also not while they are held
   * back.
   */
  areConnected(nodes: readonly [NodeId, NodeId], atMs: number, { clogsCount }: { readonly clogsCount: boolean }): boolean {
    const [one, other] = nodes.map((node) => this.#placeOf.get(node));
    if (one === undefined || other === undefined) return false;
    return !this.#record.broken.some(
      ({ from, to, fromMs, untilMs, how }) =>
        ((from === one && to === other) || (from === other && to === one)) &&
        (how === 'cut' || (how === 'clog' && clogsCount)) &&
        fromMs <= atMs &&
        atMs < untilMs,
    );
  }

  /** Whether the links of a node let it hear no majority of the voters, or it cannot be heard by one. */
  isCutOff(node: NodeId, atMs: number, counting: { readonly clogsCount: boolean }): boolean {
    const voters = this.#votersAt(atMs);
    const reached = voters.filter((voter) => voter === node || this.areConnected([voter, node], atMs, counting));
    return reached.length * 2 <= voters.length;
  }

  /**
   * Whether without this node there is a voter that runs and reaches, itself included, a majority of the voters, and one of these copies that does as
   * well: then somebody could lead the control log and give the space to that copy, and a majority could confirm it.
   */
  isServedWithout(node: NodeId, copies: readonly NodeId[], atMs: number): boolean {
    const voters = this.#votersAt(atMs);
    const others = voters.filter((voter) => voter !== node && this.isUp(voter, atMs));
    const reaches = (from: NodeId, to: NodeId): boolean =>
      from === to || (this.isUp(to, atMs) && this.areConnected([from, to], atMs, { clogsCount: true }));
    const hasMajority = (from: NodeId): boolean => others.filter((voter) => reaches(from, voter)).length * 2 > voters.length;
    const candidates = copies.filter((copy) => copy !== node && this.isUp(copy, atMs) && hasMajority(copy));
    return candidates.length > 0 && others.some((leader) => hasMajority(leader) && candidates.some((copy) => reaches(leader, copy)));
  }

  #votersAt(atMs: number): readonly NodeId[] {
    return this.#electorates.findLast((electorate) => electorate.atMs <= atMs)?.voters ?? [];
  }
}
