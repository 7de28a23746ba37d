/** Spaces as operators name them. */
import { EngramError } from '../../core/errors.js';
import { suggestion } from '../../core/nearest-names.js';

/** NOT_FOUND, with the names nearest to the one that was asked for. */
export function spaceUnknown(name: string, known: readonly string[]): EngramError {
  const hint = known.length === 0 ? 'the cluster has no spaces yet: each is made when it is first written to' : suggestion(name, known);
  return new EngramError('NOT_FOUND', { message: `the cluster has no space ${JSON.stringify(name)}`, field: 'space', hint });
}
