/**
 * What bytes say, for the trace: messages between nodes, requests and replies, groups of records on their way to a disk. The real decoders read them, so
 * that a trace shows what the receiver will see and not what the sender meant.
 */
import { decodeVersionVector, type VersionVector } from '../../core/clock/version-vector.js';
import type { Author, Term } from '../../core/identifiers.js';
import { unreachable } from '../../core/invariant.js';
import { groupHeaderBytes } from '../../core/storage/group.js';
import { segmentNumber } from '../../core/storage/segment.js';
import { readU32 } from '../../core/wire/bytes.js';
import { AckLevel, Episode, type Got, Reply, Request, Role } from '../../core/wire/generated/engram/v1/service.js';
import { PeerCodec, type PeerMessage, type SpaceReport } from '../../core/wire/peer-message.js';
import { RecordView, recordTypes } from '../../core/wire/record.js';
import { valueOfEpisode, versionText } from '../core-formats.js';
import type { DiskRequest } from '../disk-model.js';
import { simulatedPureFunctions } from '../pure-functions.js';
import { controlContents } from './control-sentences.js';
import { type ShortNames, termText } from './short-names.js';
import type { PeerContents, RecordList, ReplyContents, RequestContents, TracedRanges, TracedRecord } from './trace-events.js';

const pure = simulatedPureFunctions('trace', 'contents');
const recordsListedMax = 64;
const nothing = new Uint8Array(0);

const typeNames: Readonly<Record<number, TracedRecord['type']>> = {
  [recordTypes.episode]: 'episode',
  [recordTypes.update]: 'update',
  [recordTypes.tombstone]: 'tombstone',
};
const ackNames: Readonly<Record<number, string>> = {
  [AckLevel.ACK_DEFAULT]: 'default',
  [AckLevel.ACK_LOCAL]: 'local',
  [AckLevel.ACK_ONE]: 'one',
  [AckLevel.ACK_QUORUM]: 'quorum',
  [AckLevel.ACK_ALL]: 'all',
};

export class Contents {
  readonly #names: ShortNames;
  readonly #codec: PeerCodec;
  readonly #view = new RecordView(pure);

  constructor(names: ShortNames, clusterId: string) {
    this.#names = names;
    this.#codec = new PeerCodec(clusterId, pure);
  }

  message(bytes: Uint8Array): PeerContents {
    const envelope = this.#codec.decode(bytes);
    return typeof envelope === 'string' ? { kind: 'unreadable', why: envelope } : this.#peer(envelope.message);
  }

