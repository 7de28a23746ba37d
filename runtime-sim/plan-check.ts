/**
 * Whether a value read from a file is a plan that a run can be made of: every field there, of its type and within its bounds, and every name one that the
 * plan has. What is wrong is said with the path of the field, so that nothing reaches the simulator that would only break deep inside it.
 */
import { z } from 'zod';
import { defaultMemoryOptions, defaultReplicationOptions, defaultStorageOptions } from '../core/configuration.js';
import { partitionPolicies } from '../core/control/entries.js';
import { defaultRebalancingOptions } from '../core/control/moves/rebalancing-options.js';
import { nearestNames } from '../core/nearest-names.js';
import { nodesMax } from '../scenarios/catalogue.js';
import type { Fault, FaultKind, LinkRates } from '../scenarios/fault-plan.js';
import { planFormat, type RunPlan } from '../scenarios/run-plan.js';
import type { PlannedOperation } from '../scenarios/workload.js';

const dayMs = 86_400_000;
const hourUs = 3_600_000_000;
/** Far more than any scenario draws; a file with more was not made by one. */
const eventsMax = 2_000_000;
/** Endpoints of one network, readers included, must stay below the simulator's 1,024. */
const clientsMax = 800;

const moment = z.number().min(0).max(dayMs);
const latency = z.number().min(0).max(hourUs);
const chance = z.number().min(0).max(1);
const name = z.string().min(1).max(64);
const names = z.array(name).min(1);
const span = z.tuple([latency, latency]).refine(([least, most]) => least <= most, { error: 'the lower end is above the upper one' });

const linkRates = z.strictObject({
  delayUsMin: latency,
  jitterUs: latency,
  slow: chance,
  loss: chance,
  duplicate: chance,
  reorder: chance,
  reorderUs: latency,
  bytesPerUs: z.number().positive(),
  queueBytes: z.number().positive().optional(),
}) satisfies z.ZodType<LinkRates>;

const links = { atMs: moment, from: names, to: names };
const onNode = { atMs: moment, node: name };
const position = z.number().min(0).lt(1);
const bytes = z.int().positive();
const amid = z.literal('write').optional();
const driftPpm = z.number().min(-100_000).max(100_000);
const clockStepMs = z
  .number()
  .min(-100 * 365 * dayMs)
  .max(100 * 365 * dayMs);

/** By kind, so that a kind without a shape does not pass the type check. */
const faults = {
  cutLinks: z.strictObject({ kind: z.literal('cutLinks'), ...links }),
  healLinks: z.strictObject({ kind: z.literal('healLinks'), ...links }),
  setLinkRates: z.strictObject({ kind: z.literal('setLinkRates'), ...links, rates: linkRates.nullable() }),
  clogLinks: z.strictObject({ kind: z.literal('clogLinks'), ...links, untilMs: moment }),
  crash: z.strictObject({ kind: z.literal('crash'), ...onNode, amid }),
  restart: z.strictObject({ kind: z.literal('restart'), ...onNode, moved: z.literal(true).optional() }),
  leave: z.strictObject({ kind: z.literal('leave'), ...onNode }),
  kill: z.strictObject({ kind: z.literal('kill'), ...onNode, amid }),
  clockJump: z.strictObject({ kind: z.literal('clockJump'), ...onNode, byMs: clockStepMs }),
  clockDrift: z.strictObject({ kind: z.literal('clockDrift'), ...onNode, ppm: driftPpm }),
  diskBitRot: z.strictObject({ kind: z.literal('diskBitRot'), ...onNode, position, bytes, beyond: z.literal(true).optional() }),
  diskLostWrite: z.strictObject({ kind: z.literal('diskLostWrite'), ...onNode, position }),
  diskMisdirectedWrite: z.strictObject({ kind: z.literal('diskMisdirectedWrite'), ...onNode, position, toPosition: position }),
  diskBadSectors: z.strictObject({ kind: z.literal('diskBadSectors'), ...onNode, position, untilMs: moment.nullable() }),
  diskCheckpointRot: z.strictObject({ kind: z.literal('diskCheckpointRot'), ...onNode, position, bytes }),
  destroyDisk: z.strictObject({ kind: z.literal('destroyDisk'), ...onNode }),
  diskStall: z.strictObject({ kind: z.literal('diskStall'), ...onNode, untilMs: moment }),
  diskError: z.strictObject({ kind: z.literal('diskError'), ...onNode, operation: z.enum(['read', 'write', 'sync']), untilMs: moment }),
  diskCapacity: z.strictObject({ kind: z.literal('diskCapacity'), ...onNode, bytes: z.int().min(0).nullable() }),
} satisfies { readonly [Kind in FaultKind]: z.ZodType<Extract<Fault, { kind: Kind }>> };
const [firstFault, ...otherFaults] = Object.values(faults);
const fault = z.discriminatedUnion('kind', [firstFault, ...otherFaults]);

