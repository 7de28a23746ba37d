/** What happens around a node in the real runtime, as data, beside the domain events of the core: for logs, metrics and the event stream. */
import type { DomainEvent } from '../../core/domain-events.js';
import type { NodeId } from '../../core/identifiers.js';

export type RuntimeEvent =
  /** Requests can be sent to the address; what is still in their way is in the reason of a refusal. */
  | {
      readonly kind: 'node.listening';
      readonly node: NodeId;
      readonly boot: number;
      readonly pid: number;
      readonly version: string;
      readonly listen: string;
      readonly advertise: string;
      /** Where others reach membership; null without. */
      readonly membership: string | null;
      readonly http: string;
      readonly dataDir: string;
      readonly cluster: string;
      readonly members: readonly string[];
    }
  | { readonly kind: 'node.serving' }
  /** No requests are taken, and why. */
  | { readonly kind: 'node.waiting'; readonly reason: string }
  | { readonly kind: 'node.stopping'; readonly signal: string; readonly drainMs: number }
  | { readonly kind: 'node.stopped'; readonly drained: boolean }
  | { readonly kind: 'member.learnt'; readonly member: string; readonly node: NodeId }
  /** Another node answers at the member's address: a new data directory. */
  | { readonly kind: 'member.replaced'; readonly member: string; readonly node: NodeId; readonly before: NodeId }
  /** This node has made the cluster of so many members. */
  | { readonly kind: 'cluster.made'; readonly clusterId: string; readonly members: number }
  /** Told once for each reason: a node that says hello wants in, and cannot be. */
  | { readonly kind: 'cluster.not-let-in'; readonly member: string; readonly node: NodeId; readonly reason: string }
  /** Another member says that this node was removed: it takes no requests any more. */
  | { readonly kind: 'cluster.removed'; readonly node: NodeId; readonly clusterId: string; readonly toldBy: string }
  | { readonly kind: 'members.unreadable'; readonly file: string; readonly reason: string }
  | { readonly kind: 'members.unwritable'; readonly file: string; readonly reason: string }
  | { readonly kind: 'stream.opened'; readonly member: string; readonly address: string }
  | { readonly kind: 'stream.closed'; readonly member: string; readonly reason: string }
  /** `isStarting`: the member has not been heard of since this node started, and nothing but its absence stands in the way. */
  | { readonly kind: 'stream.refused'; readonly member: string; readonly reason: string; readonly isStarting: boolean }
  /** A standard port belongs to another process: a free one is taken. */
  | { readonly kind: 'port.taken'; readonly key: string; readonly address: string }
  /** What discovery finds now. */
  | { readonly kind: 'seeds.changed'; readonly addresses: readonly string[] }
  /** Told once for each reason. `kept`: so many addresses of before stay in use. */
  | { readonly kind: 'seeds.unresolved'; readonly source: string; readonly reason: string; readonly kept: number }
  | { readonly kind: 'seeds.line-ignored'; readonly file: string; readonly line: number; readonly text: string; readonly reason: string }
  /** Datagrams could not be sent; told at most every ten seconds, `count` since the time before. `to`: the last of them. */
  | { readonly kind: 'datagrams.failed'; readonly to: string; readonly reason: string; readonly count: number }
  /** Messages to a peer that found no room: the peer fetches what it misses. Told at most once a second. */
  | { readonly kind: 'messages.dropped'; readonly member: string; readonly messages: number; readonly bytes: number };

export type NodeEvent = DomainEvent | RuntimeEvent;

export type Tell = (event: RuntimeEvent) => void;
