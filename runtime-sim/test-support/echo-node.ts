/**
 * A node that is no Engram: it pings its peers, appends what it is asked to remember to one file, syncs, and answers. Enough to exercise the simulator
 * with every kind of effect; it replicates nothing and recovers nothing, so that no checker would be pleased with it. Only tests import it.
 */
import type { NodeConfiguration } from '../../core/configuration.js';
import type { Effects } from '../../core/effects.js';
import type { NodeInspection } from '../../core/engram-node.js';
import type { CoreEvent, Now } from '../../core/events.js';
import type { NodeId } from '../../core/identifiers.js';
import type { PureFunctions } from '../../core/pure-functions.js';
import { type Reply, type ReplyHeader, Role } from '../../core/wire/generated/engram/v1/service.js';
import type { SimulatedCore } from '../simulated-core.js';

const file = 'echo';
const pingMs = 250;
const nothing = new Uint8Array(0);
const emptyHeader: ReplyHeader = {
  nodeId: '',
  nodeName: '',
  role: Role.ROLE_PRIMARY,
  epoch: undefined,
  confirmed: false,
  lagRecords: 0,
  sessionToken: nothing,
  sessionSatisfied: true,
  hinted: false,
};

export class EchoNode implements SimulatedCore {
  readonly #effects: Effects;
  readonly #pure: PureFunctions;
  readonly #peers: readonly NodeId[];
  #self = '' as NodeId;
  #ticket = 0;
  #end = 0;
  #ready = false;
  readonly #waiting = new Map<number, () => void>();

  constructor(configuration: NodeConfiguration, effects: Effects, pure: PureFunctions) {
    this.#effects = effects;
    this.#pure = pure;
    this.#peers = configuration.control('' as NodeId).members.map(({ id }) => id);
  }

  handle(event: CoreEvent, now: Now): void {
    switch (event.kind) {
      case 'start':
        this.#self = event.candidateNodeId;
        this.#effects.disk.reserve(
          file,
          4_096,
          this.#then(() => {
            this.#ready = true;
          }),
        );
        this.#effects.timers.arm('ping', now.monotonicMs + pingMs);
        return;
      case 'timer':
        for (const peer of this.#peers)
          if (peer !== this.#self) this.#effects.network.send(peer, this.#pure.utf8Encode(`ping ${this.#self}`));
        this.#effects.timers.arm('ping', now.monotonicMs + pingMs + (this.#pure.random('ping').uint32() % 20));
        return;
      case 'message':
        this.#receive(this.#pure.utf8Decode(event.bytes));
        return;
      case 'disk': {
        const then = this.#waiting.get(event.ticket);
        this.#waiting.delete(event.ticket);
        if (event.result.kind !== 'failed') then?.();
        return;
      }
      case 'request':
        this.#answer(event);
        return;
      default:
    }
  }

  inspect(): NodeInspection {
    return { nodeId: this.#self, phase: this.#ready ? 'serving' : 'recovering', spaces: [], membership: null };
  }

  #receive(text: string): void {
    if (text.startsWith('ping ')) this.#effects.network.send(text.slice(5) as NodeId, this.#pure.utf8Encode('pong'));
  }

  #answer({ handle, request }: CoreEvent & { readonly kind: 'request' }): void {
    const { body } = request;
    const bytes = body?.$case === 'remember' || body?.$case === 'update' ? body.value.episode : nothing;
    if (bytes.length === 0) {
      this.#reply(handle, { $case: 'got', value: { memory: undefined, alternates: [], alternatesTotal: 0, context: nothing } });
      return;
    }
    const offset = this.#end;
    this.#end += bytes.length;
    this.#effects.disk.write(
      file,
      offset,
      [bytes],
      this.#then(() => {}),
    );
    this.#effects.disk.sync(
      file,
      this.#then(() => {
        this.#reply(handle, {
          $case: 'written',
          value: { version: new Uint8Array(34), context: nothing, duplicate: false, superseded: false },
        });
      }),
    );
  }

  #reply(handle: number, body: Reply['body']): void {
    this.#effects.replies.send(handle, { header: { ...emptyHeader, nodeId: this.#self }, body });
  }

  #then(then: () => void): number {
    this.#ticket += 1;
    this.#waiting.set(this.#ticket, then);
    return this.#ticket;
  }
}
