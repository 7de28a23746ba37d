/** Joins the results of campaigns over disjoint seeds, as from many machines, into one directory with one report: a campaign like any other. */
import { copyFileSync, existsSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { UsageError } from '../exit-codes.js';
import { CampaignFolder, type CampaignIdentity, readIdentity, readRuns, writeIdentity } from './campaign-folder.js';
import { type CampaignOptions, joinedRanges, optionsDifference, rangeText, type SeedRange } from './campaign-options.js';
import type { CampaignState } from './report.js';
import { writeReports } from './run-campaign.js';
import type { RunRecord } from './run-record.js';
import { Tally } from './tally.js';

interface Part {
  readonly folder: string;
  readonly identity: CampaignIdentity;
}

export function mergeCampaigns(
  folders: readonly string[],
  out: string,
): { readonly state: CampaignState; readonly report: string; readonly html: string } {
  const parts = folders.map((folder): Part => ({ folder, identity: readIdentity(folder) }));
  const { code } = parts[0].identity;
  const options = joinedOptions(parts);
  const tally = new Tally(options);
  if (folders.some((folder) => relative(folder, out) === ''))
    throw new UsageError(`--out ${out} is one of the parts`, 'give another --out');
  const { folder: merged } = CampaignFolder.open(out, { code, options }, (_, place) => {
    throw new UsageError(`${place}: ${out} has results of its own`, 'give an empty --out');
  });
  try {
    for (const part of parts) {
      readRuns(part.folder, (record, place) => {
        if (!tally.lacks(record.scenario, record.seed)) {
          throw new UsageError(
            `${place}: ${record.scenario} ${record.seed} is there twice, or no part of its campaign`,
            'run that part anew',
          );
        }
        const kept = { ...record, seedFile: broughtAlong(record, part.folder, out) };
        merged.append(kept);
        tally.add(kept);
      });
    }
  } finally {
    merged.close();
  }
  // Parts run side by side: the longest is what was waited for.
  const wallMs = Math.max(...parts.map(({ identity }) => identity.wallMs));
  writeIdentity(out, { code, options, wallMs });
  const state: CampaignState = { options, code, pending: [], tally, errors: [], wallMs };
  return { state, ...writeReports(out, state) };
}

function joinedOptions(parts: readonly Part[]): CampaignOptions {
  const [first, ...others] = parts;
  for (const { folder, identity } of others) {
    if (identity.code !== first.identity.code) {
      throw new UsageError(
        `${folder} ran code ${identity.code}, ${first.folder} ran ${first.identity.code}`,
        'merge campaigns of one commit',
      );
    }
    const difference = optionsDifference(first.identity.options, identity.options);
    if (difference !== null)
      throw new UsageError(`${first.folder} and ${folder} differ in ${difference}`, 'merge campaigns of the same options');
  }
  const ranges = joinedRanges(parts.flatMap(({ identity }) => identity.options.seeds));
  if ('overlap' in ranges) throw overlapError(parts, ranges.overlap);
  return { ...first.identity.options, seeds: ranges.joined };
}

function overlapError(parts: readonly Part[], [one, other]: readonly [SeedRange, SeedRange]): UsageError {
  const holding = (range: SeedRange): string[] =>
    parts.filter(({ identity }) => identity.options.seeds.includes(range)).map(({ folder }) => folder);
  const places = [...new Set([...holding(one), ...holding(other)])];
  return new UsageError(
    `seeds ${rangeText([one])} and ${rangeText([other])} overlap (${places.join(', ')})`,
    'each seed may be in one campaign only: leave one of them out',
  );
}

/** The seed file of a failure, copied to the others; its path as it was when it is not there to copy. */
function broughtAlong({ seedFile }: RunRecord, from: string, to: string): string | null {
  if (seedFile === null) return null;
  const source = [join(from, basename(seedFile)), seedFile].find((path) => existsSync(path));
  if (source === undefined) return seedFile;
  const target = join(to, basename(seedFile));
  copyFileSync(source, target);
  return target;
}
