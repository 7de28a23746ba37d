/** Everything that a trace file can be made into, by one request. */
import { UsageError } from '../exit-codes.js';
import { diagramOf } from './diagram-model.js';
import { diagramPage } from './diagram-page.js';
import { diagramSvg } from './diagram-svg.js';
import { lineText, narrate, titleLines } from './narration.js';
import type { NarratedLine } from './narrator.js';
import type { Detail } from './note-sentences.js';
import { shivizLog } from './shiviz.js';
import type { TraceHeader } from './trace-events.js';
import type { TraceRead } from './trace-file.js';

export const viewForms = ['text', 'html', 'svg', 'shiviz'] as const;
export type ViewForm = (typeof viewForms)[number];

export interface ViewRequest {
  readonly form: ViewForm;
  readonly space: string | null;
  readonly nodes: readonly string[];
  readonly ids: readonly string[];
  readonly fromMs: number;
  readonly untilMs: number;
  readonly detail: Detail;
  readonly pings: boolean;
  readonly linear: boolean;
  /** Null: as high as is readable. */
  readonly heightPx: number | null;
}

export interface View {
  readonly content: string;
  /** Of a narration. */
  readonly lines: readonly NarratedLine[] | null;
}

/** Throws UsageError for a space or a node that the run does not have. */
export function viewOf({ header, events }: TraceRead, request: ViewRequest): View {
  checkNames(header, request);
  switch (request.form) {
    case 'text': {
      const spaces = request.space === null ? [] : [request.space];
      const lines = [...narrate(header, events, { ...request, spaces })];
      const style = { loadStartUs: header.loadStartUs, decimals: 1 };
      return { content: `${[...titleLines(header), ...lines.map((line) => lineText(line, style))].join('\n')}\n`, lines };
    }
    case 'shiviz':
      return { content: `${[...shivizLog(header, events, { ...request, hosts: request.nodes })].join('\n')}\n`, lines: null };
    default: {
      const model = diagramOf(header, events, request);
      return { content: request.form === 'svg' ? diagramSvg(model, request) : diagramPage(model, request), lines: null };
    }
  }
}

function checkNames({ rows, nodes, clients }: TraceHeader, request: ViewRequest): void {
  const spaces = rows.map(({ space }) => space);
  if (request.space !== null && !spaces.includes(request.space)) {
    throw new UsageError(`the run has no space ${JSON.stringify(request.space)}`, `it has ${spaces.join(', ')}`);
  }
  const known = [...nodes.map(({ name }) => name), ...(request.form === 'text' || request.form === 'shiviz' ? clients : [])];
  for (const name of request.nodes) {
    if (!known.includes(name))
      throw new UsageError(`the run has no node ${JSON.stringify(name)}`, `it has ${nodes.map((node) => node.name).join(', ')}`);
  }
  if (request.fromMs >= request.untilMs)
    throw new UsageError(`--from ${request.fromMs} is not before --until ${request.untilMs}`, 'give a window of time');
}
