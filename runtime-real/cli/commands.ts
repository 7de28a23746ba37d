/** The commands on single memories: remember, recall, get, forget, status. */
import { EngramError } from '../../core/errors.js';
import type { Acknowledgement, Answerer, GotMemory } from '../client/types.js';
import { answererText } from './answerer-text.js';
import { bytesText, count, exitCodes, memoryJson, oneLine, percent, plural, printable } from './output.js';
import type { Session } from './session.js';

export interface RememberOptions {
  readonly id?: string;
  readonly confidence?: number;
  readonly at?: Date;
  readonly who?: string;
  readonly where?: string;
  readonly tag?: readonly string[];
  readonly ack?: Acknowledgement;
  readonly embed: boolean;
}

export async function remember(session: Session, text: string, options: RememberOptions): Promise<number> {
  const { output, space } = session;
  const episode = {
    id: options.id,
    text: text === '-' ? await standardInput() : text,
    embed: options.embed,
    confidence: options.confidence,
    occurredAt: options.at,
    who: options.who,
    where: options.where,
    tags: options.tag,
  };
  const { id, version, context, duplicate, answeredBy } = await space.remember(episode, { ack: options.ack });
  output.answer({ space: space.name, id, version, context, duplicate, answeredBy }, () => {
    const done = duplicate
      ? `${output.colors.cyan(id)} was remembered already`
      : `remembered ${output.colors.cyan(id)} in space ${space.name}`;
    return `${done}${answererLine(session, answeredBy)}`;
  });
  return exitCodes.ok;
}

export interface RecallOptions {
  readonly limit?: number;
  readonly from?: Date;
  readonly until?: Date;
  readonly who?: string;
  readonly where?: string;
  readonly tag?: readonly string[];
  readonly confidenceMin?: number;
  readonly embeddings?: boolean;
}

export async function recall(session: Session, words: readonly string[], options: RecallOptions): Promise<number> {
  const { output, space } = session;
  const text = words.join(' ');
  const recalled = await space.recall({
    text: text === '' ? undefined : text,
    limit: options.limit,
    occurredFrom: options.from,
    occurredUntil: options.until,
    who: options.who,
    where: options.where,
    tags: options.tag,
    confidenceMin: options.confidenceMin,
  });
  const { memories, coverage, answeredBy } = recalled;
  const asJson = memories.map((memory) => memoryJson(memory, options.embeddings === true));
  output.answer({ space: space.name, memories: asJson, coverage, answeredBy }, () => {
    const partial = coverage.answered < coverage.targets ? output.colors.yellow(`\npartial: ${coverage.reasons.join('; ')}`) : '';
    return `${output.memories(memories, text !== '')}${partial}${answererLine(session, answeredBy)}`;
  });
  return exitCodes.ok;
}

export async function get(session: Session, id: string, options: { readonly embeddings?: boolean }): Promise<number> {
  const { output, space } = session;
  const memory = await space.get(id);
  if (memory === null) throw missing(id, space.name);
  const { alternates, answeredBy, ...own } = memory;
  const withEmbedding = options.embeddings === true;
  const asJson = {
    space: space.name,
    ...memoryJson(own, withEmbedding),
    alternates: alternates.map((alternate) => memoryJson(alternate, withEmbedding)),
    answeredBy,
  };
  output.answer(asJson, () => memoryText(session, memory));
  return exitCodes.ok;
}

function memoryText({ output, options }: Session, memory: GotMemory): string {
  const { confidence, alternatesTotal } = memory;
  const dim = output.colors.dim;
  const lines = [`${output.colors.cyan(memory.id)}`];
  const add = (name: string, value: string): void => {
    if (value !== '') lines.push(`${dim(name.padEnd(11))} ${oneLine(value, 400)}`);
  };
  add('confidence', `${percent(confidence.adjusted)}${confidence.reasons.length > 0 ? ` (${confidence.reasons.join('; ')})` : ''}`);
  add('occurred', new Date(memory.occurredAtMs).toISOString());
  add('written', new Date(memory.writtenAtMs).toISOString());
  add('who', memory.who);
  add('where', memory.where);
  add('tags', memory.tags.join(', '));
  add(
    'embedding',
    memory.embedding === null ? 'none' : `${memory.embedding.length} floats${memory.embedder === '' ? '' : ` by ${memory.embedder}`}`,
  );
  add('alternates', alternatesTotal === 0 ? '' : count(alternatesTotal));
  add('version', memory.version);
  if (options.server !== undefined) lines.push(dim(`answered by ${answererText(memory.answeredBy)}`));
  return `${lines.join('\n')}\n\n${printable(memory.text)}`;
}

export interface ForgetOptions {
  readonly ack?: Acknowledgement;
}

export async function forget(session: Session, id: string, { ack }: ForgetOptions): Promise<number> {
  const { output, space } = session;
  const { version, duplicate, answeredBy } = await space.forget(id, { ack });
  output.answer(
    { space: space.name, id, version, duplicate, answeredBy },
    () => `forgot ${output.colors.cyan(id)} in space ${space.name}${answererLine(session, answeredBy)}`,
  );
  return exitCodes.ok;
}

/** Embedded there is but one who can have answered. */
function answererLine({ output, options }: Session, answeredBy: Answerer): string {
  return options.server === undefined ? '' : `\n${output.colors.dim(`answered by ${answererText(answeredBy)}`)}`;
}

export async function status(session: Session): Promise<number> {
  const { output, engram, options } = session;
  const found = await engram.status();
  const { answeredBy, ...rest } = found;
  const { server } = options;
  const place = server === undefined ? { dataDir: options.dataDir } : { server: server.join(','), nodeName: answeredBy.nodeName };
  output.answer({ ...place, nodeId: answeredBy.nodeId, ...rest }, () => {
    const lines = [
      server === undefined ? `data directory  ${options.dataDir}` : `server          ${server.join(', ')}`,
      `node            ${server === undefined ? '' : `${answeredBy.nodeName}, `}${answeredBy.nodeId}, boot ${found.boot}`,
      `log             ${bytesText(found.logBytes)} in ${plural(found.segments, 'segment')}, ${bytesText(found.liveBytes)} of it live`,
      `writable        ${found.writable ? 'yes' : output.colors.red(`no: ${found.reason}`)}`,
    ];
    if (found.damagedRanges > 0)
      lines.push(output.colors.red(`damaged         ${plural(found.damagedRanges, 'range')} of the log cannot be read`));
    if (found.spaces.length === 0) return `${lines.join('\n')}\n\n${output.colors.dim('no spaces yet: engram remember makes the first')}`;
    const columns = [
      { title: 'space' },
      { title: 'memories', width: 12, right: true },
      { title: 'forgotten', width: 12, right: true },
      { title: 'floats', width: 8, right: true },
      { title: 'embedder', width: 26 },
    ];
    const rows = found.spaces.map((space) => [
      space.name,
      count(space.memories),
      count(space.tombstones),
      String(space.dimensions),
      space.embedder === '' ? '-' : space.embedder,
    ]);
    return `${lines.join('\n')}\n\n${output.table(columns, rows)}`;
  });
  return exitCodes.ok;
}

async function standardInput(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of process.stdin) parts.push(chunk as Buffer);
  return Buffer.concat(parts).toString('utf8').replace(/\n$/, '');
}

function missing(id: string, space: string): EngramError {
  return new EngramError('NOT_FOUND', { message: `space ${space} holds no memory with the id ${JSON.stringify(id)}`, field: 'id' });
}
