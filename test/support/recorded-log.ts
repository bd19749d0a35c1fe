import { createLog, type Log, type LogOptions } from '../../src/telemetry/log.ts';

/** A log from level info on, and the lines it has written. */
export function recordedLog(options: Partial<LogOptions> = {}): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line) };
  return { log: createLog({ level: 'info', stream, ...options }), lines };
}
