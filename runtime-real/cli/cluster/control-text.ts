/** The control log, spaces and rows as the command line prints them: objects for programs, words for people. */
import type { ControlReport, RecoverAnswer } from '../../../core/wire/generated/engram/v1/cluster.js';
import { type Column, type Output, oneLine, plural } from '../output.js';
import { type ClusterKnown, type CopyKnown, nameOf, type SpaceKnown, spacesKnown } from './control-reports.js';

function epochText({ row: { epoch } }: SpaceKnown): string {
  return epoch === undefined ? '-' : `${epoch.generation}.${epoch.index}`;
}

function headText(known: ClusterKnown): string {
  const { best, silent } = known;
  const { cluster, clusterId, generation, leaderNodeId, settings } = best;
  if (clusterId === '') return `${best.nodeName} belongs to no cluster: ${best.reason}`;
  const leader = leaderNodeId === '' ? 'no leader' : `led by ${nameOf(best, leaderNodeId)}`;
  const chosen =
    settings === undefined
      ? ''
      : `; ${settings.replicationFactor} copies, partition_policy ${settings.partitionPolicy}, ack ${settings.acknowledgement}`;
  const missing = silent.length === 0 ? '' : `; no answer from ${silent.join(', ')}`;
  return `cluster ${cluster} ${clusterId.slice(0, 8)}, generation ${generation}, ${leader}${chosen}${missing}`;
}

/** What a recovery has begun with, and what may be missing from it. */
export function recoveredText({ generation, damaged, committed, doubtful, reached, toldByNodeId }: Omit<RecoverAnswer, 'failure'>): string {
  const behind = doubtful === 0 ? '' : `, and ${plural(doubtful, 'change')} behind that, which may or may not have been committed`;
  const lines = [`generation ${generation} of the control log has begun, with what was committed up to ${committed}${behind}`];
  if (damaged) {
    const source = toldByNodeId === '' ? 'that is what could still be read of it' : `that is what ${toldByNodeId} has told`;
    lines.push(`the control log of this node was damaged: ${source}`);
    const known = committed + doubtful;
    if (reached > known)
      lines.push(`the log had reached ${reached} at least: what was committed from ${known + 1} on is not known, and given up`);
    lines.push(
      'members, spaces and rows may be older than they were: look at engram cluster status, spaces and rows. Memories are not touched',
    );
  }
  lines.push('members that are up follow it by themselves; remove those that are gone for good with engram cluster remove NODE --force');
  return lines.join('\n');
}

export function logJson({ best, reports, silent }: ClusterKnown): object {
  const { cluster, clusterId, generation, settings, members, removed, spaces } = best;
  return {
    ...{ cluster, clusterId, generation, leader: best.leaderNodeId === '' ? null : nameOf(best, best.leaderNodeId) },
    ...{ settings: settings ?? null, spaces, members, removed },
    nodes: reports.map(({ nodeId, nodeName, role, term, leaderNodeId, committed, applied, last, damaged, reason, generation: own }) => ({
      ...{ nodeId, name: nodeName, role: role === '' ? null : role, term, leader: leaderNodeId === '' ? null : nameOf(best, leaderNodeId) },
      ...{ generation: own, last, committed, applied, voter: isVoter(best, nodeId), damaged, reason: reason === '' ? null : reason },
    })),
    silent,
  };
}

function isVoter({ members }: ControlReport, nodeId: string): boolean {
  return members.find((member) => member.nodeId === nodeId)?.voter ?? false;
}

export function logText(output: Output, known: ClusterKnown): string {
  const { best, reports, silent } = known;
  const { colors } = output;
  const columns: Column[] = [
    { title: 'name', width: 16 },
    { title: 'role' },
    { title: 'votes', width: 11 },
    { title: 'term', width: 9, right: true },
    { title: 'last', width: 10, right: true },
    { title: 'committed', width: 11, right: true },
    { title: 'applied', width: 10, right: true },
    { title: 'zone', width: 10 },
  ];
  const place = (nodeId: string): ControlReport['members'][number] | undefined => best.members.find((member) => member.nodeId === nodeId);
  const rows = reports.map((report) => {
    const member = place(report.nodeId);
    const role = report.damaged ? colors.red('damaged') : report.role === 'leader' ? colors.green('leader') : report.role || '-';
    const votes = member === undefined ? 'no member' : member.voter ? 'yes' : 'learns';
    const [last, committed, applied] = [report.last, report.committed, report.applied].map(String);
    const state = member?.draining === true ? `${role}, draining` : role;
    return [report.nodeName, state, votes, String(report.term), last, committed, applied, member?.zone || '-'];
  });
  for (const name of silent) {
    const member = best.members.find((each) => each.name === name);
    const votes = member === undefined ? 'no member' : member.voter ? 'yes' : 'learns';
    rows.push([name, colors.red('no answer'), votes, '-', '-', '-', '-', member?.zone || '-']);
  }
  const reasons = reports.filter(({ reason }) => reason !== '').map(({ nodeName, reason }) => `\n${nodeName}: ${oneLine(reason, 400)}`);
  return `${headText(known)}\n${output.table(columns, rows)}${reasons.join('')}`;
}

export function spacesJson(known: ClusterKnown): object {
  const spaces = spacesKnown(known).map((space) => ({
    name: space.row.space,
    epoch: space.row.epoch ?? null,
    primary: space.copies[0]?.name ?? null,
    confirmed: isConfirmed(space),
    writers: space.writers,
    copies: space.copies.map(copyJson),
    memories: memoriesOf(space),
    move: space.row.move ?? null,
  }));
  return { cluster: known.best.cluster, clusterId: known.best.clusterId, applied: known.best.applied, spaces, silent: known.silent };
}

