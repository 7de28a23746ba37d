/** ClusterService, apart from the streams of peers: what operators, clients and the command line ask a node about its cluster. */
import { type handleServerStreamingCall, type handleUnaryCall, Metadata, type ServerWritableStream, status } from '@grpc/grpc-js';
import type {
  ClusterChange,
  ClusterHealth,
  ClusterMatrix,
  ClusterMembers,
  WatchRequest,
} from '../../core/wire/generated/engram/v1/cluster.js';
import { notStartedYet } from './unary-call.js';

/** What a node can say of its cluster. */
export interface ClusterSource {
  health(): ClusterHealth;
  members(): ClusterMembers;
  matrix(): ClusterMatrix;
  /** Hears of every change from now on. Returns how to stop that. */
  watch(watcher: (change: ClusterChange) => void): () => void;
}

export const watchersMax = 256;
/** A watcher that leaves so many changes unread is cut off: it may ask again, and gets the members as they are then. */
const unreadMax = 1_000;

const pendingChange = {
  code: status.UNIMPLEMENTED,
  details: 'pending: members are added and removed by the control log, which does not exist yet; change cluster.members on all nodes',
};

export class ClusterCalls {
  readonly #watches = new Set<ServerWritableStream<WatchRequest, ClusterChange>>();
  #source: ClusterSource | null = null;
  #metadata = new Metadata();

  /** From here on there is a node to ask; `metadata` goes ahead of every answer. */
  serve(source: ClusterSource, metadata: Metadata): void {
    this.#source = source;
    this.#metadata = metadata;
  }

  /** Ends all watches: nothing more will happen. */
  close(): void {
    for (const call of this.#watches) call.end();
  }

  readonly handlers = {
    getClusterHealth: this.#asked((source) => source.health()),
    getMembers: this.#asked((source) => source.members()),
    getMatrix: this.#asked((source) => source.matrix()),
    watch: this.#watch(),
    addNode: this.#refused(),
    removeNode: this.#refused(),
  };

  #asked<Answer>(answer: (source: ClusterSource) => Answer): handleUnaryCall<unknown, Answer> {
    return (call, done) => {
      if (this.#source === null) return done(notStartedYet);
      call.sendMetadata(this.#metadata);
      done(null, answer(this.#source));
    };
  }

  #refused(): handleUnaryCall<unknown, object> {
    return (_call, done) => done(pendingChange);
  }

  #watch(): handleServerStreamingCall<WatchRequest, ClusterChange> {
    return (call) => {
      if (this.#source === null) return void call.emit('error', notStartedYet);
      if (this.#watches.size >= watchersMax) {
        return void call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: `${watchersMax} watchers are listening already` });
      }
      this.#watches.add(call);
      call.sendMetadata(this.#metadata);
      const send = (change: ClusterChange): void => {
        if (call.writableLength < unreadMax) call.write(change);
        else call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'the watcher reads too slowly; ask again' });
      };
      const stop = this.#source.watch(send);
      const end = (): void => {
        stop();
        this.#watches.delete(call);
      };
      for (const gone of ['cancelled', 'close', 'error']) call.on(gone, end);
      send({ atMs: Date.now(), change: { $case: 'snapshot', value: this.#source.members() } });
    };
  }
}
