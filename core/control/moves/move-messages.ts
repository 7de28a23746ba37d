/** What nodes tell the control log's leader of copies: how large they are, and how far those on their way have come; as bytes. The first byte tells them from other messages between control logs. */
import { type SpaceKey, spaceGeneration, spaceKey, spaceName, spaceNamePattern } from '../../identifiers.js';
import { unreachable } from '../../invariant.js';
import { ByteReader, ByteWriter } from '../../wire/bytes.js';

/** What the row's primary knows of the node that a copy goes to. */
export interface CopyProgress {
  readonly space: SpaceKey;
  /** Of the row, as the sender has it: what is said of an earlier one says nothing. */
  readonly revision: number;
  /** The target holds all that was synced at the source so many milliseconds ago; null: not known yet. 0 once the source has paused and the target holds all. */
  readonly heldMs: number | null;
  /** Records that the target lacked when it last reported. */
  readonly missing: number;
  /** Of the copy at the source. */
  readonly bytes: number;
}

export type MoveMessage =
  | { readonly kind: 'copied'; readonly progress: CopyProgress }
  /** The target of a primary's move has pulled from all copies within its reach, as whoever takes a term has to. */
  | { readonly kind: 'prepared'; readonly space: SpaceKey; readonly revision: number }
  /** The row's primary says how large its copy is, whether or not one is on its way. */
  | { readonly kind: 'sized'; readonly space: SpaceKey; readonly revision: number; readonly bytes: number };

const moveMark = 0x4d;
export const moveFormatVersion = 1;
const kinds: readonly MoveMessage['kind'][] = ['copied', 'prepared', 'sized'];
const heldMsMax = 0xffff_fffe;

export function isMoveMessage(bytes: Uint8Array): boolean {
  return bytes[0] === moveMark;
}

export function encodeMoveMessage(message: MoveMessage): Uint8Array {
  const writer = new ByteWriter(48).u8(moveMark).u8(moveFormatVersion).u8(kinds.indexOf(message.kind));
  const { space, revision } = message.kind === 'copied' ? message.progress : message;
  const name = spaceName(space);
  writer.u8(name.length);
  // Names of spaces are plain ASCII: one byte a character.
  for (let at = 0; at < name.length; at += 1) writer.u8(name.charCodeAt(at));
  writer.u32(spaceGeneration(space)).u48(revision);
  if (message.kind === 'copied') {
    const { heldMs, missing, bytes } = message.progress;
    writer
      .u32(heldMs === null ? 0xffff_ffff : Math.min(heldMs, heldMsMax))
      .u48(missing)
      .u48(bytes);
  } else if (message.kind === 'sized') writer.u48(message.bytes);
  return writer.finish();
}

/** Null for what is malformed or of a later version. */
export function decodeMoveMessage(bytes: Uint8Array): MoveMessage | null {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== moveMark || reader.u8() !== moveFormatVersion) return null;
  const kind = kinds[reader.u8()];
  const name = String.fromCharCode(...reader.raw(reader.u8()));
  if (kind === undefined || reader.failed || !spaceNamePattern.test(name)) return null;
  const space = spaceKey({ name, generation: reader.u32() });
  const message = readBody(reader, kind, { space, revision: reader.u48() });
  return reader.failed || reader.remaining > 0 ? null : message;
}

function readBody(
  reader: ByteReader,
  kind: MoveMessage['kind'],
  { space, revision }: { readonly space: SpaceKey; readonly revision: number },
): MoveMessage {
  switch (kind) {
    case 'copied': {
      const heldMs = reader.u32();
      const progress = { space, revision, heldMs: heldMs > heldMsMax ? null : heldMs, missing: reader.u48(), bytes: reader.u48() };
      return { kind, progress };
    }
    case 'prepared':
      return { kind, space, revision };
    case 'sized':
      return { kind, space, revision, bytes: reader.u48() };
    default:
      return unreachable(kind);
  }
}
