/** A run of control logs alone as a story: one line for what a node says, notes or suffers, with its millisecond. */
import type { ControlDomainEvent } from '../../core/control/control-events.js';
import type { DomainEvent } from '../../core/domain-events.js';
import { controlContents, controlText } from '../trace/control-sentences.js';
import { ShortNames } from '../trace/short-names.js';
import { type ControlCluster, type ControlListener, namesOf } from './control-cluster.js';

interface Line {
  readonly atMs: number;
  readonly who: string;
  readonly text: string;
  /** Whom it is said to; none for what is not said to anybody. */
  readonly to: readonly string[];
}

export class ControlStory {
  readonly listener: ControlListener;
  readonly #cluster: () => ControlCluster;
  readonly #tell: (line: string) => void;
  #names: ShortNames | null = null;
  /** What is said to several in the same breath is one line. */
  #last: Line | null = null;
  /** On each link what was said last. */
  readonly #said = new Map<string, string>();

  constructor(cluster: () => ControlCluster, tell: (line: string) => void) {
    this.#cluster = cluster;
    this.#tell = tell;
    this.listener = {
      noted: (host, event) => {
        if (isOfControl(event)) this.#line(host.name, controlText(event), []);
        else if (event.kind === 'node.halted') this.#line(host.name, `stops itself: ${event.reason}`, []);
      },
      said: (host, to, _message, bytes) => {
        const { text, isRoutine } = controlContents(bytes);
        if (!isRoutine && !this.#isSaidAgain(`${host.name} ${to}`, text)) this.#line(host.name, text, [to]);
      },
      happened: (text) => this.#line('world', text, []),
    };
  }

  /** What is sent again because nobody answers is told once. */
  #isSaidAgain(link: string, text: string): boolean {
    const isAgain = this.#said.get(link) === text;
    this.#said.set(link, text);
    return isAgain;
  }

  #line(who: string, text: string, to: readonly string[]): void {
    const atMs = Math.floor(this.#cluster().nowMs);
    const last = this.#last;
    const goesOn = last !== null && to.length > 0 && last.atMs === atMs && last.who === who && last.text === text;
    if (goesOn) {
      this.#last = { ...last, to: [...last.to, ...to] };
      return;
    }
    this.end();
    this.#last = { atMs, who, text, to };
  }

  /** Tells what is left. */
  end(): void {
    if (this.#last === null) return;
    const { atMs, who, text, to } = this.#last;
    this.#last = null;
    this.#names ??= new ShortNames(namesOf(this.#cluster()));
    this.#tell(`${atMs.toString().padStart(8)}  ${who.padEnd(5)}  ${this.#names.text(text)}${listed(to)}`);
  }
}

function isOfControl(event: DomainEvent): event is ControlDomainEvent {
  return event.kind.startsWith('control.');
}

/** `n1`, `n1 and n2`, `n1, n2 and n3`. */
function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
}