const operation = z.strictObject({
  atMs: moment,
  client: name,
  kind: z.enum(['remember', 'update', 'forget', 'get', 'recall']),
  space: name,
  id: name,
  value: z.string().max(64).optional(),
  confidence: chance.optional(),
  paddingBytes: z
    .int()
    .min(0)
    .max(2 ** 20)
    .optional(),
  embedded: z.literal(true).optional(),
  limit: z.int().min(1).max(1_000).optional(),
  ack: z.enum(['local', 'one', 'quorum', 'all']),
  withContext: z.boolean().optional(),
  withSession: z.boolean().optional(),
}) satisfies z.ZodType<PlannedOperation>;

/** Any of the options that the core has, and no other. */
function optionsLike<Options extends object>(defaults: Options): z.ZodType<Partial<Options>> {
  const known = Object.entries(defaults).map(([option, value]) => [
    option,
    (typeof value === 'boolean' ? z.boolean() : z.number().min(0)).optional(),
  ]);
  return z.strictObject(Object.fromEntries(known)) as unknown as z.ZodType<Partial<Options>>;
}

const shape = z.strictObject({
  format: z.literal(planFormat),
  nodes: names.max(nodesMax),
  clients: names.max(clientsMax),
  durationMs: moment,
  rows: z.array(z.strictObject({ space: name, copies: names })).min(1),
  configuration: z.strictObject({
    storage: optionsLike(defaultStorageOptions),
    memory: optionsLike(defaultMemoryOptions),
    replication: optionsLike(defaultReplicationOptions),
    membership: z
      .strictObject({
        pushPullIntervalMs: z.number().positive().optional(),
        gossipIntervalMs: z.number().positive().optional(),
        confirmingProbes: z.int().min(0).optional(),
      })
      .optional(),
    controlLog: z
      .strictObject({
        partitionPolicy: z.enum(partitionPolicies),
        snapshotEveryEntries: z.int().positive(),
        rebalancing: optionsLike(defaultRebalancingOptions).optional(),
        changes: z
          .array(z.strictObject({ kind: z.enum(['join', 'drain', 'remove', 'expel', 'hold', 'apply']), atMs: moment, node: name }))
          .optional(),
      })
      .optional(),
  }),
  background: linkRates,
  disk: z.strictObject({ writeUs: span, syncUs: span, readUs: span, slow: chance }),
  clocks: z.array(z.strictObject({ node: name, offsetMs: clockStepMs, driftPpm })),
  seeds: names.optional(),
  restartAfterMs: moment,
  faults: z.array(fault).max(eventsMax),
  splits: z.array(
    z.strictObject({
      fromMs: moment,
      untilMs: moment,
      sides: z.array(z.strictObject({ nodes: z.array(name), clients: z.array(name) })),
    }),
  ),
  liveness: z.strictObject({ majority: names, rest: z.enum(['cut', 'deaf', 'mute', 'down']) }),
  families: z.array(name),
  acknowledgementsPerSideMin: z.int().min(0),
  operations: z.array(operation).max(eventsMax),
}) satisfies z.ZodType<RunPlan>;

