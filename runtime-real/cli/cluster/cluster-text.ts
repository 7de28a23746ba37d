/** Members, changes and links as the command line prints them: objects for programs, words for people. */
import {
  type ClusterChange,
  type ClusterMember,
  type ClusterMembers,
  LinkState,
  MemberState,
  PartitionState,
} from '../../../core/wire/generated/engram/v1/cluster.js';
import { type Column, type Output, oneLine } from '../output.js';

export function stateName(state: MemberState): string {
  return state === MemberState.MEMBER_STATE_UNSPECIFIED ? 'unknown' : MemberState[state].toLowerCase();
}

export function partitionName(state: PartitionState): string {
  return state === PartitionState.PARTITION_STATE_UNSPECIFIED ? 'unknown' : PartitionState[state].toLowerCase();
}

export function memberJson(member: ClusterMember): object {
  const { state, inStateMs, ...rest } = member;
  return { ...rest, state: stateName(state), inStateMs };
}

export function membersJson(members: ClusterMembers): object {
  return { ...members, partition: partitionName(members.partition), members: members.members.map(memberJson) };
}

/** One line of `watch --json`. */
export function changeJson({ atMs, change }: ClusterChange): object | null {
  const at = new Date(atMs).toISOString();
  switch (change?.$case) {
    case 'snapshot':
      return { at, kind: 'members', ...membersJson(change.value) };
    case 'member': {
      const { member, before } = change.value;
      return member === undefined ? null : { at, kind: 'member', before: stateName(before), ...memberJson(member) };
    }
    case 'partition': {
      const { before, now, reachable, total } = change.value;
      return { at, kind: 'partition', before: partitionName(before), now: partitionName(now), reachable, total };
    }
    case undefined:
      return null;
  }
}

/** One line of `watch`, or the table that it begins with. */
export function changeText(output: Output, { atMs, change }: ClusterChange): string {
  const time = output.colors.dim(new Date(atMs).toISOString().slice(11, 23));
  switch (change?.$case) {
    case 'snapshot':
      return membersText(output, change.value);
    case 'member': {
      const { member, before } = change.value;
      if (member === undefined) return time;
      const was = before === MemberState.MEMBER_STATE_UNSPECIFIED ? '' : output.colors.dim(`${stateName(before)} → `);
      const why = member.reason === '' ? '' : output.colors.dim(`  ${oneLine(member.reason, 300)}`);
      return `${time}  ${member.name.padEnd(12)} ${was}${coloured(output, member.state)}  ${member.address}${why}`;
    }
    case 'partition': {
      const { before, now, reachable, total } = change.value;
      return `${time}  ${'cluster'.padEnd(12)} ${output.colors.dim(`${partitionName(before)} → `)}${partitionName(now)}  ${reachable} of ${total} in reach`;
    }
    case undefined:
      return time;
  }
}

export function membersText(output: Output, members: ClusterMembers): string {
  const { cluster, nodeName, reachable, total, localHealth, partition } = members;
  const columns: Column[] = [
    { title: 'name', width: 16 },
    { title: 'state', width: 10 },
    { title: 'for', width: 9, right: true },
    { title: 'address' },
    { title: 'zone', width: 12 },
    { title: 'load', width: 7, right: true },
    { title: 'boot', width: 8, right: true },
    { title: 'copies', width: 9 },
  ];
  const rows = members.members.map((member) => [
    `${member.name}${member.self ? ' *' : ''}`,
    coloured(output, member.state),
    duration(member.inStateMs),
    member.address || '-',
    member.zone || '-',
    `${member.loadPercent} %`,
    `${member.boot}.${member.refutation}`,
    member.removed ? output.colors.dim('removed') : member.committed ? 'yes' : 'no',
  ]);
  const reasons = members.members
    .filter(({ reason }) => reason !== '')
    .map(({ name, reason }) => `\n${name}: ${output.colors.dim(oneLine(reason, 400))}`);
  const health = localHealth === 0 ? '' : output.colors.yellow(`, local health ${localHealth}`);
  const head = `cluster ${cluster} as ${nodeName} sees it: ${reachable} of ${total} in reach, ${partitionName(partition)}${health}`;
  return `${head}\n${output.table(columns, rows)}${reasons.join('')}`;
}

export interface MatrixCell {
  readonly from: ClusterMember;
  readonly to: ClusterMember;
  readonly state: LinkState;
}

export function linkName(state: LinkState): string {
  return state === LinkState.LINK_STATE_UNSPECIFIED ? 'unknown' : LinkState[state].toLowerCase();
}

/** Who sends stands at the left, who hears at the top. */
export function matrixText(output: Output, members: readonly ClusterMember[], cells: readonly MatrixCell[]): string {
  const { colors } = output;
  const signs = { works: colors.green('✓'), broken: colors.red('✗'), unknown: colors.dim('·') } as const;
  const width = Math.max(4, ...members.map(({ name }) => name.length)) + 2;
  const cut = (name: string): string => (name.length > 12 ? `${name.slice(0, 11)}…` : name);
  const head = ''.padEnd(width) + members.map(({ name }) => cut(name).padEnd(13)).join('');
  const lines = members.map((from) => {
    const row = members.map((to) => {
      if (from.nodeId === to.nodeId) return ' '.padEnd(13);
      const cell = cells.find((each) => each.from.nodeId === from.nodeId && each.to.nodeId === to.nodeId);
      const name = linkName(cell?.state ?? LinkState.LINK_STATE_UNSPECIFIED) as keyof typeof signs;
      return signs[name] + ' '.repeat(12);
    });
    return from.name.padEnd(width) + row.join('');
  });
  const key = colors.dim(
    `from left to top; ${signs.works} heard of late, ${signs.broken} expected and not heard, ${signs.unknown} not known`,
  );
  return `${head}\n${lines.join('\n')}\n${key}`;
}

function coloured({ colors }: Output, state: MemberState): string {
  const name = stateName(state);
  if (state === MemberState.ALIVE) return colors.green(name);
  return state === MemberState.SUSPECT ? colors.yellow(name) : state === MemberState.DEAD ? colors.red(name) : colors.dim(name);
}

function duration(ms: number): string {
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`;
  return `${Math.floor(ms / 3_600_000)} h`;
}
