/** Events as log lines on standard error: the only source of logs. One object of JSON per line, or one readable line. */
import { type Logger, pino } from 'pino';
import type { NodeSettings } from '../config/settings.js';
import { levelOf } from './event-levels.js';
import type { NodeEvent } from './runtime-events.js';

/** Tells events as they come; errors that stop the program come through `failed`. */
export interface NodeLog {
  tell(event: NodeEvent): void;
  failed(error: { readonly code: string; readonly message: string; readonly hint: string }): void;
}

export function openNodeLog({ log, node }: Pick<NodeSettings, 'log' | 'node'>): NodeLog {
  // Written at once: what was told before a crash or a kill is there.
  const target =
    log.format === 'json'
      ? pino.destination({ dest: 2, sync: true })
      : { write: (line: string) => void process.stderr.write(readable(line)) };
  const logger: Logger = pino(
    {
      level: log.level,
      base: { name: node.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    target,
  );
  return {
    tell: (event) => {
      const { kind, ...fields } = event;
      logger[levelOf(event)](fields, kind);
    },
    failed: ({ code, message, hint }) => logger.fatal({ code, hint }, message),
  };
}

/** `12:30:01.123 warn  n1 stream.closed member=n2 reason="…"`. */
function readable(line: string): string {
  const { time, level, name, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const details = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value)}`,
  );
  return `${String(time).slice(11, 23)} ${String(level).padEnd(5)} ${name} ${msg}${details.join('')}\n`;
}
