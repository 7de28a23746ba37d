/**
 * Draws a space-time diagram as one self-contained SVG: time runs down, every node is a line, messages slant from line to line. Light and dark by the reader's
 * own setting; every element says on hovering what it is.
 */
import { type Arrow, clientsColumn, type DiagramModel, type Mark, type Span } from './diagram-parts.js';
import { type ScaleChoice, type TimeScale, timeScale } from './diagram-scale.js';
import { diagramStyle } from './diagram-style.js';

const columnPx = 210;
const leftPx = 90;
const rightPx = 330;
const headPx = 56;
const footPx = 24;
const labelGapPx = 15;
const sameMomentPx = 3;
const termPx = 7;
const termColours = 8;

export function diagramSvg(model: DiagramModel, choice: ScaleChoice): string {
  return new Drawing(model, timeScale(model, choice)).svg();
}

export function diagramWidthPx({ columns }: DiagramModel): number {
  return leftPx + columns.length * columnPx + rightPx;
}

/** The middle of a column. */
export function columnXPx(column: number): number {
  return leftPx + column * columnPx + columnPx / 2;
}

class Drawing {
  readonly #model: DiagramModel;
  readonly #scale: TimeScale;
  readonly #heightPx: number;
  readonly #parts: string[] = [];

  constructor(model: DiagramModel, scale: TimeScale) {
    this.#model = model;
    this.#scale = scale;
    this.#heightPx = Math.ceil(scale.heightPx);
  }

