/** The core of a traced run: what it is given and what it says become lines. It is handed on unchanged, and so is what it asks for. */
import type { Effects } from '../../core/effects.js';
import type { CoreFactory } from '../simulated-core.js';
import type { Tracer } from './tracer.js';

/** Makes the processes of one node. */
export function tracedCores(node: number, createCore: CoreFactory, tracer: Tracer): CoreFactory {
  return (configuration, effects, pure) => {
    tracer.processMade(node);
    const core = createCore(configuration, watched(node, effects, tracer), pure);
    return {
      handle(event, now) {
        tracer.handling(node, event);
        try {
          core.handle(event, now);
        } catch (error) {
          tracer.threw(node, error);
          throw error;
        }
      },
      inspect: () => core.inspect(),
      inspectControl: () => core.inspectControl?.() ?? null,
    };
  };
}

function watched(node: number, effects: Effects, tracer: Tracer): Effects {
  return {
    ...effects,
    timers: {
      arm(name, atMs) {
        tracer.armed(node, name);
        effects.timers.arm(name, atMs);
      },
      disarm: (name) => effects.timers.disarm(name),
    },
    journal: {
      note(event) {
        tracer.noted(node, event);
        effects.journal.note(event);
      },
    },
    lifecycle: {
      halt(reason) {
        tracer.halted(node, reason);
        effects.lifecycle.halt(reason);
      },
    },
  };
}
