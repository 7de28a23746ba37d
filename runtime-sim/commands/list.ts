/** engram-sim list: scenarios, rare-state marks and planted bugs, with what is pending. */
import { plantedBugs } from '../../checker/planted-bugs/catalogue.js';
import { catalogue } from '../../scenarios/catalogue.js';
import { marks } from '../../scenarios/marks.js';
import { exitCodes } from '../exit-codes.js';
import { wantsJsonObject } from '../option-values.js';
import type { Subcommand } from './subcommand.js';

export const listCommand: Subcommand = {
  usage: 'list',
  describe(command, choose) {
    command
      .description('scenarios, rare-state marks and planted bugs')
      .option('--json', 'one JSON object on one line of standard output')
      .action(() => {
        const json = wantsJsonObject(command);
        choose({ plant: null, run: async () => listAll(json) });
      });
  },
};

function listAll(json: boolean): number {
  const listed = {
    scenarios: catalogue.map(({ name, scenario }) => ({ name, pending: scenario === null })),
    marks: marks.map(({ name, scenarios, seedsNeeded, pending }) => ({ name, scenarios, seedsNeeded, pending })),
    plants: plantedBugs.map(({ name, scenario, seedsNeeded, pending }) => ({ name, scenario, seedsNeeded, pending })),
  };
  if (json) {
    process.stdout.write(`${JSON.stringify(listed)}\n`);
    return exitCodes.ok;
  }
  const say = (name: string, pending: boolean, more = ''): string => `  ${name}${more}${pending ? '  (pending)' : ''}\n`;
  process.stdout.write('scenarios\n');
  for (const { name, pending } of listed.scenarios) process.stdout.write(say(name, pending));
  process.stdout.write('rare-state marks\n');
  for (const { name, pending, scenarios } of listed.marks) process.stdout.write(say(name, pending, `: ${scenarios.join(', ')}`));
  process.stdout.write('planted bugs\n');
  for (const { name, pending, scenario } of listed.plants) process.stdout.write(say(name, pending, `: ${scenario}`));
  return exitCodes.ok;
}
