/**
 * `engram demo`: three nodes on this machine, in five acts that each say what they show. Nothing is staged: the nodes are processes of `engram-node`, the
 * crash is a SIGKILL, the figures are those of this run, and what is checked afterwards is checked passage by passage on every node.
 */
import { connectEngram } from '../../client/connect.js';
import type { Engram } from '../../client/engram.js';
import type { EpisodeInput } from '../../client/types.js';
import { count, exitCodes, percent } from '../output.js';
import { progressBar } from '../progress-bar.js';
import { areEqual, type Copy, readCopies } from './copies.js';
import { type Failover, killPrimaryUnderLoad, type NotedAnswer } from './failover.js';
import type { Fleet, FleetNode } from './fleet.js';
import { joinedReasons } from './joined-reasons.js';
import { isAliveAt, isDead, sighting } from './sightings.js';
import { act, heldOut, questionOf, questions, type Stage, showAnswer, standingText } from './stage.js';

const nodesCount = 3;
const spaces = { words: 'passages', model: 'passages-minilm' } as const;
/** Every third passage is kept for the crash. */
const keptForCrash = 3;
const catchUpMsMax = 20_000;

interface ClusterStage extends Stage {
  readonly fleet: Fleet;
}

export async function playCluster(stage: Stage, fleet: Fleet, temporary: boolean): Promise<number> {
  const { output, passages, dataDir } = stage;
  const { bold, green, red } = output.colors;
  const cluster: ClusterStage = { ...stage, fleet };
  const startedAt = performance.now();
  output.say(
    `${bold('Engram')}: ${passages.all.length} passages of real documentation on three nodes, each a process with a disk of its own`,
  );
  const formedMs = await form(cluster);
  const engram = await connectEngram({ servers: fleet.nodes.map(({ address }) => address) });
  try {
    const imported = await importAll(cluster, engram);
    const answers = await ask(cluster, engram);
    const failover = await crash(cluster, engram);
    const restart = await comeBack(cluster, failover);
    const seconds = (performance.now() - startedAt) / 1_000;
    const ok = restart.lost === 0 && restart.equal && restart.moved.seenDead && restart.moved.seenBack && failover.failedWrites === 0;
    const whole = {
      ok,
      seconds: Number(seconds.toFixed(2)),
      nodes: nodesCount,
      formedMs: Math.round(formedMs),
      imported,
      answers,
      failover: failoverReport(failover),
      restart,
      dataDir: temporary ? null : dataDir,
    };
    output.answer(whole, () => {
      const verdict = ok ? green('nothing acknowledged was lost') : red('SOMETHING WAS LOST');
      const end = temporary ? 'Nodes and data are gone again.' : `The data is in ${dataDir}.`;
      return (
        `\n${bold(`Done in ${seconds.toFixed(1)} s:`)} ${count(restart.checked)} acknowledged passages on each of ${nodesCount} nodes, ${verdict}; ` +
        `writes went on ${count(Math.round(failover.firstWriteMs))} ms after the kill. ${end}`
      );
    });
    return ok ? exitCodes.ok : exitCodes.failed;
  } finally {
    await engram.close();
  }
}

async function form(stage: ClusterStage): Promise<number> {
  const { output, fleet } = stage;
  act(
    stage,
    1,
    'A cluster',
    'Three engram-node processes that know names and seeds, and find each other. Every space has a copy on each of them.',
  );
  const startedAt = performance.now();
  await fleet.start(nodesCount);
  const ms = performance.now() - startedAt;
  const columns = [
    { title: 'node', width: 8 },
    { title: 'address', width: 20 },
    { title: 'process', width: 11, right: true },
    { title: 'identity' },
  ];
  const rows = fleet.nodes.map(({ name, address, pid, nodeId }) => [
    output.colors.cyan(name),
    address,
    String(pid),
    output.colors.dim(nodeId),
  ]);
  output.say(output.table(columns, rows));
  output.say(`   all three serve after ${ms.toFixed(0)} ms`);
  return ms;
}

type Episode = EpisodeInput & { readonly id: string; readonly text: string };

function partsOf({ passages }: Stage): { readonly first: readonly Episode[]; readonly rest: readonly Episode[] } {
  const episodes = passages.all.map(({ episode }) => episode);
  return { first: episodes.filter((_, at) => at % keptForCrash !== 0), rest: episodes.filter((_, at) => at % keptForCrash === 0) };
}

