/**
 * The names that people use in a trace: `n2` for a node's id, `n2.3` for its third boot as an author, `17@n2.3` for a dot, `default` for a space.
 */

import type { SpaceKey, Term } from '../../core/identifiers.js';
import { type Author, authorBoot, authorNode, spaceGeneration, spaceName } from '../../core/identifiers.js';

export class ShortNames {
  readonly #nodes: ReadonlyMap<string, string>;
  readonly #authors = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** Names by node id. */
  constructor(nodes: ReadonlyMap<string, string>) {
    this.#nodes = nodes;
  }

  /** The node's name; an id that is none of ours as it stands. */
  node(id: string): string {
    return this.#nodes.get(id) ?? id;
  }

  /** `node.boot`; with the boot's random half behind it for a second boot of the same count, as after a damaged boot file. */
  author(author: string): string {
    const known = this.#authors.get(author);
    if (known !== undefined) return known;
    if (author.length !== 56) return author;
    const boot = authorBoot(author as Author);
    const plain = `${this.node(authorNode(author as Author))}.${boot.counter}`;
    const name = this.#taken.has(plain) ? `${plain}~${boot.random}` : plain;
    this.#taken.add(name);
    this.#authors.set(author, name);
    return name;
  }

  /** A text for people, with every node and author in it by name. */
  text(text: string): string {
    return text.replace(/\b(?:[0-9a-f]{56}|[0-9a-f]{32})\b/g, (id) => (id.length === 32 ? this.node(id) : this.author(id)));
  }

  /** Of `sequence@author`, as checkers write it. */
  dot(text: string): string {
    const at = text.indexOf('@');
    return at < 0 ? text : `${text.slice(0, at)}@${this.author(text.slice(at + 1))}`;
  }

  /** The space's name; with its generation when that is not the first. */
  space(key: string): string {
    if (!key.includes('#')) return key;
    return spaceGeneration(key as SpaceKey) === 0 ? spaceName(key as SpaceKey) : key;
  }
}

/** `generation.index` of a committed row, `generation.index+counter` of a provisional term. */
export function termText({ generation, index, counter }: Term): string {
  return counter === 0 ? `${generation}.${index}` : `${generation}.${index}+${counter}`;
}
