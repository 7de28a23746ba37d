/** Who answered and with what standing, in one line for people: beside an answer of a cluster it says how much that answer is worth. */
import type { Answerer } from '../client/types.js';
import { count, oneLine, plural } from './output.js';

/** The same words as in `answeredBy` of --json, without what goes without saying. */
export function answererText(answerer: Answerer): string {
  const { nodeName, nodeId, role, confirmed, sessionSatisfied } = answerer;
  const parts = [nodeName === '' ? nodeId : oneLine(nodeName, 60)];
  if (role === 'primary') parts.push(confirmed ? 'confirmed primary' : 'provisional primary');
  else parts.push(role === 'replica' ? 'replica' : 'which holds no copy of this space');
  if (role !== 'unknown') parts.push(...lagTexts(answerer));
  if (!sessionSatisfied) parts.push('which may not show what was seen before');
  return parts.join(', ');
}

function lagTexts({ lagMs, lagRecords }: Answerer): readonly string[] {
  const records = lagRecords === 0 ? [] : [`${plural(lagRecords, 'record')} behind`];
  if (lagMs === null) return [...records, 'cannot tell how far it lags'];
  return lagMs === 0 ? records : [...records, `may lag by ${count(lagMs)} ms`];
}
