/** The divergence ledger of one node in the words of the protocol. */
import { authorBoot, authorNode, spaceGeneration, spaceName, type Term } from '../../core/identifiers.js';
import type { Receipt } from '../../core/replication/receipt.js';
import type { ReceiptPage, ReceiptsAsked } from '../../core/replication/receipts.js';
import type { Receipt as ReceiptMessage, Receipts, ReceiptsRequest } from '../../core/wire/generated/engram/v1/cluster.js';
import type { Epoch } from '../../core/wire/generated/engram/v1/service.js';

/** In one answer. */
export const receiptsInAnswerMax = 1_000;

/** One page of what the node keeps, bounded whatever was asked for. */
export function receiptsPage(
  { space, after, limit }: ReceiptsRequest,
  page: (asked: ReceiptsAsked) => ReceiptPage,
): Pick<Receipts, 'receipts' | 'next' | 'dropped'> {
  const isBounded = limit >= 1 && limit <= receiptsInAnswerMax;
  const found = page({ name: space === '' ? null : space, after, limit: isBounded ? limit : receiptsInAnswerMax });
  return { receipts: found.receipts.map(receiptMessage), next: found.next ?? undefined, dropped: found.dropped };
}

function receiptMessage({ number, space, dot, id, writtenMs, mergedMs, term, supersededBy, fate }: Receipt): ReceiptMessage {
  return {
    ...{ number, space: spaceName(space), spaceGeneration: spaceGeneration(space), memoryId: id, writtenMs, mergedMs, fate },
    writtenByNodeId: authorNode(dot.author),
    boot: authorBoot(dot.author).counter,
    sequence: dot.sequence,
    term: epochOf(term),
    supersededBy: epochOf(supersededBy),
  };
}

function epochOf({ generation, index, counter }: Term): Epoch {
  return { generation, index, provisionalCounter: counter };
}
