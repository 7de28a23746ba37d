/**
 * Module loader hook: rewrites the source of one module while it is loaded. Registered before the TypeScript loader, so that it stands beneath it in the
 * chain and hands it the changed TypeScript.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

let plant;

export function initialize(data) {
  plant = data;
}

export async function load(url, context, nextLoad) {
  if (plant === undefined || url.split('?')[0] !== plant.url) return nextLoad(url, context);
  const source = await readFile(fileURLToPath(plant.url), 'utf8');
  const pieces = source.split(plant.find);
  if (pieces.length !== 2)
    throw new Error(`planted bug ${plant.name}: its text occurs ${pieces.length - 1} times in ${plant.url}, not once`);
  return { format: 'module', source: pieces.join(plant.replace), shortCircuit: true };
}
