/** What operators ask of the control log: make a cluster, let nodes in and out, choose for all, begin anew. Every refusal says why, and what would help. */
import type { RefusalReason } from '../../core/control/apply-entry.js';
import type { ProposalAnswer } from '../../core/control/control-events.js';
import { type ControlMember, type ControlState, isMade, rowsInOrder } from '../../core/control/control-state.js';
import { acknowledgementLevels, type ClusterSettings, type ControlEntry, partitionPolicies } from '../../core/control/entries.js';
import { EngramError } from '../../core/errors.js';
import type { NodeId } from '../../core/identifiers.js';
import { suggestion } from '../../core/nearest-names.js';
import type {
  AddNodeRequest,
  ChangeSettingsRequest,
  DrainRequest,
  RemoveNodeRequest,
} from '../../core/wire/generated/engram/v1/cluster.js';
import type { PeerIdentity } from '../cluster/peer-hello.js';
import type { ControlInspection } from '../node-host.js';
import { descriptionOf, foundingEntries, refusalOf } from './cluster-keeper.js';
import type { ControlParts } from './control-parts.js';
import { memberNamed, memberOf, refused } from './member-names.js';
import { type Committed, noControlLog, proposalMsMax } from './proposer.js';

const lookEveryMs = 20;
/** Within this time a node that is there has said hello. */
const meetMsMax = 3_000;
/** So long a planned absence waits for others to take over. */
const handOverMsMax = 1_500;
export const replicationFactorMax = 7;

export type Recovered = Extract<ProposalAnswer, { readonly kind: 'recovered' }>;

export class ClusterDesk {
  readonly #options: ControlParts;

  constructor(options: ControlParts) {
    this.#options = options;
  }

  /** Makes a cluster of this node alone. Returns its id. */
  async init(): Promise<string> {
    const { host, own, book, directory, pure, replicationFactor } = this.#options;
    const { state } = this.#control();
    const known = state.clusterId || book.clusterId;
    if (known !== '')
      throw refused(`this node belongs to a cluster already, made with the id ${known}`, 'nothing is to be done: a cluster is made once');
    const other = directory.identities().find(({ clusterId }) => clusterId !== '');
    if (other !== undefined) {
      const hint = `let this node in: engram --server ${other.address} cluster add ${own().name}`;
      throw refused(`${other.name} belongs to a cluster of this name already, ${other.clusterId}`, hint);
    }
    if (own().founder !== '' && book.members.length > 1) {
      const message = `${own().founder}, the first of the configured members, makes the cluster as soon as it has heard all of them`;
      throw refused(
        message,
        `start the members that are missing (${book.missing.join(', ') || 'none'}), or start this node without cluster.members`,
      );
    }
    const answer = await host.propose({ kind: 'found', entries: foundingEntries([own()], { replicationFactor, pure }) });
    if (answer.kind !== 'committed') {
      const why = answer.kind === 'refused' ? answer.why : answer.kind;
      throw refused(`the cluster was not made: ${why}`, 'see engram cluster log: another node may have let this one in at the same moment');
    }
    return this.#control().state.clusterId;
  }

  async add({ name, address }: AddNodeRequest): Promise<Committed & { readonly node: NodeId }> {
    const { state } = this.#made();
    const member = memberOf(state, name);
    if (member !== undefined) throw refused(`${member.name} (${member.id}) is a member already`, 'nothing is to be done');
    const identity = await this.#find(name, address);
    if (identity.clusterId !== '' && identity.clusterId !== state.clusterId) {
      const message = `${identity.name} belongs to another cluster, ${identity.clusterId}`;
      throw refused(message, 'a node has one cluster for life: start it with an empty directory');
    }
    if (!identity.keepsControlLog)
      throw refused(
        `${identity.name} keeps no control log, or has lost it`,
        'start it with cluster.mode = "cluster" and an empty directory',
      );
    const described = descriptionOf(identity);
    const refusal = refusalOf(described, state);
    if (refusal !== null) throw refused(refusal, 'nothing was changed');
    return { ...(await this.#commit({ kind: 'node-added', member: described }, ['already a member'])), node: described.id };
  }

  async #find(name: string, address: string): Promise<PeerIdentity> {
    const { directory, own } = this.#options;
    if (address !== '') return this.#meet(name, address);
    const known = directory.identities();
    const found = known.find((identity) => identity.nodeId === name) ?? known.find((identity) => identity.name === name);
    if (found !== undefined) return found;
    const names = known.map((identity) => identity.name);
    const near = names.length === 0 ? 'this node has heard of no other' : suggestion(name, names);
    const hint = `${near} Else say where it is: engram cluster add ${name} --address host:port. A node whose secret is wrong is not heard (stream.refused in the logs of ${own().name})`;
    throw new EngramError('NOT_FOUND', { message: `no node ${JSON.stringify(name)} is known here`, field: 'name', hint });
  }

  /** A node that nobody has heard of says hello, as every peer does. */
  async #meet(name: string, address: string): Promise<PeerIdentity> {
    const { directory, network, own } = this.#options;
    const forget = directory.invite(name, address);
    try {
      network.redial();
      const untilMs = performance.now() + meetMsMax;
      for (;;) {
        const met = directory.identities().find((identity) => identity.name === name && network.reaches(identity.nodeId));
        if (met !== undefined) return met;
        if (performance.now() > untilMs) break;
        await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
      }
    } finally {
      forget();
    }
    const message = `no node that calls itself ${name}, and knows a secret of the cluster where there is one, has answered at ${address}`;
    const hint = `correct name and address; if both are right, stream.refused in the logs of ${own().name} says what is wrong`;
    throw new EngramError('NOT_FOUND', { message, field: 'address', hint });
  }

