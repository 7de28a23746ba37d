/** `engram space receipts`: what became of writes that were acknowledged apart from the others, as every member has it in its ledger. */
import type { Command } from 'commander';
import type { Receipt } from '../../../core/wire/generated/engram/v1/cluster.js';
import type { Epoch } from '../../../core/wire/generated/engram/v1/service.js';
import { spaceUnknown } from '../../control/space-names.js';
import { clusterService } from '../../grpc/service-definitions.js';
import { type Column, count, exitCodes, type Output, oneLine, plural } from '../output.js';
import { type GlobalOptions, parse } from '../session.js';
import type { AddClusterCommand } from './control-commands.js';
import { type ClusterKnown, clusterKnown, nameOf } from './control-reports.js';
import { answerMsMax, ask } from './node-questions.js';

/** Rows of the table for people; with --json all are printed. */
const rowsShown = 50;

const help = `
A primary that was cut off, or that crashed with writes which nobody else had, brings them when it comes back: they are merged, never dropped, and each gets a receipt from
the node that took it in as primary. What became of a write, at that moment:
  readable    it is what is read under its id
  alternate   it is kept beside what is read (engram get shows how many there are)
  superseded  another version includes it
  deleted     a forget beat it
  delete      it is a forget itself, and was merged

Examples:
  $ engram --server localhost:50051 space receipts notes
  $ engram --server localhost:50051 --json space receipts notes | jq -c '.receipts[] | select(.fate == "alternate")'
`;

/** A receipt, and whose. */
interface ReceiptKnown {
  readonly receipt: Receipt;
  readonly mergedBy: string;
}

interface LedgerKnown {
  readonly receipts: readonly ReceiptKnown[];
  /** Receipts that are gone, of all spaces, by node. */
  readonly dropped: readonly { readonly name: string; readonly receipts: number }[];
  /** Members that did not answer, by name. */
  readonly silent: readonly string[];
}

export function addSpaceCommands(root: Command, add: AddClusterCommand): void {
  const space = root.command('space').description('one space of a cluster: what became of writes that were made apart');
  add(
    space
      .command('receipts')
      .description('the divergence ledger of all members: each write that came from another term, and what became of it')
      .argument('[space]', 'its name; without one that of --space', parse.space)
      .addHelpText('after', help),
    receipts,
  );
}

async function receipts(servers: readonly string[], output: Output, self: Command): Promise<number> {
  const [name = self.optsWithGlobals<GlobalOptions>().space] = self.processedArgs as [string | undefined];
  const known = await clusterKnown(servers, false);
  const ledger = await ledgerOf(known, name);
  const names = known.best.rows.map((row) => row.space);
  const isKnown =
    ledger.receipts.length > 0 || names.includes(name) || known.reports.some(({ copies }) => copies.some((copy) => copy.space === name));
  if (!isKnown) throw spaceUnknown(name, names);
  output.answer(ledgerJson(known, name, ledger), () => ledgerText(output, known, name, ledger));
  return exitCodes.ok;
}

/** Asks every member that has just answered for all its pages. */
async function ledgerOf({ reports, addresses, silent }: ClusterKnown, space: string): Promise<LedgerKnown> {
  const [found, dropped, unheard]: [ReceiptKnown[], { name: string; receipts: number }[], string[]] = [[], [], [...silent]];
  for (const { nodeId, nodeName } of reports) {
    const address = addresses.get(nodeId);
    const pages = address === undefined ? null : await pagesOf(address, space).catch(() => null);
    if (pages === null) unheard.push(nodeName);
    else {
      found.push(...pages.receipts.map((receipt) => ({ receipt, mergedBy: nodeName })));
      if (pages.dropped > 0) dropped.push({ name: nodeName, receipts: pages.dropped });
    }
  }
  found.sort((left, right) => left.receipt.mergedMs - right.receipt.mergedMs || left.receipt.number - right.receipt.number);
  return { receipts: found, dropped, silent: unheard.sort() };
}

async function pagesOf(address: string, space: string): Promise<{ readonly receipts: readonly Receipt[]; readonly dropped: number }> {
  const all: Receipt[] = [];
  for (let after = 0; ; ) {
    const page = await ask(address, clusterService.getReceipts, { space, after, limit: 0 }, answerMsMax);
    all.push(...page.receipts);
    if (page.next === undefined) return { receipts: all, dropped: page.dropped };
    after = page.next;
  }
}

function ledgerJson({ best }: ClusterKnown, space: string, { receipts: found, dropped, silent }: LedgerKnown): object {
  const all = found.map(({ receipt, mergedBy }) => {
    const { memoryId, writtenByNodeId, boot, sequence, writtenMs, mergedMs, term, supersededBy, fate, spaceGeneration, number } = receipt;
    return {
      ...{ memoryId, fate, writtenBy: nameOf(best, writtenByNodeId), writtenByNodeId, boot, sequence },
      ...{ writtenAt: new Date(writtenMs).toISOString(), term: term ?? null, provisional: (term?.provisionalCounter ?? 0) !== 0 },
      ...{ mergedBy, mergedAt: new Date(mergedMs).toISOString(), supersededBy: supersededBy ?? null, spaceGeneration, number },
    };
  });
  return { space, receipts: all, dropped, silent };
}

function ledgerText(output: Output, { best }: ClusterKnown, space: string, { receipts: found, dropped, silent }: LedgerKnown): string {
  const gone = dropped.map(({ name, receipts: left }) => `${name} has given up ${count(left)} older ones, of all spaces`);
  const unheard = silent.length === 0 ? [] : [`no answer from ${silent.join(', ')}: what they have merged is not among them`];
  const notes = [...gone, ...unheard].map((line) => `\n${output.colors.yellow(line)}`).join('');
  if (found.length === 0) return `space ${space}: no write came from another term${notes}`;
  const columns: Column[] = [
    { title: 'merged', width: 22 },
    { title: 'by', width: 10 },
    { title: 'memory', wraps: true },
    { title: 'fate', width: 12 },
    { title: 'written by', width: 18 },
    { title: 'in term', width: 14 },
    { title: 'beside', width: 14 },
  ];
  const time = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
  const rows = found
    .slice(-rowsShown)
    .map(({ receipt: { mergedMs, memoryId, fate, writtenByNodeId, boot, sequence, term, supersededBy }, mergedBy }) => [
      time(mergedMs),
      oneLine(mergedBy, 64),
      oneLine(memoryId, 60),
      fate === 'alternate' ? output.colors.yellow(fate) : fate,
      `${oneLine(nameOf(best, writtenByNodeId), 64)} ${boot}.${sequence}`,
      termText(term),
      termText(supersededBy),
    ]);
  const more = found.length > rowsShown ? `\nthe latest ${rowsShown} are shown (--json prints all)` : '';
  const head = `space ${space}: ${plural(found.length, 'write')} of other terms merged`;
  return `${head}\n${output.table(columns, rows)}${more}${notes}`;
}

/** A confirmed term by its place in the control log; a provisional one by its number. */
function termText(term: Epoch | undefined): string {
  if (term === undefined) return '-';
  return term.provisionalCounter === 0 ? `${term.generation}.${term.index}` : `provisional ${term.provisionalCounter}`;
}