function copyJson({ nodeId, name, own, hasAnswered }: CopyKnown): object {
  return {
    ...{ nodeId, name, answered: hasAnswered },
    role: own === null ? null : own.primary ? 'primary' : 'replica',
    missingRecords: own?.missingRecords ?? null,
    lagMs: own?.lagMs ?? null,
    memories: own?.memories ?? null,
  };
}

/** The first copy says that the control log has confirmed its term, and nobody else takes writes. */
function isConfirmed({ copies, writers }: SpaceKnown): boolean {
  return writers.length === 1 && writers[0]?.confirmed === true && writers[0].name === copies[0]?.name;
}

function memoriesOf({ copies }: SpaceKnown): number | null {
  const counts = copies.flatMap(({ own }) => (own === null ? [] : [own.memories]));
  return counts.length === 0 ? null : Math.max(...counts);
}

function writersText({ colors }: Output, space: SpaceKnown): string {
  if (space.writers.length === 0) return colors.dim('nobody now');
  return space.writers
    .map(({ name, confirmed }) => (confirmed ? colors.green(`${name} confirmed`) : colors.yellow(`${name} provisional`)))
    .join(', ');
}

/** How far the copy that lags most lags behind. */
function lagText(copies: readonly CopyKnown[]): string {
  const silent = copies.filter(({ hasAnswered }) => !hasAnswered).length;
  const known = copies.flatMap(({ own }) => (own === null ? [] : [own]));
  const records = Math.max(0, ...known.map(({ missingRecords }) => missingRecords));
  const ms = known.flatMap(({ lagMs }) => (lagMs === undefined ? [] : [lagMs]));
  const most = ms.length === 0 ? '' : `, ≤ ${Math.max(...ms)} ms`;
  return `${records}${most}${silent === 0 ? '' : `, ${silent} silent`}`;
}

export function statusJson(known: ClusterKnown): object {
  return { ...logJson(known), standing: standingOf(spacesKnown(known)) };
}

/** How many spaces have a confirmed primary, only provisional ones, or nobody who takes writes now. */
function standingOf(spaces: readonly SpaceKnown[]): { readonly confirmed: number; readonly provisional: number; readonly none: number } {
  const confirmed = spaces.filter(isConfirmed).length;
  const none = spaces.filter(({ writers }) => writers.length === 0).length;
  return { confirmed, provisional: spaces.length - confirmed - none, none };
}

export function statusText(output: Output, known: ClusterKnown): string {
  const spaces = spacesKnown(known);
  const { confirmed, provisional, none } = standingOf(spaces);
  const moving = spaces.filter(({ row }) => row.move !== undefined).length;
  const lines = [
    `${plural(spaces.length, 'space')}: ${confirmed} with a confirmed primary, ${provisional} provisional, ${none} that nobody takes writes of now`,
  ];
  if (moving > 0) lines.push(`${moving} of them with a copy on its way (engram cluster plan)`);
  return [logText(output, known), ...lines].join('\n');
}

export function spacesText(output: Output, known: ClusterKnown): string {
  const columns: Column[] = [
    { title: 'space', width: 24 },
    { title: 'epoch', width: 12, right: true },
    { title: 'takes writes', wraps: true },
    { title: 'copies', width: 8, right: true },
    { title: 'memories', width: 10, right: true },
    { title: 'lag', width: 20, right: true },
  ];
  const rows = spacesKnown(known).map((space) => [
    oneLine(space.row.space, 64),
    epochText(space),
    writersText(output, space),
    String(space.copies.length),
    String(memoriesOf(space) ?? '-'),
    lagText(space.copies),
  ]);
  return rows.length === 0
    ? `${headText(known)}\nno spaces yet: each is made when it is first written to`
    : `${headText(known)}\n${output.table(columns, rows)}`;
}

export function rowsText(output: Output, known: ClusterKnown): string {
  const columns: Column[] = [
    { title: 'space', width: 24 },
    { title: 'epoch', width: 12, right: true },
    { title: 'revision', width: 10, right: true },
    { title: 'copies (records, ms behind)', wraps: true },
    { title: 'move', width: 24 },
  ];
  const rows = spacesKnown(known).map((space) => {
    const { move, revision } = space.row;
    const to =
      move === undefined
        ? '-'
        : `${move.fromNodeId === '' ? '+' : nameOf(known.best, move.fromNodeId)} → ${nameOf(known.best, move.toNodeId)} ${move.stage}`;
    return [
      oneLine(space.row.space, 64),
      epochText(space),
      String(revision),
      space.copies.map((copy) => copyText(output, copy)).join(', '),
      to,
    ];
  });
  return rows.length === 0 ? `${headText(known)}\nno rows yet` : `${headText(known)}\n${output.table(columns, rows)}`;
}

function copyText({ colors }: Output, { name, own, hasAnswered }: CopyKnown): string {
  if (!hasAnswered) return colors.red(`${name} (silent)`);
  if (own === null) return `${name} (empty)`;
  if (own.primary) return own.confirmed ? colors.green(name) : colors.yellow(`${name} (provisional)`);
  return `${name} (${own.missingRecords}, ${own.lagMs === undefined ? '?' : `≤ ${own.lagMs}`})`;
}
