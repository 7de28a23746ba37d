/**
 * The names of things: nodes, boots, authors, spaces, dots, terms, requests. Look-alikes are branded, so that one is never passed for another.
 *
 * In memory an identifier is a lower-case hexadecimal string, which compares and sorts by code unit everywhere alike; on the wire it is raw bytes.
 */
import { invariant } from './invariant.js';

declare const brand: unique symbol;
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** 128 random bits, made together with a data directory: 32 hexadecimal digits. */
export type NodeId = Brand<string, 'NodeId'>;

/** One start of a node: a counter and 64 random bits, on disk before their first use, so that no two boots ever write the same dot. */
export interface Boot {
  readonly counter: number;
  /** 16 hexadecimal digits. */
  readonly random: string;
}

/** (node, boot): who writes. 28 bytes as 56 hexadecimal digits: node (16), boot counter (4, big endian), boot random (8). */
export type Author = Brand<string, 'Author'>;

/** A memory space: name and generation identify it. `name#generation`. */
export type SpaceKey = Brand<string, 'SpaceKey'>;

/** 128 bits chosen by a client for one logical request, kept over its retries: 32 hexadecimal digits. */
export type RequestId = Brand<string, 'RequestId'>;

/** Names one write for ever, within its space. Sequences are gapless per (space, author) and start at 1. */
export interface Dot {
  readonly author: Author;
  readonly sequence: number;
}

/**
 * A primary's term. `counter` 0: a committed row at (generation, index) of the control log. Otherwise a provisional term, whose number space
 * belongs to its author alone: (last committed epoch, node, counter).
 */
export interface Term {
  readonly generation: number;
  readonly index: number;
  readonly counter: number;
}

export const nodeIdBytes = 16;
export const authorBytes = 28;
export const requestIdBytes = 16;
export const sequenceMax = 2 ** 48 - 1;
export const spaceNamePattern = /^[a-z0-9_-]{3,64}$/;
export const defaultSpaceName = 'default';
export const memoryIdBytesMax = 256;

const nodeIdPattern = /^[0-9a-f]{32}$/;
const bootRandomPattern = /^[0-9a-f]{16}$/;

/** Checks and brands a node id. Throws on anything but 32 lower-case hexadecimal digits: callers validate foreign input first. */
export function nodeId(text: string): NodeId {
  invariant(nodeIdPattern.test(text), `a node id has 32 hexadecimal digits, got ${JSON.stringify(text)}`);
  return text as NodeId;
}

export function isNodeId(text: string): text is NodeId {
  return nodeIdPattern.test(text);
}

export function requestId(text: string): RequestId {
  invariant(nodeIdPattern.test(text), `a request id has 32 hexadecimal digits, got ${JSON.stringify(text)}`);
  return text as RequestId;
}

export function authorOf(node: NodeId, boot: Boot): Author {
  invariant(
    Number.isInteger(boot.counter) && boot.counter > 0 && boot.counter < 2 ** 32,
    'a boot counter is an unsigned 32-bit number above 0',
  );
  invariant(bootRandomPattern.test(boot.random), 'a boot carries 64 random bits');
  return `${node}${boot.counter.toString(16).padStart(8, '0')}${boot.random}` as Author;
}

export function authorNode(author: Author): NodeId {
  return author.slice(0, 32) as NodeId;
}

export function authorBoot(author: Author): Boot {
  return { counter: Number.parseInt(author.slice(32, 40), 16), random: author.slice(40) };
}

export function spaceKey(space: { readonly name: string; readonly generation: number }): SpaceKey {
  return `${space.name}#${space.generation}` as SpaceKey;
}

export function spaceName(key: SpaceKey): string {
  return key.slice(0, key.indexOf('#'));
}

export function spaceGeneration(key: SpaceKey): number {
  return Number(key.slice(key.indexOf('#') + 1));
}

/** `sequence@author`: a dot as a key of Maps and as text for people. */
export function dotKey(dot: Dot): string {
  return `${dot.sequence}@${dot.author}`;
}

/** Total order of identifiers by code unit: the same on every platform, unlike localeCompare. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
