/** What stands around the nodes of a run, traced or not: the choice is made once, before anything happens. */
import type { NodeId } from '../../core/identifiers.js';
import type { Seed } from '../../scenarios/random-streams.js';
import type { RunPlan } from '../../scenarios/run-plan.js';
import { EventHeap } from '../event-heap.js';
import { NetworkModel } from '../network-model.js';
import type { CoreFactory } from '../simulated-core.js';
import { type TraceHeader, type TraceSink, traceFormat } from './trace-events.js';
import { tracedCores } from './traced-core.js';
import { TracedHeap } from './traced-heap.js';
import { TracedNetwork } from './traced-network.js';
import { Tracer } from './tracer.js';

export interface Surroundings {
  readonly heap: EventHeap;
  readonly network: NetworkModel;
  readonly tracer: Tracer | null;
  /** Makes the processes of one node. */
  cores(node: number, createCore: CoreFactory): CoreFactory;
}

interface Stage {
  readonly seed: Seed;
  readonly plan: RunPlan;
  /** Nodes, then clients, then the readers of the end. */
  readonly endpoints: readonly string[];
}

export function untraced({ seed, plan, endpoints }: Stage): Surroundings {
  const heap = new EventHeap();
  const network = new NetworkModel({ seed, heap, names: endpoints, background: plan.background });
  return { heap, network, tracer: null, cores: (_, createCore) => createCore };
}

export interface TracedStage extends Stage {
  readonly ids: readonly NodeId[];
  readonly loadStartUs: number;
  readonly sink: TraceSink;
  readonly scenario: string;
}

export function traced({ seed, plan, endpoints, ids, loadStartUs, sink, scenario }: TracedStage): Surroundings {
  const header: TraceHeader = {
    trace: traceFormat,
    scenario,
    seed,
    nodes: plan.nodes.map((name, index) => ({ name, id: ids[index] })),
    clients: plan.clients,
    rows: plan.rows,
    loadStartUs,
    durationMs: plan.durationMs,
    liveness: plan.liveness,
  };
  const tracer = new Tracer(header, sink, endpoints.slice(plan.nodes.length + plan.clients.length));
  const heap = new TracedHeap(tracer);
  const network = new TracedNetwork({ seed, heap, names: endpoints, background: plan.background }, tracer);
  return { heap, network, tracer, cores: (node, createCore) => tracedCores(node, createCore, tracer) };
}