  #peer(message: PeerMessage): PeerContents {
    switch (message.kind) {
      case 'ping':
        return {
          kind: 'ping',
          number: message.number,
          hears: message.heard?.number ?? null,
          base: message.base,
          spaces: message.spaces.map((report) => this.#report(report)),
        };
      case 'run': {
        const { kind, space, author, answers, records } = message;
        return {
          kind,
          space: this.#names.space(space),
          author: this.#names.author(author),
          answers: answers?.number ?? null,
          ...this.#list(records),
        };
      }
      case 'acknowledge':
        return {
          kind: 'acknowledge',
          space: this.#names.space(message.space),
          author: this.#names.author(message.author),
          end: message.end,
        };
      case 'fetch': {
        const { kind, number, space, cursor, coverage } = message;
        return { kind, number, space: this.#names.space(space), cursor, holds: this.#ranges(coverage) };
      }
      case 'fetched':
        return { kind: 'fetched', answers: message.answers.number, space: this.#names.space(message.space), runs: message.runs };
      case 'snapshot': {
        const { kind, answers, space, cursor, next, horizon, holes, records } = message;
        return {
          kind,
          answers: answers.number,
          space: this.#names.space(space),
          cursor,
          next,
          horizon: Object.fromEntries([...horizon].map(([author, end]) => [this.#names.author(author), end])),
          holes: this.#ranges(holes),
          ...this.#list(records),
        };
      }
      case 'control':
        return controlContents(message.bytes);
      default:
        return unreachable(message);
    }
  }

  #report({ space, term, coverage, lost }: SpaceReport): Extract<PeerContents, { kind: 'ping' }>['spaces'][number] {
    return {
      space: this.#names.space(space),
      term: term === null ? null : termText(term as Term),
      holds: this.#ranges(coverage),
      lost: this.#ranges(lost),
    };
  }

  #ranges(encoded: Uint8Array): TracedRanges {
    const vector = encoded.length === 0 ? null : decodeVersionVector(encoded);
    if (vector === null) return {};
    return Object.fromEntries(vector.authors().map((author) => [this.#names.author(author), rangesText(vector, author)]));
  }

  request(bytes: Uint8Array): RequestContents {
    const { header, body } = Request.decode(bytes);
    const episode = body?.$case === 'remember' || body?.$case === 'update' ? body.value.episode : null;
    const context = body !== undefined && 'context' in body.value ? body.value.context : nothing;
    return {
      call: body?.$case ?? 'nothing',
      space: header?.space ?? '',
      id: episode !== null ? Episode.decode(episode).id : body !== undefined && 'id' in body.value ? body.value.id : null,
      value: episode === null ? null : valueOfEpisode(episode),
      ack: ackNames[header?.ack ?? AckLevel.ACK_DEFAULT] ?? 'unknown',
      withContext: context.length > 0,
      withSession: (header?.sessionToken.length ?? 0) > 0,
    };
  }

  reply(bytes: Uint8Array): ReplyContents {
    const { header, body } = Reply.decode(bytes);
    const failure = body?.$case === 'failure' ? body.value : null;
    const written = body?.$case === 'written' ? body.value : null;
    const version = written === null ? null : versionText(written.version);
    return {
      answer: body?.$case ?? 'nothing',
      as:
        header?.role === Role.ROLE_PRIMARY
          ? header.confirmed
            ? 'confirmed'
            : 'provisional'
          : header?.role === Role.ROLE_REPLICA
            ? 'replica'
            : null,
      version: version === null ? null : this.#names.dot(version),
      duplicate: written?.duplicate === true,
      superseded: written?.superseded === true,
      seen: body?.$case === 'got' ? seenValues(body.value) : [],
      code: failure?.code ?? null,
      outcomeUnknown: failure?.outcomeUnknown === true,
      redirect: failure === null || failure.redirectNodeId === '' ? null : this.#names.node(failure.redirectNodeId),
    };
  }

  /** The records of the groups that a write takes to the log; null for writes of anything else. */
  written(request: DiskRequest): RecordList | null {
    if (request.kind !== 'write' || segmentNumber(request.file) === null) return null;
    const bytes = joined(request.parts);
    if (bytes.length < groupHeaderBytes) return null;
    // The header's own length field bounds the records; the rest is padding.
    return this.#list(bytes, groupHeaderBytes, Math.min(bytes.length, groupHeaderBytes + readU32(bytes, 8)));
  }

  #list(bytes: Uint8Array, from = 0, end: number = bytes.length): RecordList {
    const view = this.#view;
    const records: TracedRecord[] = [];
    let recordsTotal = 0;
    for (let at = from; at < end && view.moveTo(bytes, at, end); at += view.length) {
      recordsTotal += 1;
      if (records.length < recordsListedMax) records.push(this.#record(view));
    }
    return { records, recordsTotal };
  }

  #record(view: RecordView): TracedRecord {
    const type = typeNames[view.type] ?? 'other';
    return {
      dot: `${view.sequence}@${this.#names.author(view.author)}`,
      space: this.#names.space(view.space),
      id: pure.utf8Decode(view.bytes.subarray(view.idOffset, view.idOffset + view.idLength)),
      type,
      value:
        type === 'episode' || type === 'update'
          ? valueOfEpisode(view.bytes, view.payloadOffset, view.payloadOffset + view.payloadLength)
          : null,
    };
  }
}

function rangesText(vector: VersionVector, author: Author): string {
  const ranges = vector.of(author)?.ranges() ?? [];
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(' ');
}

function seenValues({ memory, alternates }: Got): string[] {
  return [...(memory === undefined ? [] : [memory]), ...alternates].map(({ episode }) => valueOfEpisode(episode));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
