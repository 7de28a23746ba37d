/** ClusterService, apart from the streams of peers: what operators, clients and the command line ask a node about its cluster. */
import { type handleServerStreamingCall, type handleUnaryCall, Metadata, type ServerWritableStream, status } from '@grpc/grpc-js';
import type {
  ClusterChange,
  ClusterHealth,
  ClusterMatrix,
  ClusterMembers,
  WatchRequest,
} from '../../core/wire/generated/engram/v1/cluster.js';
import type { Answered, Asked } from './service-definitions.js';
import { notStartedYet } from './unary-call.js';

/** What a node can say of its cluster. */
export interface ClusterSource {
  health(): ClusterHealth;
  members(): ClusterMembers;
  matrix(): ClusterMatrix;
  /** Hears of every change from now on. Returns how to stop that. */
  watch(watcher: (change: ClusterChange) => void): () => void;
}

type ControlQuestion =
  | 'init'
  | 'addNode'
  | 'removeNode'
  | 'changeSettings'
  | 'drain'
  | 'rebalance'
  | 'migrate'
  | 'recover'
  | 'propose'
  | 'getControl'
  | 'getReceipts';
/** What it can do with its control log, and say of it and of what stands on it. */
export type ControlSource = { readonly [Name in ControlQuestion]: (request: Asked<Name>) => Promise<Answered<Name>> };

export const watchersMax = 256;
/** A watcher that leaves so many changes unread is cut off: it may ask again, and gets the members as they are then. */
const unreadMax = 1_000;

export class ClusterCalls {
  readonly #watches = new Set<ServerWritableStream<WatchRequest, ClusterChange>>();
  #source: ClusterSource | null = null;
  #control: ControlSource | null = null;
  #metadata = new Metadata();

  /** From here on there is a node to ask; `metadata` goes ahead of every answer. */
  serve(source: ClusterSource, control: ControlSource, metadata: Metadata): void {
    this.#source = source;
    this.#control = control;
    this.#metadata = metadata;
  }

  /** Ends all watches: nothing more will happen. */
  close(): void {
    for (const call of this.#watches) call.end();
  }

  readonly handlers = {
    getClusterHealth: this.#asked(({ cluster }) => cluster.health()),
    getMembers: this.#asked(({ cluster }) => cluster.members()),
    getMatrix: this.#asked(({ cluster }) => cluster.matrix()),
    watch: this.#watch(),
    init: this.#toControl('init'),
    addNode: this.#toControl('addNode'),
    removeNode: this.#toControl('removeNode'),
    changeSettings: this.#toControl('changeSettings'),
    drain: this.#toControl('drain'),
    rebalance: this.#toControl('rebalance'),
    migrate: this.#toControl('migrate'),
    recover: this.#toControl('recover'),
    propose: this.#toControl('propose'),
    getControl: this.#toControl('getControl'),
    getReceipts: this.#toControl('getReceipts'),
  };

  #toControl<Name extends ControlQuestion>(name: Name): handleUnaryCall<Asked<Name>, Answered<Name>> {
    return this.#asked(({ control }, request: Asked<Name>) => control[name](request));
  }

  #asked<Request, Answer>(
    answer: (sources: { readonly cluster: ClusterSource; readonly control: ControlSource }, request: Request) => Answer | Promise<Answer>,
  ): handleUnaryCall<Request, Answer> {
    return (call, done) => {
      const [cluster, control] = [this.#source, this.#control];
      if (cluster === null || control === null) return done(notStartedYet);
      call.sendMetadata(this.#metadata);
      void (async () => answer({ cluster, control }, call.request))().then(
        (value) => done(null, value),
        (error: Error) => done({ code: status.INTERNAL, details: error.message }),
      );
    };
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
