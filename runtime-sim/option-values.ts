/** What may stand behind an option of engram-sim: each value is checked where it is read, and what is wrong with it said in words. */
import { type Command, InvalidArgumentError } from 'commander';
import { suggestion } from '../core/nearest-names.js';
import { isScenarioName, scenarioOf } from '../scenarios/catalogue.js';
import { type Scenario, type ScenarioName, scenarioNames } from '../scenarios/scenario.js';
import { UsageError } from './exit-codes.js';

/** Where seed files go unless the caller says otherwise. */
export const seedFolderDefault = 'engram-sim-failures';
const durationSecondsMax = 86_400;

/** Reader of a whole number within bounds, both included. It throws InvalidArgumentError, to which commander adds the option's name. */
export function wholeNumber({ min, max }: { readonly min: number; readonly max: number }): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** A seed: 0 to 2^53 - 1. */
export const seedArgument = wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER });

/** Seconds under load, in milliseconds. */
export function durationArgument(text: string): number {
  const seconds = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || seconds < 1 || seconds > durationSecondsMax) {
    throw new InvalidArgumentError(`It must be a number of seconds from 1 to ${durationSecondsMax}.`);
  }
  return Math.round(seconds * 1_000);
}

/** The name, if it is one. Throws UsageError with the nearest names. */
export function scenarioName(name: string): ScenarioName {
  if (!isScenarioName(name)) throw new UsageError(`there is no scenario ${JSON.stringify(name)}`, suggestion(name, scenarioNames));
  return name;
}

/** The scenario of that name. Throws UsageError when there is none, or when it is pending. */
export function builtScenario(name: string): Scenario {
  const scenario = scenarioOf(scenarioName(name));
  if (scenario === null) throw new UsageError(`pending: the scenario ${name} is not built yet`, 'engram-sim list says which are');
  return scenario;
}

/** Whether the caller wants one JSON object: `--json` may stand before the subcommand too. */
export function wantsJsonObject(command: Command): boolean {
  return command.opts().json === true || command.parent?.opts().json === true;
}
