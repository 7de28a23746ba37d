/**
 * Assertions for bugs. Whatever a user, a peer or a disk can do is never an invariant: those are results and errors.
 */

/** Thrown when the program contradicts itself; the process stops, the disk stays as it is. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/** Stops with `claim` when `condition` does not hold. The claim is a sentence that is true of a correct program. */
export function invariant(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new InvariantViolation(`this must hold and does not: ${claim}`);
}

/** The default branch of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new InvariantViolation(`no such case: ${JSON.stringify(value)}`);
}
