/** The diagram as a page by itself: the SVG, names of the columns that stay in view, and what the marks mean. No script, no network. */
import type { DiagramModel } from './diagram-parts.js';
import type { ScaleChoice } from './diagram-scale.js';
import { diagramStyle, legend } from './diagram-style.js';
import { columnXPx, diagramSvg, diagramWidthPx, escaped } from './diagram-svg.js';

const pageStyle = `
:root{color-scheme:light dark}
body{margin:0;background:#fff;color:#1f2937;font:14px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif}
@media(prefers-color-scheme:dark){body{background:#12161c;color:#e5e9f0}header{background:#12161cee!important;border-color:#2a323e!important}}
header{position:sticky;top:0;background:#ffffffee;border-bottom:1px solid #e5e7eb;z-index:1;min-width:max-content}
h1{font-size:17px;margin:0;padding:14px 20px 2px}p{margin:0;padding:0 20px 6px;opacity:.7}
ul{list-style:none;display:flex;flex-wrap:wrap;gap:2px 18px;margin:0;padding:2px 20px 4px;max-width:1500px}li{display:flex;align-items:center;gap:5px;font-size:12px}
header svg{display:block}main svg{display:block;margin-top:-44px}
`.trim();

export function diagramPage(model: DiagramModel, scale: ScaleChoice): string {
  const { title, columns, fromUs, untilUs, loadStartUs } = model;
  const width = diagramWidthPx(model);
  const names = columns.map((name, column) => `<text class="head" x="${columnXPx(column)}" y="18">${escaped(name)}</text>`).join('');
  const items = legend.map(({ name, svg }) => `<li><svg class="engram" width="28" height="16">${svg}</svg>${name}</li>`).join('');
  const seconds = (us: number): string => ((us - loadStartUs) / 1_000_000).toFixed(3);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title>
<style>${pageStyle}
${diagramStyle}</style></head>
<body><header><h1>${escaped(title)}</h1><p>${seconds(fromUs)} to ${seconds(untilUs)} s since the start of load; time runs down; hover for what a mark is</p>
<ul>${items}</ul><svg class="engram" width="${width}" height="28">${names}</svg></header>
<main>${diagramSvg(model, scale)}</main></body></html>
`;
}
