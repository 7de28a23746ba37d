/** What the heap of a traced run keeps: whatever is scheduled, with what led to it and what travels with it. */
import { eventKinds } from '../trace.js';
import type { Carrier } from './trace-events.js';

/** What was sent, on its way. */
export interface Flight {
  readonly carrier: Carrier;
  readonly message: number;
  readonly from: number;
  readonly to: number;
}

/** What the heap keeps instead of a payload: the payload, and what led to it. */
export interface Scheduled {
  readonly payload: unknown;
  readonly cause: number | null;
  readonly flight: Flight | null;
}

export interface Waiting extends Scheduled {
  readonly sinceUs: number;
}

export const carriers: Readonly<Record<number, Carrier>> = {
  [eventKinds.message]: 'message',
  [eventKinds.datagram]: 'message',
  [eventKinds.exchange]: 'message',
  [eventKinds.request]: 'request',
  [eventKinds.reply]: 'reply',
};
export const nothingScheduled: Scheduled = { payload: null, cause: null, flight: null };
