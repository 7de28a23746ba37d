/**
 * Where values come from: the file, then the environment, then flags; what comes later wins. Each value keeps the name of the place where it was
 * said, so that a refusal can point there.
 */
import { readFileSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import { suggestion } from '../../core/nearest-names.js';
import { ConfigurationError, shown } from './configuration-error.js';
import { keyNames, keyOf, sections } from './keys.js';

export interface Given {
  readonly value: unknown;
  /** `engram.toml`, `ENGRAM_NODE_NAME`, `--name`. */
  readonly where: string;
}

/** By key, `section.key`. */
export type GivenValues = Map<string, Given>;

const prefix = 'ENGRAM_';
/** Variables of the other programs, which begin alike. */
const otherVariables = new Set(['ENGRAM_CONFIG', 'ENGRAM_STACK', 'ENGRAM_DATA_DIR', 'ENGRAM_SERVER', 'ENGRAM_SPACE']);

export function fromFile(path: string, into: GivenValues): void {
  let read: string;
  try {
    read = readFileSync(path, 'utf8');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message;
    throw new ConfigurationError(`${path}: ${why}`, 'give the path of an engram.toml, or leave --config out to run with the defaults');
  }
  for (const [section, keys] of Object.entries(parsed(read, path))) {
    if (!Object.hasOwn(sections, section)) {
      const what = isTable(keys) ? `section [${section}]` : `key ${section} outside a section`;
      throw new ConfigurationError(`${path}: unknown ${what}`, suggestion(section, Object.keys(sections)));
    }
    if (!isTable(keys))
      throw new ConfigurationError(`${path}: ${section} is a section, got ${shown(keys)}`, `write [${section}] on a line of its own`);
    for (const [key, value] of Object.entries(keys)) {
      if (!Object.hasOwn(sections[section], key)) {
        throw new ConfigurationError(`${path}: unknown key ${section}.${key}`, suggestion(key, Object.keys(sections[section])));
      }
      into.set(`${section}.${key}`, { value, where: path });
    }
  }
}

export function fromEnvironment(environment: Readonly<Record<string, string | undefined>>, into: GivenValues): void {
  const known = new Map(keyNames.map((name) => [`${prefix}${name.replace('.', '_').toUpperCase()}`, name]));
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(prefix) || text === undefined || otherVariables.has(variable)) continue;
    const name = known.get(variable);
    if (name !== undefined) into.set(name, { value: readAs(name, text), where: variable });
    else if (isOurs(variable)) {
      throw new ConfigurationError(`environment: unknown variable ${variable}`, suggestion(variable, [...known.keys()]));
    }
  }
}

export function fromFlag(flag: string, name: string, value: string | readonly string[], into: GivenValues): void {
  into.set(name, { value: typeof value === 'string' ? readAs(name, value) : value, where: flag });
}

/** The text as a value of the key's kind; as it is when it is not of that kind, for the judge to refuse. */
function readAs(name: string, text: string): unknown {
  switch (keyOf(name).kind) {
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
    case 'texts':
      return text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
    case 'text':
      return text;
  }
}

/** A variable that names one of our sections was meant for us; others with the prefix may belong to anybody. */
function isOurs(variable: string): boolean {
  return Object.keys(sections).some((section) => variable.startsWith(`${prefix}${section.toUpperCase()}_`));
}

function parsed(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what] = error.message.split('\n');
    throw new ConfigurationError(`${path}:${error.line}:${error.column}: ${what}`, 'correct the line; see https://toml.io for the format');
  }
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
