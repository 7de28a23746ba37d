/**
 * The state of the control log as bytes: what a Raft snapshot carries. Equal states encode to equal bytes, so their checksum is what nodes compare.
 *
 * Version 2 has an operator's standing order at its end. A state without one is written as version 1, so that nodes of both versions can take it from each other until one is given.
 */
import { compareText, type NodeId, type SpaceKey } from '../identifiers.js';
import type { PureFunctions } from '../pure-functions.js';
import { hexToBytes } from '../wire/hex.js';
import {
  type ControlMember,
  type ControlRow,
  type ControlState,
  emptyControlState,
  membersInOrder,
  rowsInOrder,
  type StandingOrder,
} from './control-state.js';
import { copiesMax, type Move, membersMax, rebalancingOrders, removedMax, spaceNamesMax, spacesMax, votersMax } from './entries.js';
import { ControlReader, ControlWriter } from './entry-codec.js';

export const stateFormatVersion = 2;
const stages: readonly Move['stage'][] = ['copying', 'paused'];

export type StateReading =
  | { readonly kind: 'state'; readonly state: ControlState }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'newer'; readonly version: number };

export function encodeState(state: ControlState, pure: PureFunctions): Uint8Array {
  const writer = new ControlWriter(pure);
  const { bytes } = writer;
  bytes.u8(state.order === null ? 1 : 2).u8(state.clusterId === '' ? 0 : 1);
  if (state.clusterId !== '') bytes.raw(hexToBytes(state.clusterId));
  bytes.u32(state.generation).u48(state.applied);
  writer.settings(state.settings);
  const members = membersInOrder(state);
  bytes.u16(members.length);
  for (const member of members) writer.member(member).flag(member.isDraining).bytes.u48(member.since);
  const removed = inOrder(state.removed);
  bytes.u16(removed.length);
  for (const [node, index] of removed) writer.node(node as NodeId).bytes.u48(index);
  writer.nodes(state.voters).nodes(state.learners);
  const rows = rowsInOrder(state);
  bytes.u32(rows.length);
  for (const row of rows) writeRow(writer, row);
  const generations = inOrder(state.generations);
  bytes.u32(generations.length);
  for (const [name, generation] of generations) writer.text(name).bytes.u32(generation);
  if (state.order !== null) writeOrder(writer, state.order);
  return bytes.finish();
}

function inOrder(values: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  return Object.entries(values).sort(([left], [right]) => compareText(left, right));
}

function writeRow(writer: ControlWriter, { space, epoch, revision, copies, move }: ControlRow): void {
  writer.space(space).bytes.u32(epoch.generation).u48(epoch.index).u48(revision);
  writer.nodes(copies).bytes.u8(move === null ? 0 : 1 + stages.indexOf(move.stage));
  if (move !== null) writer.nodeOrNone(move.from).node(move.to);
}

function writeOrder(writer: ControlWriter, { order, index, atMs, by }: StandingOrder): void {
  writer.bytes.u8(rebalancingOrders.indexOf(order)).u48(index).u48(atMs);
  writer.node(by);
}

function readOrder(reader: ControlReader): StandingOrder {
  return { order: reader.oneOf(rebalancingOrders), index: reader.bytes.u48(), atMs: reader.bytes.u48(), by: reader.node() };
}

export function decodeState(bytes: Uint8Array, pure: PureFunctions): StateReading {
  const reader = new ControlReader(bytes, pure);
  const version = reader.bytes.u8();
  if (version > stateFormatVersion) return { kind: 'newer', version };
  const state = readState(reader, version);
  return reader.isWhole && version > 0 ? { kind: 'state', state } : { kind: 'damaged' };
}

function readState(reader: ControlReader, version: number): ControlState {
  const clusterId = reader.flag() ? reader.node() : emptyControlState.clusterId;
  const generation = reader.bytes.u32();
  const applied = reader.bytes.u48();
  const settings = reader.settings();
  const members: Record<NodeId, ControlMember> = {};
  const readMember = (): ControlMember => ({ ...reader.member(), isDraining: reader.flag(), since: reader.bytes.u48() });
  for (const member of reader.list(reader.bytes.u16(), membersMax, readMember)) members[member.id] = member;
  const removed: Record<NodeId, number> = {};
  const readRemoved = (): readonly [NodeId, number] => [reader.node(), reader.bytes.u48()];
  for (const [node, index] of reader.list(reader.bytes.u16(), removedMax, readRemoved)) removed[node] = index;
  const voters = reader.nodes(votersMax);
  const learners = reader.nodes(membersMax);
  const rows: Record<SpaceKey, ControlRow> = {};
  for (const row of reader.list(reader.bytes.u32(), spacesMax, () => readRow(reader))) rows[row.space] = row;
  const generations: Record<string, number> = {};
  const readGeneration = (): readonly [string, number] => [reader.name(), reader.bytes.u32()];
  for (const [name, last] of reader.list(reader.bytes.u32(), spaceNamesMax, readGeneration)) generations[name] = last;
  const order = version < 2 ? null : readOrder(reader);
  return { clusterId, generation, applied, settings, members, removed, voters, learners, rows, generations, order };
}

function readRow(reader: ControlReader): ControlRow {
  const space = reader.space();
  const epoch = { generation: reader.bytes.u32(), index: reader.bytes.u48() };
  const revision = reader.bytes.u48();
  const copies = reader.nodes(copiesMax);
  const stage = reader.oneOf([null, ...stages]);
  const move = stage === null ? null : { from: reader.nodeOrNone(), to: reader.node(), stage };
  return { space, epoch, revision, copies, move };
}
