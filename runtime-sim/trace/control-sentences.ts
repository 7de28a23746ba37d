/** What control logs say to each other and note, as halves of sentences. */

import { partsOf } from '../../core/control/bundle.js';
import type { ControlDomainEvent, ProposalAnswer, RecoveryBasis } from '../../core/control/control-events.js';
import type { ControlEntry } from '../../core/control/entries.js';
import { decodeAuthorityMessage, isAuthorityMessage } from '../../core/control/leases/authority-messages.js';
import { decodeRaftMessage } from '../../core/control/raft/message-codec.js';
import type { Entry, RaftMessage } from '../../core/control/raft/vocabulary.js';
import { unreachable } from '../../core/invariant.js';
import type { PeerContents } from './trace-events.js';

export type ControlContents = Extract<PeerContents, { kind: 'control' }>;

/** What was said together in words, up to its receiver: the first of it that is no routine, if there is any. */
export function controlContents(bytes: Uint8Array): ControlContents {
  const parts = (partsOf(bytes) ?? [bytes]).map(partContents);
  return parts.find(({ isRoutine }) => !isRoutine) ?? parts[0];
}

function partContents(bytes: Uint8Array): ControlContents {
  if (isAuthorityMessage(bytes)) return authorityContents(bytes);
  const message = decodeRaftMessage(bytes);
  if (message === null)
    return { kind: 'control', text: 'says something unreadable about the control log to ', name: 'bytes', isRoutine: false };
  const isRoutine =
    message.kind === 'append' ? message.entries.length === 0 : message.kind === 'appended' || message.kind === 'snapshot-part';
  return { kind: 'control', ...said(message), isRoutine };
}

function authorityContents(bytes: Uint8Array): ControlContents {
  const message = decodeAuthorityMessage(bytes);
  switch (message?.kind) {
    case undefined:
      return { kind: 'control', text: 'says something unreadable about leases to ', name: 'bytes', isRoutine: false };
    case 'ask':
      return { kind: 'control', text: 'asks for a lease ', name: 'a question for a lease', isRoutine: true };
    case 'answer':
      return {
        kind: 'control',
        text: `${message.isGranted ? 'grants' : 'refuses'} a lease to `,
        name: 'an answer about a lease',
        isRoutine: true,
      };
    case 'wanted':
      return { kind: 'control', text: `asks for ${message.names.join(', ')} to be made `, name: 'a wish for a space', isRoutine: false };
    case 'state-wanted':
      return {
        kind: 'control',
        text: `asks for what is committed after ${message.applied} `,
        name: 'a question for the state',
        isRoutine: true,
      };
    case 'state':
      return { kind: 'control', text: 'tells what is committed to ', name: 'the committed state', isRoutine: false };
    case 'call':
      return { kind: 'control', text: 'asks for a sign of life from ', name: 'a call', isRoutine: true };
    case 'doubted':
      return { kind: 'control', text: `misses ${message.nodes.join(', ')} and says so to `, name: 'a doubt', isRoutine: false };
    case 'forgot':
      return { kind: 'control', text: 'may have forgotten what it said and says so to ', name: 'a confession', isRoutine: false };
    case 'begin-anew':
      return {
        kind: 'control',
        text: `has it begin anew in term ${message.term}, to vote from ${message.votesFrom} on: `,
        name: 'leave to begin anew',
        isRoutine: false,
      };
    case 'unreached': {
      const { nodes } = message;
      if (nodes.length === 0) return { kind: 'control', text: 'reaches everybody and says so to ', name: 'a report', isRoutine: true };
      return { kind: 'control', text: `does not reach ${nodes.join(', ')} and says so to `, name: 'a report', isRoutine: false };
    }
    case 'silent': {
      const { nodes } = message;
      if (nodes.length === 0) return { kind: 'control', text: 'hears everybody and says so to ', name: 'a report', isRoutine: true };
      return { kind: 'control', text: `does not hear ${nodes.join(', ')} any more and says so to `, name: 'a report', isRoutine: false };
    }
  }
}

function said(message: RaftMessage): { readonly text: string; readonly name: string } {
  const { term } = message;
  switch (message.kind) {
    case 'ask-pre-vote':
      return {
        text: `would stand in term ${term} with a log up to ${message.last.index} and asks about it `,
        name: 'a question before an election',
      };
    case 'pre-vote':
      return message.isGranted
        ? { text: `would vote in term ${term} for `, name: 'a promise to vote' }
        : { text: `would not vote, being in term ${term}, for `, name: 'a refusal to vote' };
    case 'ask-vote':
      return {
        text: `stands in term ${term} with a log up to ${message.last.index} and asks for the vote of `,
        name: 'a question for a vote',
      };
    case 'vote':
      return { text: message.isGranted ? `votes in term ${term} for ` : `refuses its vote in term ${term} to `, name: 'a vote' };
    case 'append':
      return message.entries.length === 0
        ? { text: `leads term ${term}, committed up to ${message.committed}, and says so to `, name: 'a heartbeat' }
        : { text: `sends ${entriesText(message.entries)} of the control log to `, name: 'entries' };
    case 'appended':
      return { text: `has the control log up to ${message.match}, durably, and says so to `, name: 'an answer' };
    case 'refused':
      return { text: `does not have what stands before, at ${message.previousIndex}, and says so to `, name: 'a refusal' };
    case 'snapshot':
      return { text: `sends the control log's snapshot up to ${message.last.index} to `, name: 'a snapshot' };
    case 'snapshot-part':
      return { text: `has ${message.received} bytes of the snapshot and says so to `, name: 'an answer' };
    case 'take-over':
      return { text: 'asks to take its place at once ', name: 'a request to take over' };
    default:
      return unreachable(message);
  }
}