  svg(): string {
    const width = diagramWidthPx(this.#model);
    const height = headPx + this.#heightPx + footPx;
    this.#cuts();
    this.#axis();
    this.#lives();
    this.#terms();
    for (const arrow of this.#model.arrows) this.#arrow(arrow);
    for (const mark of this.#model.marks) this.#mark(mark);
    this.#labels();
    this.#worldLabels();
    this.#heads();
    const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" class="engram">`;
    return `${open}\n<title>${escaped(this.#model.title)}</title>\n<style>${diagramStyle}</style>\n<rect class="paper" width="${width}" height="${height}"/>\n${this.#parts.join('\n')}\n</svg>\n`;
  }

  #y(us: number): number {
    return rounded(headPx + this.#scale.y(us));
  }

  #put(element: string, title: string | null = null): void {
    this.#parts.push(
      title === null ? element : element.replace(/\/>$/, `><title>${escaped(title)}</title></${/^<(\w+)/.exec(element)?.[1]}>`),
    );
  }

  #band(span: { readonly fromUs: number; readonly untilUs: number }): { readonly y: number; readonly height: number } {
    const y = this.#y(span.fromUs);
    return { y, height: Math.max(1, rounded(this.#y(span.untilUs) - y)) };
  }

  /** A shade for the whole, and one more for each side. */
  #cuts(): void {
    const { columns, cuts } = this.#model;
    for (const cut of cuts) {
      const { y, height } = this.#band(cut);
      const width = columns.length * columnPx;
      this.#put(`<rect class="cut" x="${leftPx}" y="${y}" width="${width}" height="${height}"/>`, cut.title);
      for (const [at, side] of cut.sides.entries()) {
        if (side < 0) continue;
        const x = leftPx + at * columnPx;
        this.#put(`<rect class="side side${side % 4}" x="${x}" y="${y}" width="${columnPx}" height="${height}"/>`, cut.title);
        if (at + 1 < cut.sides.length && cut.sides[at + 1] !== side) {
          this.#put(`<line class="rift" x1="${x + columnPx}" y1="${y}" x2="${x + columnPx}" y2="${y + height}"/>`);
        }
      }
    }
  }

  #axis(): void {
    const right = leftPx + this.#model.columns.length * columnPx;
    for (const { us, label } of this.#scale.ticks) {
      const y = this.#y(us);
      this.#put(`<line class="grid" x1="${leftPx}" y1="${y}" x2="${right}" y2="${y}"/>`);
      this.#put(`<text class="tick" x="${leftPx - 12}" y="${rounded(y + 4)}">${label}</text>`);
    }
    this.#put(`<line class="axis" x1="${leftPx}" y1="${headPx}" x2="${leftPx}" y2="${headPx + this.#heightPx}"/>`);
    for (const fold of this.#scale.folds) {
      const y = rounded((this.#y(fold.fromUs) + this.#y(fold.untilUs)) / 2);
      const title = `${((fold.untilUs - fold.fromUs) / 1_000).toFixed(1)} ms in which nothing of this happens`;
      this.#put(`<path class="fold" d="M${leftPx - 6} ${y - 2}l4 -4l4 8l4 -8l4 4"/>`, title);
    }
  }

  #lives(): void {
    const bottom = headPx + this.#heightPx;
    for (let column = clientsColumn; column < this.#model.columns.length; column += 1) {
      const x = columnXPx(column);
      this.#put(`<line class="absent" x1="${x}" y1="${headPx}" x2="${x}" y2="${bottom}"/>`);
    }
    for (const life of this.#model.lives) this.#vertical('life', life);
  }

  #vertical(name: string, { column, fromUs, untilUs }: Span): void {
    const x = columnXPx(column);
    this.#put(`<line class="${name}" x1="${x}" y1="${this.#y(fromUs)}" x2="${x}" y2="${this.#y(untilUs)}"/>`);
  }

  /** Beside the line of the node, terms of different spaces side by side. */
  #terms(): void {
    const spaces = [...new Set(this.#model.terms.map(({ space }) => space))].sort();
    for (const term of this.#model.terms) {
      const { y, height } = this.#band(term);
      const x = columnXPx(term.column) - termPx - 3 - spaces.indexOf(term.space) * (termPx + 2);
      const about = `${this.#model.columns[term.column]} is primary of ${term.space} in ${term.label}`;
      this.#put(
        `<rect class="term term${term.number % termColours}" x="${x}" y="${y}" width="${termPx}" height="${height}" rx="2"/>`,
        about,
      );
    }
  }

  #arrow({ kind, from, to, fromUs, untilUs, dropped, title }: Arrow): void {
    const [x1, y1, y2] = [columnXPx(from), this.#y(fromUs), this.#y(untilUs)];
    const share = dropped === 'on-the-way' ? 0.45 : 1;
    const gap = to > from ? -6 : 6;
    const x2 = rounded(x1 + (columnXPx(to) - x1) * share + (dropped === null ? gap : 0));
    const lost = dropped === null ? '' : ' lost';
    this.#put(
      `<g class="arrow ${kind}${lost}"><title>${escaped(title)}</title>${slanted(x1, y1, x2, y2)}${dropped === null ? '' : cross(x2, y2, 4)}</g>`,
    );
  }

  #mark({ kind, column, us, title }: Mark): void {
    const [x, y] = [columnXPx(column), this.#y(us)];
    switch (kind) {
      case 'append':
        return this.#put(`<rect class="mark append" x="${x - 3}" y="${y - 3}" width="6" height="6"/>`, title);
      case 'synced':
        return this.#put(`<rect class="mark synced" x="${x - 4}" y="${y - 4}" width="8" height="8"/>`, title);
      case 'acknowledged':
      case 'answered':
      case 'refused':
        return this.#put(`<circle class="mark ${kind}" cx="${x}" cy="${y}" r="${kind === 'answered' ? 3 : 4.5}"/>`, title);
      case 'crash':
        return this.#put(`<g class="mark crash"><title>${escaped(title)}</title>${cross(x, y, 9)}</g>`);
      case 'start':
        return this.#put(`<circle class="mark start" cx="${x}" cy="${y}" r="6"/>`, title);
      case 'note':
      case 'alarm':
        return this.#put(`<path class="mark ${kind}" d="M${x} ${y - 5}l5 5l-5 5l-5-5z"/>`, title);
    }
  }

  /** Beside the marks: one label for those of one moment, and none where it would stand on another. */
  #labels(): void {
    const labels: { readonly column: number; readonly y: number; text: string; alarming: boolean }[] = [];
    const last = new Map<number, (typeof labels)[number]>();
    for (const { column, us, label, kind } of [...this.#model.marks].sort((left, right) => left.us - right.us)) {
      if (label === null) continue;
      const y = rounded(this.#y(us) + 4);
      const before = last.get(column);
      if (before !== undefined && y - before.y < labelGapPx) {
        if (y - before.y < sameMomentPx && !before.text.includes(label)) before.text += `, ${label}`;
        before.alarming ||= kind === 'alarm';
        continue;
      }
      const entry = { column, y, text: label, alarming: kind === 'alarm' };
      labels.push(entry);
      last.set(column, entry);
    }
    for (const { column, y, text, alarming } of labels) {
      this.#put(`<text class="label${alarming ? ' alarming' : ''}" x="${columnXPx(column) + 10}" y="${y}">${escaped(text)}</text>`);
    }
  }

  /** What was done to all, at the right; a line leads from the moment to where there was room. */
  #worldLabels(): void {
    const right = leftPx + this.#model.columns.length * columnPx;
    let lowest = 0;
    for (const { us, text } of this.#model.world) {
      const y = this.#y(us);
      const textY = Math.max(y, lowest + labelGapPx);
      lowest = textY;
      if (textY > headPx + this.#heightPx + footPx) continue;
      this.#put(`<path class="lead" d="M${leftPx} ${y}H${right}L${right + 12} ${textY}"/>`);
      this.#put(`<text class="world" x="${right + 16}" y="${textY + 4}">${escaped(shortened(text))}</text>`);
    }
  }

  #heads(): void {
    for (const [column, name] of this.#model.columns.entries()) {
      this.#put(`<text class="head" x="${columnXPx(column)}" y="${headPx - 22}">${escaped(name)}</text>`);
    }
  }
}

function slanted(x1: number, y1: number, x2: number, y2: number): string {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = Math.sqrt(dx * dx + dy * dy);
  if (length < 1) return '';
  const [ux, uy] = [dx / length, dy / length];
  const [bx, by] = [x2 - ux * 7, y2 - uy * 7];
  const head = `M${x2} ${y2}L${rounded(bx - uy * 3)} ${rounded(by + ux * 3)}L${rounded(bx + uy * 3)} ${rounded(by - ux * 3)}z`;
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/><path d="${head}"/>`;
}

function cross(x: number, y: number, r: number): string {
  return `<path class="cross" d="M${x - r} ${y - r}L${x + r} ${y + r}M${x + r} ${y - r}L${x - r} ${y + r}"/>`;
}

const labelCharactersMax = 52;

function shortened(text: string): string {
  return text.length <= labelCharactersMax ? text : `${text.slice(0, labelCharactersMax - 1)}…`;
}

function rounded(px: number): number {
  return Math.round(px * 10) / 10;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
