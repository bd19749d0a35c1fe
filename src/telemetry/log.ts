import { type DestinationStream, destination, pino, stdTimeFunctions } from 'pino';
import { backgroundWriter } from './background-writer.ts';
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
  /** Writes out what is buffered. Resolves when it is out, or when nobody has read it for 2 s. Never rejects. */
  flush(): Promise<void>;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** Compact lines for a person instead of JSON. */
  readonly pretty?: boolean;
  /** Where lines go; default: standard output, buffered for at most a second. */
  readonly stream?: DestinationStream;
}

const standardOutput = 1;
const batchChars = 32 * 1024;
// Lines beyond this are dropped while nobody reads: a blocked pipe must not fill the memory.
const maxHeldChars = 16 * 1024 * 1024;
const flushEveryMs = 1_000;
const unreadMs = 2_000;

/** One JSON line an event (or a compact one on a terminal); failing to write never stops proxying. */
export function createLog({ level, pretty = false, stream }: LogOptions): Log {
  const { lines, flush } = stream !== undefined ? direct(stream) : pretty ? direct(terminal()) : buffered();
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

function terminal(): DestinationStream {
  const output = destination({ fd: standardOutput, sync: true });
  // The reader is gone; there is nowhere left to say so.
  output.on('error', () => {});
  return output;
}

type Lines = Pick<Log, 'flush'> & { readonly lines: DestinationStream };

function direct(lines: DestinationStream): Lines {
  return { lines, async flush() {} };
}

function buffered(): Lines {
  const output = backgroundWriter(standardOutput, maxHeldChars);
  const batch = batched(output, batchChars);
  setInterval(batch.flush, flushEveryMs).unref();
  return {
    lines: batch,
    flush() {
      batch.flush();
      return output.drained(unreadMs);
    },
  };
}
