/** Pieces of HTML and SVG as text: escaped where they hold data, and numbers as people read them. */

/** Text as content or inside a quoted attribute. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** `12 345 678`, with narrow spaces that do not break. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}

/** `250 ms`, `1.4 s` */
export function msText(ms: number): string {
  if (ms >= 10_000) return `${Math.round(ms / 1_000)} s`;
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${ms >= 10 ? Math.round(ms) : Math.round(ms * 10) / 10} ms`;
}

/** An SVG that says what it shows to who does not see it. `id` is unique in the page. */
export function svg(options: {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly width: number;
  readonly height: number;
  readonly content: string;
}): string {
  const { id, title, description, width, height, content } = options;
  return `<svg role="img" aria-labelledby="${id}-title ${id}-text" viewBox="0 0 ${width} ${height}" style="max-width:${width}px">
<title id="${id}-title">${escaped(title)}</title><desc id="${id}-text">${escaped(description)}</desc>
${content}</svg>`;
}

export function table(columns: readonly string[], rows: readonly (readonly string[])[], caption: string): string {
  const head = columns.map((column, at) => `<th scope="col"${at > 0 ? '' : ' class="first"'}>${escaped(column)}</th>`).join('');
  const body = rows.map(([first, ...cells]) => `<tr><th scope="row">${first}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`);
  return `<div class="wide"><table><caption>${escaped(caption)}</caption><thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
}
