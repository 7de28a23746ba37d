/** How the report looks: one style sheet, light and dark, no font or picture from elsewhere. Colours of verdicts differ in lightness too, and each has a sign. */
export const reportStyle = `
:root { color-scheme: light dark; --paper: #fbfaf8; --ink: #1d2126; --soft: #666d76; --line: #dcd9d3; --card: #ffffff;
  --ok: #b9d8c2; --violation: #b3261e; --late: #c96a00; --unknown: #d9b400; --diverged: #7a3db8; --none: #ebe8e2; --bar: #3b76b0; --sign: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171a; --ink: #e6e4df; --soft: #9aa1a9; --line: #33383e; --card: #1c2024;
    --ok: #2f5a40; --violation: #ff6b5e; --late: #ff9f43; --unknown: #f3d34a; --diverged: #c48bff; --none: #24282d; --bar: #6ea8e0; --sign: #14171a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; } h3 { font-size: .95rem; margin: 1.25rem 0 .25rem; }
p { margin: .25rem 0 .75rem; max-width: 75ch; } .soft { color: var(--soft); }
.verdict { display: inline-block; padding: .1rem .6rem; border-radius: 1rem; font-weight: 600; color: var(--sign); background: var(--violation); }
.verdict.ok { background: var(--ok); color: var(--ink); } .verdict.late { background: var(--late); }
dl.figures { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0; padding: 0; }
dl.figures div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .9rem; min-width: 7.5rem; }
dl.figures dt { color: var(--soft); font-size: .8rem; } dl.figures dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; width: 100%; }
caption { text-align: left; color: var(--soft); padding: .25rem 0; } th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
th[scope=row], th.first { text-align: left; } th[scope=row] { white-space: nowrap; } td.text, .failures td { text-align: left; vertical-align: top; } thead th { color: var(--soft); font-weight: 500; }
code { font: .85em ui-monospace, monospace; overflow-wrap: anywhere; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--soft); font: 10px system-ui, sans-serif; }
svg .name { fill: var(--ink); font-size: 12px; font-weight: 600; }
.cell-ok { fill: var(--ok); } .cell-none { fill: var(--none); } .cell-V { fill: var(--violation); } .cell-N { fill: var(--late); }
.cell-U { fill: var(--unknown); } .cell-D { fill: var(--diverged); } .sign { stroke: var(--sign); stroke-width: 1.6; fill: none; }
.bar { fill: var(--bar); } .axis { stroke: var(--line); stroke-width: 1; fill: none; } .quantile { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 3 2; fill: none; }
.even { stroke: var(--soft); stroke-dasharray: 4 3; fill: none; } .curve { stroke: var(--bar); stroke-width: 2; fill: none; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: .75rem; }
.charts figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .5rem .75rem; }
.charts figcaption { font-size: .85rem; } .legend { display: flex; flex-wrap: wrap; gap: 1rem; font-size: .85rem; color: var(--soft); margin: .5rem 0; padding: 0; list-style: none; }
.legend svg { display: inline-block; width: 12px; height: 12px; vertical-align: -1px; margin-right: .35rem; } .missed { color: var(--violation); font-weight: 600; }
a { color: inherit; } tr:target { background: var(--none); }
`;