function entriesText(entries: readonly Entry[]): string {
  const [first] = entries;
  const last = entries.at(-1);
  if (first === undefined || last === undefined) return 'nothing';
  return first.index === last.index ? `entry ${first.index}` : `entries ${first.index}-${last.index}`;
}

/** What a note of the control log says, without its subject. */
export function controlText(event: ControlDomainEvent): string {
  switch (event.kind) {
    case 'control.opened':
      return `has a control log up to ${event.index} in term ${event.term}, ${event.voters === 0 ? 'and waits to be let in' : `with ${event.voters} voters`}`;
    case 'control.election-started':
      return `stands for election in term ${event.term}: ${event.why}`;
    case 'control.leader-elected':
      return `leads the control log in term ${event.term}, with ${event.votes.length} votes`;
    case 'control.leader-followed':
      return `follows ${event.leader} in term ${event.term}`;
    case 'control.stepped-down':
      return `no longer leads the control log in term ${event.term}: ${event.why}`;
    case 'control.configuration-changed': {
      const { voters, learners } = event.configuration;
      const besides = learners.length === 0 ? '' : `, and ${learners.join(', ')} learn${learners.length === 1 ? 's' : ''}`;
      return `takes for voters: ${voters.join(', ')}${besides}`;
    }
    case 'control.entries-replaced':
      return `gives up ${event.count} entries from ${event.from} on: another leader's stand in their place`;
    case 'control.snapshot-installed':
      return `has taken over a snapshot of the control log up to ${event.index}`;
    case 'control.snapshot-sent':
      return `begins to send a snapshot up to ${event.index} to ${event.to}`;
    case 'control.applied': {
      const { outcome } = event;
      return `applies entry ${event.index}: ${entryText(event.entry)}${outcome.kind === 'refused' ? `, which does nothing: ${outcome.why}` : ''}`;
    }
    case 'control.entry-unreadable':
      return `cannot read entry ${event.index}: it does nothing`;
    case 'control.compacted':
      return `puts the control log up to ${event.index} into a snapshot of ${event.bytes} bytes`;
    case 'control.log-damaged':
      return 'has lost records of its control log and votes no more';
    case 'control.begun-anew':
      return `begins its control log anew in term ${event.term}, and votes again once it reaches ${event.votesFrom}`;
    case 'control.recovered':
      return `gives up the others, and begins generation ${event.generation} of the control log at ${event.index} with ${basisText(event.basis)}`;
    case 'control.state-followed':
      return `goes by what others have committed, up to ${event.index}`;
    case 'control.removed':
      return `hears that entry ${event.index} has removed it`;
    case 'control.proposal-answered':
      return `answers proposal ${event.handle}: ${answerText(event.answer)}`;
    case 'move.begun':
      return `has ${event.space} copied to ${event.to}${event.from === null ? '' : `, in the place of ${event.from}`}`;
    case 'move.taken-over':
      return `goes on with the move of ${event.space} to ${event.to} that another leader has begun`;
    case 'move.given-up':
      return `gives up the move of ${event.space} to ${event.to}: ${event.why}`;
    case 'control.message-rejected':
      return `drops ${event.bytes} bytes that say nothing about the control log`;
    default:
      return unreachable(event);
  }
}

function basisText({ isDamaged, committed, doubtful, reached, toldBy }: RecoveryBasis): string {
  const whose = toldBy === null ? '' : ` as ${toldBy} has told it`;
  const behind = doubtful === 0 ? '' : `, and ${doubtful} entries behind that`;
  return `what was committed up to ${committed}${whose}${behind}${isDamaged ? `; its own log is damaged, and had reached ${reached} at least` : ''}`;
}

function answerText(answer: ProposalAnswer): string {
  switch (answer.kind) {
    case 'committed':
      return `committed as entry ${answer.index}`;
    case 'recovered':
      return `generation ${answer.generation} has begun at ${answer.index}`;
    case 'refused':
      return `refused, ${answer.why}${answer.leader === null ? '' : `, ${answer.leader} leads`}`;
    case 'replaced':
      return 'another entry stands in its place';
    case 'unknown':
      return 'nobody can say what became of it';
    default:
      return unreachable(answer);
  }
}

export function entryText(entry: ControlEntry | null): string {
  if (entry === null) return 'a term begins';
  switch (entry.kind) {
    case 'cluster-made':
      return `the cluster is made by ${entry.founders.map(({ name }) => name).join(', ')}`;
    case 'node-added':
      return `${entry.member.name} is a member`;
    case 'node-changed':
      return `${entry.member.name} ${entry.isDraining ? 'is to leave' : 'has changed'}`;
    case 'node-removed':
      return `${entry.node} is no member any more`;
    case 'voters-changed':
      return `${entry.voters.length} vote, ${entry.learners.length} learn`;
    case 'space-created':
      return `space ${entry.name} is made on ${entry.copies.join(', ')}`;
    case 'space-dropped':
      return `space ${entry.name} is dropped`;
    case 'rows-assigned':
      return `${entry.rows.length} rows are assigned`;
    case 'primaries-reassigned':
      return `${entry.successors.length} spaces of ${entry.dead} get another primary`;
    case 'move-changed':
      return `a move of ${entry.space} is ${entry.change.kind}`;
    case 'settings-changed':
      return 'the settings change';
    case 'rebalancing-ordered':
      return entry.order === 'apply' ? 'copies are to be moved as planned' : 'no copy is to be moved';
    case 'recovered':
      return `generation ${entry.generation} begins`;
    default:
      return unreachable(entry);
  }
}
