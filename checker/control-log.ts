/**
 * The control log's agreement, judged by Raft's own invariants (Ongaro and Ousterhout 2014, figure 3) from what voters were seen to send, to apply and to lead:
 *
 * - one leader a term, and one vote a term of each voter, also over restarts;
 * - log matching: an index and a term name one entry, and the term before it;
 * - state machine safety: at each index everybody applies the same and has the same state then, without gaps;
 * - leader completeness: what a node in term T applied stands in the log of every leader of a later term;
 * - leases: never do two nodes hold one at the same instant;
 * - confirmed primaries: never two of one space at the same instant;
 * - what was answered as committed was applied, and is so everywhere in the end;
 * - what operators order holds, whoever leads (orders.ts).
 */
import type { ControlObservation, ControlTrace } from './control-observations.js';
import type { Checker, Verdict } from './history.js';
import { judgeOrders } from './orders.js';

interface Finding {
  readonly reason: string;
}

/** The control logs of a run with clients. */
export const controlLog: Checker = ({ control }) =>
  control === undefined ? { verdict: 'not-applicable', reason: 'the nodes keep no control log' } : judgeControlLog(control);

/** Judges one run. `unknown` when hardly anything happened. */
export function judgeControlLog({ observations, converged, states }: ControlTrace): Verdict {
  const elections = observations.filter(({ kind }) => kind === 'elected').length;
  const answered = observations.filter(({ kind }) => kind === 'answered').length;
  const ordered = judgeOrders({ observations, states });
  const findings = [
    ...oneLeaderATerm(observations),
    ...oneVoteATerm(observations),
    ...logMatching(observations),
    ...stateMachineSafety(observations),
    ...leaderCompleteness(observations),
    ...leases(observations),
    ...confirmedAlone(observations),
    ...answers(observations),
    ...ordered.findings,
  ];
  const confirmed = observations.filter(({ kind }) => kind === 'confirmed').length;
  const applied = observations.filter(({ kind }) => kind === 'applied').length;
  const figures = { elections, answered, confirmed, applied, orders: ordered.orders };
  if (findings.length > 0) {
    const more = findings.length === 1 ? '' : ` (and ${findings.length - 1} more)`;
    return { verdict: 'violation', reason: `${(findings[0] as Finding).reason}${more}`, operations: [], ...figures };
  }
  if (converged === false)
    return { verdict: 'violation', reason: 'the nodes do not agree in time', operations: [], notConverged: true, ...figures };
  if (elections === 0 || answered === 0) return { verdict: 'unknown', reason: `${elections} elections, ${answered} answers`, ...figures };
  return { verdict: 'ok', ...figures };
}

function only<Kind extends ControlObservation['kind']>(
  observations: readonly ControlObservation[],
  kind: Kind,
): readonly Extract<ControlObservation, { kind: Kind }>[] {
  return observations.filter((each): each is Extract<ControlObservation, { kind: Kind }> => each.kind === kind);
}

function oneLeaderATerm(observations: readonly ControlObservation[]): readonly Finding[] {
  const leaders = new Map<number, string>();
  const findings: Finding[] = [];
  for (const { node, term, atMs } of only(observations, 'elected')) {
    const other = leaders.get(term);
    if (other !== undefined && other !== node) findings.push({ reason: `${other} and, at ${atMs} ms, ${node} lead term ${term}` });
    leaders.set(term, node);
  }
  return findings;
}

function oneVoteATerm(observations: readonly ControlObservation[]): readonly Finding[] {
  const votes = new Map<string, string>();
  const findings: Finding[] = [];
  for (const { node, term, candidate, atMs } of only(observations, 'voted')) {
    const key = `${node} ${term}`;
    const other = votes.get(key);
    if (other !== undefined && other !== candidate)
      findings.push({ reason: `${node} votes in term ${term} for ${other} and, at ${atMs} ms, for ${candidate}` });
    votes.set(key, candidate);
  }
  return findings;
}

function logMatching(observations: readonly ControlObservation[]): readonly Finding[] {
  const entries = new Map<string, { readonly previousTerm: number; readonly content: string }>();
  const findings: Finding[] = [];
  for (const { node, index, term, previousTerm, content, atMs } of only(observations, 'sent')) {
    const key = `${index} ${term}`;
    const known = entries.get(key);
    if (known === undefined) entries.set(key, { previousTerm, content });
    else if (known.previousTerm !== previousTerm || known.content !== content)
      findings.push({ reason: `entry ${index} of term ${term} is not what it was when ${node} sends it at ${atMs} ms` });
  }
  return findings;
}

