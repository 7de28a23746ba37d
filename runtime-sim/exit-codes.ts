/** Exit codes of engram-sim, and the errors that carry them (SPEC section 7). Of several, the first that applies of 4, 1, 5, 3. */
export const exitCodes = { ok: 0, violation: 1, usage: 2, notConverged: 3, internal: 4, notDeterministic: 5 } as const;

/** Something that the caller has to put right: exit 2. `pending` when it is ours to build first. */
export class UsageError extends Error {
  override readonly name = 'UsageError';

  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

/** The set-up of a run failed: exit 4. */
export class SetupError extends Error {
  override readonly name = 'SetupError';

  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}
