/** What a call was refused with. */
import assert from 'node:assert/strict';
import { EngramError } from '../index.js';

/** The error that the promise rejects with; the test fails when it resolves, or rejects with anything else. */
export async function errorOf(promise: Promise<unknown>): Promise<EngramError> {
  const error = await promise.then(
    () => null,
    (reason) => reason,
  );
  assert.ok(error instanceof EngramError, String(error));
  return error;
}