function stateMachineSafety(observations: readonly ControlObservation[]): readonly Finding[] {
  const known = new Map<number, { term: number | null; readonly state: string; readonly node: string }>();
  const reached = new Map<string, number>();
  const findings: Finding[] = [];
  for (const each of observations) {
    if (each.kind !== 'applied' && each.kind !== 'restored') continue;
    const { node, boot, index, state, atMs } = each;
    const life = `${node} ${boot}`;
    const before = reached.get(life);
    if (each.kind === 'applied' && index !== (before ?? 0) + 1)
      findings.push({ reason: `${node} applies entry ${index} at ${atMs} ms after ${before ?? 'nothing'}` });
    if (before !== undefined && index < before) findings.push({ reason: `${node} goes back from ${before} to ${index} at ${atMs} ms` });
    reached.set(life, index);
    const term = each.kind === 'applied' ? each.term : null;
    const first = known.get(index);
    if (first === undefined) {
      known.set(index, { term, state, node });
      continue;
    }
    if (first.state !== state || (first.term !== null && term !== null && first.term !== term))
      findings.push({ reason: `${node} has another state than ${first.node} after entry ${index}, at ${atMs} ms` });
    first.term ??= term;
  }
  return findings;
}

function leaderCompleteness(observations: readonly ControlObservation[]): readonly Finding[] {
  /** Of each applied entry the least term in which it was known to be committed. */
  const committed = new Map<number, { readonly term: number; readonly knownIn: number }>();
  for (const { index, term, nodeTerm } of only(observations, 'applied')) {
    const known = committed.get(index);
    if (known === undefined || nodeTerm < known.knownIn) committed.set(index, { term, knownIn: nodeTerm });
  }
  const findings: Finding[] = [];
  for (const { node, term, start, terms, atMs } of only(observations, 'elected')) {
    for (const [index, entry] of committed) {
      if (entry.knownIn >= term || index <= start || terms[index - start - 1] === entry.term) continue;
      findings.push({ reason: `${node}, elected at ${atMs} ms in term ${term}, lacks entry ${index}, committed in term ${entry.knownIn}` });
    }
  }
  return findings;
}

function leases(observations: readonly ControlObservation[]): readonly Finding[] {
  return only(observations, 'leases').map(({ nodes, atMs }) => ({ reason: `${nodes.join(' and ')} hold the lease at ${atMs} ms` }));
}

function confirmedAlone(observations: readonly ControlObservation[]): readonly Finding[] {
  const findings: Finding[] = [];
  const holders = new Map<string, string>();
  for (const { node, space, epoch, besides, atMs } of only(observations, 'confirmed')) {
    if (besides.length > 0)
      findings.push({ reason: `${node} and ${besides.join(', ')} are confirmed primaries of ${space} at ${atMs} ms` });
    const term = `${space} ${epoch}`;
    const other = holders.get(term);
    if (other !== undefined && other !== node)
      findings.push({ reason: `${other} and, at ${atMs} ms, ${node} are confirmed in term ${epoch} of ${space}` });
    holders.set(term, node);
  }
  return findings;
}

function answers(observations: readonly ControlObservation[]): readonly Finding[] {
  const ends = only(observations, 'settled');
  const applied = new Set(only(observations, 'applied').map(({ index }) => index));
  const contents = new Map<number, string>();
  const findings: Finding[] = [];
  for (const { index, content, node, atMs } of only(observations, 'answered')) {
    const other = contents.get(index);
    if (other !== undefined && other !== content) findings.push({ reason: `two proposals were answered as committed at ${index}` });
    contents.set(index, content);
    if (!applied.has(index)) findings.push({ reason: `${node} answers at ${atMs} ms that ${index} is committed, and nobody applies it` });
    const short = ends.find((end) => end.index < index);
    if (short !== undefined) findings.push({ reason: `what was answered as committed at ${index} never came to ${short.node}` });
  }
  const [first] = ends;
  const other = ends.find(({ state }) => state !== first?.state);
  if (first !== undefined && other !== undefined) findings.push({ reason: `${first.node} and ${other.node} end with different states` });
  return findings;
}
