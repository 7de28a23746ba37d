/** Domain events as log lines on standard error: the only source of logs. */
import { type Logger, pino } from 'pino';
import type { DomainEvent } from '../../core/domain-events.js';
import { levelOf } from '../node/event-levels.js';

export const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

/** What to hand to `openEngram({ onEvent })`; undefined when nothing is to be logged. */
export function eventLog(level: LogLevel): ((event: DomainEvent) => void) | undefined {
  if (level === 'silent') return undefined;
  const logger: Logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }));
  return (event) => {
    const { kind, ...fields } = event;
    logger[levelOf(event)](fields, kind);
  };
}