async function importAll(stage: ClusterStage, engram: Engram): Promise<object> {
  const { output, passages } = stage;
  act(stage, 2, 'Remember', 'Acknowledged here means: synced to all three disks. Every third passage is kept for the crash in act 4.');
  const result: Record<string, object> = {};
  const run = async (name: string, episodes: readonly Episode[], how: string): Promise<void> => {
    const bar = progressBar(`   ${name}`, episodes.length);
    let done = 0;
    const startedAt = performance.now();
    const options = {
      ack: 'all',
      episodesMax: 64,
      onAcknowledged: (some: readonly unknown[]): void => {
        done += some.length;
        bar.update(done);
      },
    } as const;
    const summary = await engram
      .space(name)
      .rememberBatch(episodes, options)
      .finally(() => bar.stop());
    const ms = performance.now() - startedAt;
    result[name] = { ...summary, ms: Math.round(ms) };
    output.say(
      `   ${output.colors.cyan(name.padEnd(16))} ${count(summary.written)} passages on three disks in ${ms.toFixed(0)} ms, ${how}`,
    );
  };
  await run(spaces.words, partsOf(stage).first, `embedded here by ${engram.embedder?.name} (no model, no network)`);
  const asking = heldOut(passages);
  const kept = passages.all.filter((passage) => passage !== asking);
  const withVectors = kept.map(({ episode, vector }) => ({ ...episode, embedding: vector, embedder: passages.embedder }));
  await run(spaces.model, withVectors, `with their real embeddings (${passages.embedder}, ${passages.dimensions} floats)`);
  return result;
}

async function ask(stage: ClusterStage, engram: Engram): Promise<object[]> {
  act(
    stage,
    3,
    'Recall',
    'Each answer says who gave it and with what standing. Without an agreement on who is primary every term is provisional, and says so.',
  );
  const answers: object[] = [];
  for (const question of questions.slice(0, 3)) {
    const startedAt = performance.now();
    const recalled = await engram.space(spaces.words).recall({ text: question, limit: 3 });
    answers.push(showAnswer(stage, question, recalled, performance.now() - startedAt, standingText(recalled.answeredBy)));
  }
  const passage = heldOut(stage.passages);
  const startedAt = performance.now();
  const cue = { embedding: passage.vector, embedder: stage.passages.embedder, limit: 3 };
  const recalled = await engram.space(spaces.model).recall(cue);
  answers.push(showAnswer(stage, questionOf(passage), recalled, performance.now() - startedAt, standingText(recalled.answeredBy)));
  return answers;
}

async function crash(stage: ClusterStage, engram: Engram): Promise<Failover> {
  const { output, fleet } = stage;
  const { rest } = partsOf(stage);
  act(
    stage,
    4,
    'Crash of a primary',
    `The other ${rest.length} passages are remembered one by one and questions are asked without a pause, while the primary is killed with SIGKILL.`,
  );
  const bar = progressBar('   remembered', rest.length);
  const failover = await killPrimaryUnderLoad({
    space: engram.space(spaces.words),
    episodes: rest,
    questions,
    killAfter: Math.floor(rest.length / 3),
    kill: ({ nodeName }) => fleet.kill(nodeName),
    onAcknowledged: bar.update,
  }).finally(() => bar.stop());
  const { victim, successor, acknowledged, acknowledgedBeforeKill, failedWrites } = failover;
  const { cyan, bold, red } = output.colors;
  output.say(
    `   ${cyan(victim.nodeName)} was killed after ${acknowledgedBeforeKill} acknowledged writes (process ${fleet.node(victim.nodeId).pid})`,
  );
  const took = `${count(Math.round(failover.firstWriteMs))} ms`;
  output.say(
    `   ${cyan(successor.nodeName)} took over: it acknowledged its first write ${bold(took)} after the kill, in a provisional term`,
  );
  const failed = failedWrites === 0 ? 'none failed' : red(`${failedWrites} failed`);
  output.say(
    `   ${acknowledged.length} of ${rest.length} writes acknowledged, ${failed}: what the kill cut off was tried again, each write under its own request id`,
  );
  output.say(`\n   What was recalled meanwhile:`);
  output.say(output.table(phaseColumns, phasesOf(failover).map(phaseRow)));
  return failover;
}

interface Phase {
  readonly name: string;
  readonly answers: readonly NotedAnswer[];
}

function phasesOf({ answers, firstWriteMs }: Failover): readonly Phase[] {
  return [
    { name: 'before the kill', answers: answers.filter(({ afterKillMs }) => afterKillMs === null) },
    { name: 'until its first write', answers: answers.filter(({ afterKillMs }) => afterKillMs !== null && afterKillMs <= firstWriteMs) },
    { name: 'from then on', answers: answers.filter(({ afterKillMs }) => afterKillMs !== null && afterKillMs > firstWriteMs) },
  ];
}

const phaseColumns = [
  { title: 'phase', width: 24 },
  { title: 'answers', width: 9, right: true },
  { title: 'slowest', width: 10, right: true },
  { title: 'confidence', width: 20, right: true },
  { title: 'answered by' },
];

function phaseRow({ name, answers }: Phase): readonly string[] {
  const known = answers.flatMap(({ adjusted }) => (adjusted === null ? [] : [adjusted]));
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const confidence = known.length === 0 ? '-' : percent(least) === percent(most) ? percent(most) : `${percent(least)} to ${percent(most)}`;
  const slowest = answers.length === 0 ? '-' : `${Math.max(...answers.map(({ ms }) => ms)).toFixed(0)} ms`;
  const by = new Map<string, number>();
  for (const { answeredBy } of answers) {
    const { nodeName, role } = answeredBy;
    const label = role === 'primary' ? standingText(answeredBy) : `${nodeName}, ${role}`;
    by.set(label, (by.get(label) ?? 0) + 1);
  }
  const who = [...by].map(([label, times]) => `${count(times)} × ${label}`);
  const reasons = joinedReasons(answers.flatMap(({ reasons: each }) => each)).map((reason) => `(${reason})`);
  return [name, count(answers.length), slowest, confidence, [...who, ...reasons].join('\n')];
}

