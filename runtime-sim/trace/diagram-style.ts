/** Colours and strokes of the diagram; kept apart from its geometry. Both palettes keep text and arrows at a contrast of 4.5 to their paper. */
const light = `--paper:#ffffff;--ink:#1f2937;--soft:#6b7280;--grid:#eceff3;--life:#374151;--absent:#d1d5db;--records:#1d5fd1;--fetch:#7c3aed;--ack:#8a94a3;
--client:#a8710b;--lost:#d02b2b;--good:#0a7d54;--note:#7c3aed;--cut:#fdf1f1;--rift:#d02b2b`;
const dark = `--paper:#12161c;--ink:#e5e9f0;--soft:#9aa4b2;--grid:#1f2630;--life:#c3cad5;--absent:#39424f;--records:#6ea8ff;--fetch:#b794ff;--ack:#75808f;
--client:#e2ae4a;--lost:#ff7b72;--good:#3fcf97;--note:#b794ff;--cut:#231a1e;--rift:#ff7b72`;

export const diagramStyle = `
svg.engram{${light};font:12px/1.3 system-ui,-apple-system,"Segoe UI",sans-serif}
@media(prefers-color-scheme:dark){svg.engram{${dark}}}
.paper{fill:var(--paper)}
.grid{stroke:var(--grid)}.axis{stroke:var(--absent)}.fold{stroke:var(--soft);stroke-width:1.4;fill:var(--paper)}.tick{fill:var(--soft);text-anchor:end;font-variant-numeric:tabular-nums}
.head{fill:var(--ink);font-size:15px;font-weight:600;text-anchor:middle}
.life{stroke:var(--life);stroke-width:2}.absent{stroke:var(--absent);stroke-dasharray:2 5}
.cut{fill:var(--cut)}.rift{stroke:var(--rift);stroke-width:1.5;stroke-dasharray:6 4}
.side{opacity:.13}.side0{fill:#3b82f6}.side1{fill:#f59e0b}.side2{fill:#10b981}.side3{fill:#a855f7}
.term0{fill:#0ea5e9}.term1{fill:#f59e0b}.term2{fill:#10b981}.term3{fill:#a855f7}.term4{fill:#ec4899}.term5{fill:#84cc16}.term6{fill:#6366f1}.term7{fill:#14b8a6}
.arrow{stroke-width:1.2}.arrow>path:not(.cross){stroke:none}
.records{stroke:var(--records);fill:var(--records)}.acknowledge{stroke:var(--ack);fill:var(--ack)}.acknowledge line,.ping line{stroke-width:.8}
.fetch{stroke:var(--fetch);fill:var(--fetch)}.fetch line{stroke-dasharray:5 3}.ping{stroke:var(--absent);fill:var(--absent)}
.request,.reply{stroke:var(--client);fill:var(--client)}.reply line{stroke-dasharray:1.5 2.5}
.lost{stroke:var(--lost);fill:var(--lost)}.lost>path:not(.cross){display:none}.lost line{stroke-dasharray:3 3}
.cross{stroke:var(--lost);stroke-width:1.8;fill:none}.crash .cross{stroke-width:3.2}
.arrow:hover{stroke-width:3.5}.mark:hover{stroke-width:3.5;stroke:var(--ink)}
.append{fill:var(--paper);stroke:var(--records);stroke-width:1.3}.synced{fill:var(--records)}
.acknowledged{fill:var(--good)}.answered{fill:var(--client)}.refused{fill:var(--paper);stroke:var(--lost);stroke-width:1.6}
.start{fill:var(--paper);stroke:var(--life);stroke-width:2.4}.note{fill:var(--note)}.alarm{fill:var(--lost)}
.label,.world{fill:var(--ink);paint-order:stroke;stroke:var(--paper);stroke-width:3.5px;stroke-linejoin:round}
.label{font-size:11px}.alarming{fill:var(--lost)}.world{stroke:none}.lead{stroke:var(--soft);fill:none;stroke-width:.7;opacity:.6}
`.trim();

/** What the marks mean, in the order in which a reader meets them. */
export const legend: readonly { readonly name: string; readonly svg: string }[] = [
  { name: 'records', svg: '<g class="arrow records"><line x1="2" y1="8" x2="24" y2="8"/><path d="M26 8L19 5L19 11z"/></g>' },
  {
    name: 'acknowledged to the author',
    svg: '<g class="arrow acknowledge"><line x1="2" y1="8" x2="24" y2="8"/><path d="M26 8L19 5L19 11z"/></g>',
  },
  { name: 'fetch', svg: '<g class="arrow fetch"><line x1="2" y1="8" x2="24" y2="8"/><path d="M26 8L19 5L19 11z"/></g>' },
  { name: 'request', svg: '<g class="arrow request"><line x1="2" y1="8" x2="24" y2="8"/><path d="M26 8L19 5L19 11z"/></g>' },
  { name: 'answer', svg: '<g class="arrow reply"><line x1="2" y1="8" x2="24" y2="8"/><path d="M26 8L19 5L19 11z"/></g>' },
  {
    name: 'lost',
    svg: '<g class="arrow records lost"><line x1="2" y1="8" x2="20" y2="8"/><path class="cross" d="M16 4L24 12M24 4L16 12"/></g>',
  },
  { name: 'appended', svg: '<rect class="mark append" x="11" y="5" width="6" height="6"/>' },
  { name: 'synced', svg: '<rect class="mark synced" x="10" y="4" width="8" height="8"/>' },
  { name: 'write acknowledged', svg: '<circle class="mark acknowledged" cx="14" cy="8" r="4.5"/>' },
  { name: 'read answered', svg: '<circle class="mark answered" cx="14" cy="8" r="3"/>' },
  { name: 'refused', svg: '<circle class="mark refused" cx="14" cy="8" r="4.5"/>' },
  { name: 'start', svg: '<circle class="mark start" cx="14" cy="8" r="6"/>' },
  { name: 'crash', svg: '<g class="mark crash"><path class="cross" d="M7 1L21 15M21 1L7 15"/></g>' },
  { name: 'noted', svg: '<path class="mark note" d="M14 3l5 5l-5 5l-5-5z"/>' },
  { name: 'damage', svg: '<path class="mark alarm" d="M14 3l5 5l-5 5l-5-5z"/>' },
  { name: 'is primary', svg: '<rect class="term term0" x="11" y="1" width="7" height="14" rx="2"/>' },
];
