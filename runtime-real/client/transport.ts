/** How requests reach a node: the one thing that differs between the deployments. */
import type { Reply, Request } from '../../core/wire/generated/engram/v1/service.js';

export interface Transport {
  /** Where requests go, for messages to people. */
  readonly target: string;
  /**
   * Rejects only when there is no answer: a failed request is a reply with a failure in it. An aborted call is not undone. A transport that sends a write
   * more than once gives it a request id first, if it has none.
   */
  call(request: Request, signal?: AbortSignal): Promise<Reply>;
  close(): Promise<void>;
}
