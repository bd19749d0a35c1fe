import { type DestinationStream, pino, stdTimeFunctions } from 'pino';
import { backgroundWriter } from './background-writer.ts';
import { batched } from './batch.ts';
import { ecsHead, ecsLine } from './ecs.ts';
import { ecsForm, plainForm } from './exchange-form.ts';
import { exchangeWriter } from './exchange-json.ts';
import type { ExchangeLine } from './exchange-line.ts';
import { prettyLines } from './pretty.ts';
import { printableJson } from './printable.ts';
import type { Scrubber } from './scrubber.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export const logFormats = ['json', 'ecs', 'pretty'] as const;
/** JSON with our own names or those of the Elastic Common Schema, or compact lines for a person. */
export type LogFormat = (typeof logFormats)[number];

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

/** How to log: what a command was told. Plain data. */
export interface LogSettings {
  readonly level: LogLevel;
  /** Default: json. */
  readonly format: LogFormat;
  /** Whether pretty lines have colours. */
  readonly colour: boolean;
  /** Who logs, in the format ecs. */
  readonly service: string;
  /** The share of ordinary exchanges that are logged, 0 to 1. */
  readonly sampleRate: number;
}

export interface LogOptions
  extends Pick<LogSettings, 'level'>,
    Partial<Pick<LogSettings, 'format' | 'colour' | 'service'>> {
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
export function createLog(options: LogOptions): Log {
  const { level, format = 'json', colour = false, service = 'cupbearer', stream, scrubber } = options;
  const isPretty = format === 'pretty';
  const { lines, flush } = stream !== undefined ? direct(stream) : isPretty ? terminal() : buffered();
  const sink = isPretty ? prettyLines(lines, { colour }) : lines;
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
  const exchangeJson = exchangeWriter(clean, format === 'ecs' ? ecsForm(service) : plainForm);
  const write =
    (method: 'info' | 'warn' | 'error' | 'debug') =>
    (message: string, fields: LogFields = {}) => {
      if (!logger.isLevelEnabled(method)) return;
      const told = cleaned(fields, clean);
      if (format === 'ecs') {
        const head = ecsHead(method, new Date().toISOString(), clean(message), service);
        sink.write(`${printableJson(ecsLine(head, told))}\n`);
      } else logger[method](told, clean(message));
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
