/** Domain events as log lines on standard error: the only source of logs. */
import { type Level, type Logger, pino } from 'pino';
import type { DomainEvent } from '../../core/domain-events.js';

export const logLevels = ['silent', 'error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

const levels: Partial<Record<DomainEvent['kind'], Level>> = {
  'node.halted': 'error',
  'log.damage-found': 'error',
  'hole.found': 'error',
  'record.damaged': 'error',
  'checkpoint.unreadable': 'warn',
  'storage.full': 'warn',
  'log.tail-cut': 'warn',
  'clock.jumped-back': 'warn',
  'node.started': 'info',
  'node.identity-made': 'info',
  'storage.space-returned': 'info',
  'conflict.resolved': 'info',
};

/** What to hand to `openEngram({ onEvent })`; undefined when nothing is to be logged. */
export function eventLog(level: LogLevel): ((event: DomainEvent) => void) | undefined {
  if (level === 'silent') return undefined;
  const logger: Logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }));
  return (event) => {
    const { kind, ...fields } = event;
    logger[levels[kind] ?? 'debug'](fields, kind);
  };
}