/** What is wrong with a plan, the path of the field first; null when nothing is. */
export function planProblem(value: unknown): string | null {
  const checked = shape.safeParse(value);
  if (checked.success) return misnamed(checked.data);
  const [{ path, message }] = checked.error.issues;
  return `${pathText(path)}: ${message}`;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, step) => (typeof step === 'number' ? `${text}[${step}]` : `${text}.${String(step)}`), 'plan');
}

/** The first name that nothing in the plan bears, or that two bear. */
function misnamed(plan: RunPlan): string | null {
  const spaces = plan.rows.map(({ space }) => space);
  const participants = [...plan.nodes, ...plan.clients];
  const uses: readonly Use[] = [
    ...uniquely('plan.nodes and plan.clients', participants),
    ...uniquely('plan.rows', spaces),
    ...plan.rows.flatMap(({ copies }, at) => [
      ...uniquely(`plan.rows[${at}].copies`, copies),
      ...each(`plan.rows[${at}].copies`, copies, 'node', plan.nodes),
    ]),
    ...plan.clocks.map(({ node }, at): Use => ({ path: `plan.clocks[${at}].node`, name: node, what: 'node', known: plan.nodes })),
    ...plan.faults.flatMap((fault, at): Use[] =>
      'node' in fault
        ? [{ path: `plan.faults[${at}].node`, name: fault.node, what: 'node', known: plan.nodes }]
        : [
            ...each(`plan.faults[${at}].from`, fault.from, 'node or client', participants),
            ...each(`plan.faults[${at}].to`, fault.to, 'node or client', participants),
          ],
    ),
    ...plan.splits.flatMap(({ sides }, at) =>
      sides.flatMap((side, number) => [
        ...each(`plan.splits[${at}].sides[${number}].nodes`, side.nodes, 'node', plan.nodes),
        ...each(`plan.splits[${at}].sides[${number}].clients`, side.clients, 'client', plan.clients),
      ]),
    ),
    ...each('plan.seeds', plan.seeds ?? [], 'node', plan.nodes),
    ...each('plan.liveness.majority', plan.liveness.majority, 'node', plan.nodes),
    ...plan.operations.flatMap(({ client, space }, at): Use[] => [
      { path: `plan.operations[${at}].client`, name: client, what: 'client', known: plan.clients },
      { path: `plan.operations[${at}].space`, name: space, what: 'space', known: spaces },
    ]),
  ];
  return firstProblem(uses);
}

/** A name where it is used, and the names that there are; `known` null where it stands twice. */
interface Use {
  readonly path: string;
  readonly name: string;
  readonly what: string;
  readonly known: readonly string[] | null;
}

function each(path: string, used: readonly string[], what: string, known: readonly string[]): Use[] {
  return used.map((name, at) => ({ path: `${path}[${at}]`, name, what, known }));
}

function uniquely(path: string, used: readonly string[]): Use[] {
  const twice = used.find((name, at) => used.indexOf(name) !== at);
  return twice === undefined ? [] : [{ path, name: twice, what: 'name', known: null }];
}

function firstProblem(uses: readonly Use[]): string | null {
  const sets = new Map<readonly string[], ReadonlySet<string>>();
  for (const { path, name, what, known } of uses) {
    if (known === null) return `${path}: ${JSON.stringify(name)} stands there twice`;
    const set = sets.get(known) ?? new Set(known);
    sets.set(known, set);
    if (set.has(name)) continue;
    const [near] = nearestNames(name, known);
    return `${path}: the plan has no ${what} ${JSON.stringify(name)}${near === undefined ? '' : ` (nearest: ${near})`}`;
  }
  return null;
}