function failoverReport(failover: Failover): object {
  const { victim, successor, acknowledged, answers } = failover;
  return {
    killed: victim.nodeName,
    newPrimary: successor.nodeName,
    confirmed: successor.confirmed,
    acknowledgedBeforeKill: failover.acknowledgedBeforeKill,
    acknowledged: acknowledged.length,
    failedWrites: failover.failedWrites,
    firstWriteMs: Math.round(failover.firstWriteMs),
    recalls: {
      answered: answers.length,
      failed: failover.failedRecalls,
      slowestMs: Math.round(Math.max(0, ...answers.map(({ ms }) => ms))),
    },
    phases: phasesOf(failover).map(({ name, answers: each }) => ({
      name,
      answers: each.length,
      byReplicas: each.filter(({ answeredBy }) => answeredBy.role === 'replica').length,
      provisional: each.filter(({ answeredBy }) => !answeredBy.confirmed).length,
    })),
  };
}

interface Restart {
  readonly servingMs: number;
  readonly caughtUpMs: number;
  readonly copies: Readonly<Record<string, readonly Copy[]>>;
  readonly equal: boolean;
  /** Acknowledged passages, each looked for on every node. */
  readonly checked: number;
  readonly lost: number;
  /** As another node saw it. */
  readonly moved: { readonly from: string; readonly to: string; readonly seenDead: boolean; readonly seenBack: boolean };
}

async function comeBack(stage: ClusterStage, { victim, acknowledged }: Failover): Promise<Restart> {
  const { output, fleet, passages } = stage;
  const { cyan, green, red, bold } = output.colors;
  act(
    stage,
    5,
    'Return',
    'The killed node is started on the directory that it left, at another address. Then each node is asked alone: for its digest, and for every passage.',
  );
  const witness = fleet.nodes.find(({ nodeId }) => nodeId !== victim.nodeId) as FleetNode;
  const { address: before } = fleet.node(victim.nodeId);
  const death = await sighting(witness, isDead(victim.nodeId));
  const startedAt = performance.now();
  await fleet.restart(victim.nodeName);
  const servingMs = performance.now() - startedAt;
  output.say(`   ${cyan(victim.nodeName)} serves again after ${servingMs.toFixed(0)} ms: its log was read back`);
  const { address } = fleet.node(victim.nodeId);
  const back = await sighting(witness, isAliveAt(victim.nodeId, address));
  const seenDead = death === null ? red('had not noticed that it was dead') : 'held it dead';
  const seenBack = back === null ? red(`has not found it at ${address}`) : `found the same identity at ${address}`;
  output.say(`   ${cyan(witness.name)} ${seenDead}, and ${seenBack} (before: ${before})`);
  const asking = heldOut(passages);
  const kept = passages.all.filter((passage) => passage !== asking).map(({ episode }) => episode);
  const expected = {
    [spaces.words]: textsOf([...partsOf(stage).first, ...partsOf(stage).rest.filter(({ id }) => acknowledged.includes(id))]),
    [spaces.model]: textsOf(kept),
  };
  const copies: Record<string, readonly Copy[]> = {};
  for (const [space, texts] of Object.entries(expected)) {
    copies[space] = await readCopies({ nodes: fleet.nodes, space, expected: texts, equalWithinMs: catchUpMsMax });
  }
  const caughtUpMs = performance.now() - startedAt;
  const columns = [
    { title: 'space', width: 18 },
    { title: 'node', width: 8 },
    { title: 'passages', width: 10, right: true },
    { title: 'digest', width: 20 },
    { title: 'acknowledged and missing, or different' },
  ];
  const rows = Object.entries(copies).flatMap(([space, each]) =>
    each.map(({ name, memories, digest, missing, different }) => [
      space,
      name === victim.nodeName ? bold(name) : name,
      count(memories),
      areEqual(each) ? green(digest) : red(digest),
      missing + different === 0 ? green('none') : red(`${missing} missing, ${different} different`),
    ]),
  );
  output.say(output.table(columns, rows));
  const equal = Object.values(copies).every(areEqual);
  const told = equal ? green('equal digests on all three nodes') : red('the copies differ');
  output.say(`   ${told}, ${caughtUpMs.toFixed(0)} ms after the restart (reading every passage on every node included)`);
  const checked = Object.values(expected).reduce((sum, texts) => sum + texts.size, 0);
  const lost = Object.values(copies)
    .flat()
    .reduce((sum, { missing, different }) => sum + missing + different, 0);
  return {
    servingMs: Math.round(servingMs),
    caughtUpMs: Math.round(caughtUpMs),
    copies,
    equal,
    checked,
    lost,
    moved: { from: before, to: address, seenDead: death !== null, seenBack: back !== null },
  };
}

function textsOf(episodes: readonly Episode[]): ReadonlyMap<string, string> {
  return new Map(episodes.map(({ id, text }) => [id, text]));
}
