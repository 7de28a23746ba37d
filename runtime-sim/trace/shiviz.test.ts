/** Logs for ShiViz: they fit its expression, and their clocks are vector clocks. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { moments } from '../transcripts/moments.js';
import { runMoment } from '../transcripts/transcript.js';
import { RecordedRun } from './recorded-run.js';
import { type ShivizChoice, shivizExpression, shivizLog } from './shiviz.js';

const shiviz = suite('shiviz');
const run = new RecordedRun();
runMoment(moments[1], run);
const whole: ShivizChoice = { space: null, hosts: [], fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY, pings: false };

interface Entry {
  readonly event: string;
  readonly host: string;
  readonly clock: Readonly<Record<string, number>>;
}

/** As ShiViz reads it. */
function entriesOf(choice: Partial<ShivizChoice> = {}): Entry[] {
  const log = [...shivizLog(run.about, run.events, { ...whole, ...choice })];
  const entries = [...log.join('\n').matchAll(new RegExp(shivizExpression, 'g'))].map(({ groups }) => ({
    event: groups?.event as string,
    host: groups?.host as string,
    clock: JSON.parse(groups?.clock as string),
  }));
  assert.is(entries.length * 2, log.length);
  return entries;
}

shiviz('every host counts its own events, one by one', () => {
  const counts = new Map<string, number>();
  for (const { host, clock } of entriesOf({ hosts: ['n1', 'n2', 'n3', 'c1', 'c2'] })) {
    assert.is(clock[host], (counts.get(host) ?? 0) + 1);
    counts.set(host, clock[host]);
  }
  assert.equal([...counts.keys()].sort(), ['c1', 'c2', 'n1', 'n2', 'n3']);
});

shiviz('who receives knows what the sender knew', () => {
  const entries = entriesOf();
  const received = entries.filter(({ event }) => event.includes('is there: n'));
  assert.ok(received.length > 10);
  for (const { event, clock } of received) {
    const [, sender, what] = /is there: (n\d) (.*)$/.exec(event) as RegExpExecArray;
    const sent = entries.filter((entry) => entry.host === sender && entry.event.endsWith(`: ${what}`));
    const knows = (known: Entry['clock']): boolean => Object.entries(known).every(([host, count]) => (clock[host] ?? 0) >= count);
    assert.ok(
      sent.some((entry) => knows(entry.clock)),
      event,
    );
  }
});

shiviz('has the chosen hosts and the chosen window only', () => {
  assert.equal([...new Set(entriesOf({ hosts: ['n2'] }).map(({ host }) => host))], ['n2']);
  const late = entriesOf({ fromMs: 5_000 });
  assert.ok(late.length > 0 && late.every(({ event }) => Number.parseFloat(event) >= 5_000));
  assert.ok(entriesOf({ pings: true }).length > entriesOf().length);
});

shiviz.run();
