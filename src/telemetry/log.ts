import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';
import { batched } from './batch.ts';
import { type ExchangeLine, exchangeWriter } from './exchange-json.ts';
import { prettyLines } from './pretty.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Plain values only: an object, an Error or a Secret cannot get into a line. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  exchange(line: ExchangeLine): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** Writes out what is buffered. */
  flush(): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** Compact lines for a person instead of JSON. */
  readonly pretty?: boolean;
  /** Where lines go; default: standard output, buffered for at most a second. */
  readonly stream?: DestinationStream;
}

const batchChars = 32 * 1024;
// Lines beyond this are dropped while nobody reads: a blocked pipe must not fill the memory.
const maxHeldBytes = 16 * 1024 * 1024;
const flushEveryMs = 1_000;

/** One JSON line an event (or a compact one on a terminal); failing to write never stops proxying. */
export function createLog({ level, pretty = false, stream }: LogOptions): Log {
  const { lines, flush } =
    stream !== undefined ? direct(stream) : pretty ? direct(standardOutput(true)) : buffered();
  const sink = pretty ? prettyLines(lines) : lines;
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );
  const exchangeJson = exchangeWriter();
  return {
    // The one line on the way of every request is written without pino, which takes three times as long for it.
    exchange(line) {
      const level = line.error === 'internal' ? 'error' : 'info';
      if (logger.isLevelEnabled(level)) sink.write(exchangeJson(line, level));
    },
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    debug: (message, fields = {}) => logger.debug(fields, message),
    flush,
  };
}

function standardOutput(sync: boolean) {
  const output = destination({ fd: 1, sync, maxWrite: 4 * batchChars, maxLength: maxHeldBytes });
  // The reader is gone; there is nowhere left to say so.
  output.on('error', () => {});
  return output;
}

function direct(lines: DestinationStream): { lines: DestinationStream; flush: () => void } {
  return { lines, flush() {} };
}

function buffered(): { lines: DestinationStream; flush: () => void } {
  const output = standardOutput(false);
  const batch = batched(output, batchChars);
  setInterval(batch.flush, flushEveryMs).unref();
  return {
    lines: batch,
    flush() {
      batch.flush();
      try {
        output.flushSync();
      } catch {
        // As above.
      }
    },
  };
}
