/**
 * Who takes a term has pulled what every reachable copy held when it began to ask for it. Who was within reach is told from outside: a machine whose process had been
 * up for a while, with nothing on the way between the two. What each held and when is told by the disks. A term may be taken without a record whose place another
 * one has taken, for only that one is given to others once the log is compacted.
 *
 * Judged where nothing else keeps a copy from answering or from giving what it holds: no message is lost by chance, and no disk is damaged, full, failing or slow.
 */
import type { NodeId } from '../core/identifiers.js';
import type { History, MemberLife, MembershipRecord, TermSpan } from './history.js';
import { brokenSpans } from './membership-claims.js';
import { type Memory, type Step, tracesOf } from './memory-traces.js';
import { Supersession } from './supersession.js';

/** So long before a claim both had been able to hear each other. */
const inReachMs = 3_000;
/** What became durable right before a claim may not have been told yet. */
const untoldMs = 500;
const familiesJudged: ReadonlySet<string> = new Set([
  'partition',
  'crash',
  'kill',
  'restart',
  'leave',
  'clock',
  'congestion',
  'clog',
  'disk-destroyed',
]);

export interface UnpulledTerm {
  readonly reason: string;
  readonly operations: readonly number[];
}

export function unpulledTerms(history: History): { readonly judged: number; readonly unpulled: readonly UnpulledTerm[] } {
  const { membership, logDurableMs, faults, terms } = history;
  const isDisturbed = faults.some(({ family, tookEffect }) => tookEffect && !familiesJudged.has(family));
  if (membership === undefined || logDurableMs === undefined || isDisturbed) return { judged: 0, unpulled: [] };
  const { memories, nodes } = tracesOf(history);
  let judged = 0;
  const unpulled: UnpulledTerm[] = [];
  for (const term of terms) {
    if (goesOn(term, terms)) continue;
    const holder = nodes.get(term.node);
    const copies = withinReach(membership, term).filter((node) => areCopies(history, term, node));
    const sources = copies.flatMap((node) => nodes.get(node) ?? []);
    if (holder === undefined || sources.length === 0) continue;
    judged += 1;
    const missing = memories
      .filter(({ space }) => space === term.space)
      .flatMap((memory) => notHeld(memory, { holder, sources, term }).map((step) => ({ memory, step })));
    const [first] = missing;
    if (first === undefined) continue;
    const reason =
      `${term.node} took a term of ${term.space} at ${term.fromMs} ms without ${first.step.operation?.value ?? 'a delete'} of ` +
      `${JSON.stringify(first.memory.id)}, which a copy within its reach had held since before it asked (and ${missing.length - 1} more)`;
    unpulled.push({ reason, operations: missing.flatMap(({ step }) => step.operation?.index ?? []) });
  }
  return { judged, unpulled };
}

/** Who held a term up to that instant only gets another number: confirmed from then on, or no longer. Nobody else was primary here in between. */
function goesOn({ node, space, fromMs }: TermSpan, terms: readonly TermSpan[]): boolean {
  return terms.some((before) => before.node === node && before.space === space && before.untilMs === fromMs && before.fromMs < fromMs);
}

function claimedMs({ claimedMs: asked, fromMs }: TermSpan): number {
  return asked ?? fromMs;
}

/** The other nodes whose process was up, and could hear and be heard by the term's holder, from well before the claim until the term was taken. */
function withinReach(record: MembershipRecord, term: TermSpan): MemberLife['node'][] {
  const own = record.lives.find(({ node, fromMs, untilMs }) => node === term.node && fromMs <= term.fromMs && untilMs >= term.fromMs);
  if (own === undefined) return [];
  const sinceMs = claimedMs(term) - inReachMs;
  const others = record.lives.filter(({ node, fromMs, untilMs }) => node !== term.node && fromMs <= sinceMs && untilMs > term.fromMs);
  return others
    .filter(({ place }) => !brokenSpans(record, own.place, place).some((span) => span.untilMs >= sinceMs && span.fromMs <= term.fromMs))
    .map(({ node }) => node);
}

/**
 * Whether the holder is a copy when it takes the term, and the other was one for so long that the holder must know. Who is none may have records of the space
 * all the same, hints or what it held once: these come by hand-over, and no term waits for them.
 */
function areCopies({ placement, copyHolders }: History, term: TermSpan, node: NodeId): boolean {
  if (placement === undefined) return copyHolders?.get(term.space)?.has(node) !== false;
  const isServing = (at: NodeId, fromMs: number): boolean =>
    placement.serving.some((span) => span.space === term.space && span.node === at && span.fromMs <= fromMs && span.untilMs >= term.fromMs);
  return isServing(term.node, term.fromMs) && isServing(node, claimedMs(term) - inReachMs);
}

/** What the sources had held in good time, and the holder had neither itself nor anything that took its place. */
function notHeld(
  memory: Memory,
  { holder, sources, term }: { readonly holder: number; readonly sources: readonly number[]; readonly term: TermSpan },
): Step[] {
  const owed = sources.flatMap((source) => durableBy(memory, source, claimedMs(term) - untoldMs));
  if (owed.length === 0) return [];
  const graph = new Supersession(memory);
  graph.include(durableBy(memory, holder, term.fromMs));
  return [...new Set(owed)].filter((step) => !graph.isIncluded(step));
}

function durableBy({ logs, durableMs }: Memory, node: number, untilMs: number): Step[] {
  const times = durableMs[node] ?? [];
  return (logs[node] ?? []).filter((_, at) => (times[at] as number) <= untilMs);
}