  /** Takes a node out: it votes no more, then it is no member. Resolves when both are committed. */
  async remove({ nodeId: name, force }: RemoveNodeRequest): Promise<Committed & { readonly node: NodeId }> {
    const { state } = this.#made();
    const member = memberNamed(state, name);
    if (state.voters.length === 1 && state.voters[0] === member.id) {
      throw refused(
        `${member.name} is the only voter: without it the cluster would be gone`,
        'add another node first, and wait until it votes (engram cluster log)',
      );
    }
    const rows = rowsInOrder(state).filter(({ copies, move }) => copies.includes(member.id) || move?.to === member.id);
    const only = rows.find(({ copies }) => copies.every((copy) => copy === member.id));
    if (only !== undefined)
      throw refused(
        `${member.name} holds the only copy of space ${only.space.replace(/#0$/, '')}`,
        'let other nodes take over its copies first',
      );
    if (rows.length > 0 && !force) {
      const message = `${member.name} holds copies of ${rows.length} ${rows.length === 1 ? 'space' : 'spaces'}`;
      throw refused(
        message,
        'let other nodes take them over first; or, if it is gone for good, use --force: each of these spaces then has one copy less until it is filled up',
      );
    }
    await this.#withoutVote(member);
    const entry: ControlEntry = { kind: 'node-removed', node: member.id, isForced: force };
    return { ...(await this.#commit(entry, ['no member'])), node: member.id };
  }

  /** Who is to leave is taken out of the electorate by the leader, one voter at a time. */
  async #withoutVote({ id, isDraining: _was, since: _since, ...rest }: ControlMember): Promise<void> {
    await this.#commit({ kind: 'node-changed', member: { id, ...rest }, isDraining: true });
    const untilMs = performance.now() + proposalMsMax;
    while (this.#made().state.voters.includes(id)) {
      if (performance.now() > untilMs) {
        const message = `${rest.name} still votes: of those who would vote without it no majority answers`;
        throw new EngramError('UNAVAILABLE', {
          message,
          hint: 'start those that are down (engram cluster log), or first remove one that is gone for good; then try again',
        });
      }
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }

  /** The node gives up what it holds, or need not any more. It stays a member, and votes no more while it does. */
  async drain({ nodeId: name, undo }: DrainRequest): Promise<Committed & { readonly node: NodeId; readonly copies: number }> {
    const { state } = this.#made();
    const { id, isDraining: _was, since: _since, ...rest } = memberNamed(state, name);
    const others = Object.values(state.members).filter((member) => member.id !== id && !member.isDraining);
    if (!undo && others.length === 0)
      throw refused(`there is no other node that could take over what ${rest.name} holds`, 'add another node first');
    const committed = await this.#commit({ kind: 'node-changed', member: { id, ...rest }, isDraining: !undo });
    return { ...committed, node: id, copies: rowsInOrder(this.#made().state).filter(({ copies }) => copies.includes(id)).length };
  }

  async changeSettings({ replicationFactor, partitionPolicy, acknowledgement }: ChangeSettingsRequest): Promise<ClusterSettings> {
    const { state } = this.#made();
    const copies = replicationFactor ?? state.settings.replicationFactor;
    if (copies < 1 || copies > replicationFactorMax)
      throw badSetting('replication_factor', copies, `a whole number from 1 to ${replicationFactorMax}`);
    const settings: ClusterSettings = {
      replicationFactor: copies,
      partitionPolicy: oneOf(partitionPolicies, 'partition_policy', partitionPolicy ?? state.settings.partitionPolicy),
      acknowledgement: oneOf(acknowledgementLevels, 'acknowledgement', acknowledgement ?? state.settings.acknowledgement),
    };
    const isAnother = (['replicationFactor', 'partitionPolicy', 'acknowledgement'] as const).some(
      (key) => settings[key] !== state.settings[key],
    );
    if (isAnother) await this.#commit({ kind: 'settings-changed', settings });
    return settings;
  }

  /** Begins another generation with what this node knows. Returns what that was. */
  async recover(acceptsRisk: boolean): Promise<Recovered> {
    const { host, network } = this.#options;
    const control = host.inspectControl();
    // A damaged node takes no part in the agreement, and may recover all the same.
    const { state } = control?.isDamaged === true ? control : this.#made();
    if (!acceptsRisk) {
      const message = 'whoever is given up may have acknowledged writes and changed the cluster since this node heard of them';
      const hint = 'if a majority of voters is gone for good, say so: engram cluster recover --accept-risk';
      throw new EngramError('INVALID_ARGUMENT', { message, field: 'accept_risk', hint });
    }
    const answer = await host.propose({ kind: 'recover' });
    if (answer.kind !== 'recovered') throw notRecovered(answer, state, this.#options.own().name);
    network.restart();
    return answer;
  }

  /** A planned absence: what this node leads goes to other copies, as far as they can take it. Never rejects. */
  async handOver(): Promise<void> {
    const { host, network, proposer } = this.#options;
    const control = host.inspectControl();
    if (control === null || !isMade(control.state)) return;
    const self = host.nodeId;
    const rows = rowsInOrder(control.state).flatMap(({ space, revision, copies, move }) => {
      const heir = copies.find((copy) => copy !== self && network.reaches(copy));
      if (copies[0] !== self || heir === undefined || move !== null) return [];
      return [{ space, basis: revision, copies: [heir, ...copies.filter((copy) => copy !== heir && copy !== self), self] }];
    });
    // Without an answer this node leaves all the same: the others replace it as one that died.
    if (rows.length > 0) await proposer.submit({ kind: 'rows-assigned', rows }, handOverMsMax).catch(() => {});
  }

  #control(): ControlInspection {
    const control = this.#options.host.inspectControl();
    if (control === null || control.raft === null) throw noControlLog();
    return control;
  }

  #made(): ControlInspection {
    const control = this.#control();
    if (isMade(control.state)) return control;
    const { name } = this.#options.own();
    const hint = `make one of it (engram cluster init), or let it into another (engram cluster add ${name}, asked of a member)`;
    throw refused(`the node ${name} belongs to no cluster`, hint);
  }

  /** Fails when the entry was refused, but for reasons that are as good as success. */
  async #commit(entry: ControlEntry, goodReasons: readonly RefusalReason[] = []): Promise<Committed> {
    const committed = await this.#options.proposer.submit(entry);
    const { outcome } = committed;
    if (outcome.kind === 'refused' && !goodReasons.includes(outcome.why)) {
      throw refused(
        `the control log has refused it: ${outcome.why}`,
        'the cluster has changed meanwhile: look at engram cluster log, and try again',
      );
    }
    return committed;
  }
}

function notRecovered(answer: ProposalAnswer, state: ControlState, self: string): EngramError {
  const why = answer.kind === 'refused' ? answer.why : answer.kind;
  switch (why) {
    case 'nothing to recover': {
      const leader = answer.kind === 'refused' && answer.leader !== null ? (state.members[answer.leader]?.name ?? answer.leader) : 'one';
      const message = `there is nothing to recover: a majority of voters answers to a leader, ${leader}`;
      return refused(message, 'remove nodes that are gone for good with engram cluster remove NODE --force');
    }
    case 'nothing readable':
      return refused(
        `the control log of ${self} is damaged, nothing of it can be read, and no other node has told which members and spaces there are`,
        'recover another node; this one may be removed then, and come back with an empty directory: what it holds is handed over before',
      );
    case 'not a member':
      return refused(`as far as ${self} can tell it is no member of the cluster`, 'recover a node that is one');
    case 'recovery under way':
      return refused('a recovery is under way on this node already', 'wait some seconds, and look at engram cluster log');
    default: {
      const hint = 'look at engram cluster log, which shows the generation, and ask again if it is the old one';
      return new EngramError('UNAVAILABLE', { message: `the recovery has not been settled: ${why}`, hint });
    }
  }
}

function badSetting(field: string, value: unknown, allowed: string): EngramError {
  return new EngramError('INVALID_ARGUMENT', {
    message: `${field} = ${JSON.stringify(value)} is not allowed`,
    field,
    hint: `${field} is ${allowed}`,
  });
}

function oneOf<Value extends string>(allowed: readonly Value[], field: string, value: string): Value {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw badSetting(field, value, `${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1)}`);
  return found;
}
