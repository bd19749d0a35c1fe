import { type DestinationStream, pino, stdTimeFunctions } from 'pino';
import { backgroundWriter } from './background-writer.ts';
import { batched } from './batch.ts';
import { type ExchangeLine, exchangeWriter } from './exchange-json.ts';
import { prettyLines } from './pretty.ts';
import { printableJson } from './printable.ts';
import type { Scrubber } from './scrubber.ts';

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
  /** Writes lines that another process of ours has made, as they are. */
  relay(lines: string): void;
  /** Writes out what is buffered. Resolves when it is out, or when nobody has read it for 2 s. Never rejects. */
  flush(): Promise<void>;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** Compact lines for a person instead of JSON. */
  readonly pretty?: boolean;
  /** Where lines go; default: standard output, buffered for at most a second. */
  readonly stream?: DestinationStream;
  /** What takes secrets out of every text that is logged. */
  readonly scrubber?: Pick<Scrubber, 'scrub'>;
}

const standardOutput = 1;
const batchChars = 32 * 1024;
// Lines beyond this are dropped while nobody reads: a blocked pipe must not fill the memory.
const maxHeldChars = 16 * 1024 * 1024;
const flushEveryMs = 1_000;
const unreadMs = 2_000;

/**
 * One JSON line an event (or a compact one on a terminal), without control characters; failing to write never stops
 * proxying.
 */
export function createLog({ level, pretty = false, stream, scrubber }: LogOptions): Log {
  const { lines, flush } = stream !== undefined ? direct(stream) : pretty ? terminal() : buffered();
  const sink = pretty ? prettyLines(lines) : lines;
  const clean = (text: string) => scrubber?.scrub(text) ?? text;
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => sink.write(printableJson(line)) },
  );
  const exchangeJson = exchangeWriter(clean);
  const write =
    (method: 'info' | 'warn' | 'error' | 'debug') =>
    (message: string, fields: LogFields = {}) => {
      if (logger.isLevelEnabled(method)) logger[method](cleaned(fields, clean), clean(message));
    };
  return {
    // The one line on the way of every request is written without pino, which takes three times as long for it.
    exchange(line) {
      const level = line.error === 'internal' ? 'error' : 'info';
      if (logger.isLevelEnabled(level)) sink.write(exchangeJson(line, level));
    },
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    debug: write('debug'),
    relay: (text) => void lines.write(text),
    flush,
  };
}

function cleaned(fields: LogFields, clean: (text: string) => string): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? clean(value) : value]),
  );
}

type Lines = Pick<Log, 'flush'> & { readonly lines: DestinationStream };

function direct(lines: DestinationStream): Lines {
  return { lines, async flush() {} };
}

/** Written at once, but nobody waits: a person may have stopped the terminal. */
function terminal(): Lines {
  const lines = backgroundWriter(standardOutput, maxHeldChars);
  return { lines, flush: () => lines.drained(unreadMs) };
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
