import { type Stats, statSync } from 'node:fs';
import type { ConfigStatus } from '../admin/instance-status.ts';
import type { Config, Problem } from '../config/config.ts';
import { loadFile } from '../config/load.ts';
import { isUnchanged, needsRestart, type Succession, succeed } from '../config/succession.ts';
import { CupbearerError } from '../errors.ts';
import { presets } from '../provider/presets.ts';
import { codeOf, nameOf } from '../telemetry/error-facts.ts';
import type { Log, LogFields } from '../telemetry/log.ts';
import type { Clock } from '../token/clock.ts';
import { every, rereadMs } from '../token/every.ts';
import { stateOf } from '../token/file-state.ts';

export interface ReloaderInit {
  /** The name of the configuration file. */
  readonly file: string;
  /** What it held at the start, and what that was read as. */
  readonly text: string;
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  /** Puts a configuration in force, whole or not at all. Throws when it cannot. */
  readonly adopt: (to: Succession, text: string, before: Config) => void;
}

/** Has the configuration file be taken up whenever it changes. Neither function throws. */
export interface Reloader {
  /** What became of the file until now. */
  readonly status: () => ConfigStatus;
  /** Looks at the file every second from now on. */
  watch(): void;
  /** Reads the file again now, and everything that it names. */
  reload(): void;
  close(): void;
}

const lookMs = 1_000;
const mostTold = 20;
const mostAgainMs = 300_000;
const maxBytes = 4 * 1024 * 1024;

/**
 * Takes up the configuration file when it has changed and is valid; any other leaves the one in force as it is. A file
 * that is being written is let be until it has been the same for two looks. One that is refused is tried again after
 * 15, 30, 60 … 300 s: a file that it names may be there by then.
 */
export function createReloader(init: ReloaderInit): Reloader {
  const { file, env, clock, log, adopt } = init;
  let { text, config } = init;
  let loadedAt = clock.wall();
  let reloads = 0;
  let refusals = 0;
  let refused: ConfigStatus['refused'];
  /** Of the file: what tells its states apart, as it was read and as it was seen last. */
  let read: string | undefined;
  let seen: string | undefined;
  /** When a file that was refused is tried again, and how long after its last try. */
  let againMono = Infinity;
  let againMs = rereadMs;
  let isClosed = false;
  let cancel = () => {};

  function refuse(problems: readonly string[], fields: readonly LogFields[], isAgain: boolean): void {
    const known = refused?.problems;
    if (isAgain && known?.join('\n') === problems.slice(0, mostTold).join('\n')) return;
    refusals++;
    refused = { at: new Date(clock.wall()).toISOString(), problems: problems.slice(0, mostTold) };
    const more = problems.length - mostTold;
    for (const one of fields.slice(0, mostTold)) log.error('the configuration is not valid', one);
    log.error('the configuration file is not taken up; the configuration before it serves on', {
      file,
      problems: problems.length,
      ...(more > 0 ? { not_shown: more } : {}),
      what_to_do: 'mend the file; cupbearer check shows every problem',
    });
  }

  /** `isAgain`: the file is the one that was tried before. */
  function take({ isAsked = false, isAgain = false }): void {
    againMs = isAgain ? Math.min(2 * againMs, mostAgainMs) : rereadMs;
    againMono = clock.mono() + againMs;
    const fault = unreadable(file);
    if (fault !== undefined) {
      refuse([`${file}: ${fault}`], [{ file, detail: fault }], isAgain);
      return;
    }
    const found = loadFile(file, { env, presets });
    if (found.text === text && !isAsked) {
      if (refused !== undefined) log.info('the configuration file is as it was again', { file });
      refused = undefined;
      return;
    }
    const { warnings, errors } = sorted(found.problems);
    if (found.config === undefined || found.text === undefined) {
      refuse(errors.map(sentence), errors.map(fieldsOf), isAgain);
      return;
    }
    const fixed = needsRestart(config, found.config);
    if (fixed.length > 0) {
      const problem = `${fixed.join(', ')} cannot change while Cupbearer serves; restart it, or put ${fixed.length > 1 ? 'them' : 'it'} back`;
      refuse([problem], [{ file, keys: fixed.join(', '), detail: problem }], isAgain);
      return;
    }
    for (const problem of warnings) log.warn('a word on the configuration', fieldsOf(problem));
    const to = succeed(config, found.config);
    try {
      adopt(to, found.text, config);
    } catch (error) {
      const why = whyNot(error);
      refuse([why], [{ file, detail: why }], isAgain);
      return;
    }
    ({ config } = to);
    text = found.text;
    refused = undefined;
    if (isUnchanged(to)) {
      log.info('the configuration is as it was', { file });
      return;
    }
    reloads++;
    loadedAt = clock.wall();
    log.info('configuration taken up', { file, ...changesOf(to) });
  }

  async function look(): Promise<void> {
    const state = await stateOf(file);
    const isSettled = state === seen;
    seen = state;
    const isAgain = state === read;
    const isDue = !isAgain || (refused !== undefined && clock.mono() >= againMono);
    if (!isSettled || !isDue || isClosed) return;
    read = state;
    take({ isAgain });
  }

  return {
    status: () => ({
      loaded_at: new Date(loadedAt).toISOString(),
      reloads,
      refusals,
      ...(refused === undefined ? {} : { refused }),
    }),
    watch() {
      cancel = every(clock, lookMs, () => void look());
    },
    reload: () => take({ isAsked: true }),
    close() {
      isClosed = true;
      cancel();
    },
  };
}

function sorted(problems: readonly Problem[]) {
  return {
    warnings: problems.filter(({ level }) => level === 'warning'),
    errors: problems.filter(({ level }) => level === 'error'),
  };
}

function sentence({ file, line, column, path, message }: Problem): string {
  const place = line === 0 ? file : `${file}:${line}:${column}`;
  return `${place}: ${path === '' ? '' : `${path}: `}${message}`;
}

function fieldsOf({ file, line, column, path, message }: Problem): LogFields {
  return {
    file,
    ...(line === 0 ? {} : { line, column }),
    ...(path === '' ? {} : { key: path }),
    detail: message,
  };
}

/** What is another: `credentials_changed: 'realer, acme'`. */
function changesOf(to: Succession): LogFields {
  const fields: Record<string, string | boolean> = {};
  for (const section of ['credentials', 'routes', 'callers'] as const) {
    for (const [how, names] of Object.entries(to[section]) as [string, readonly string[]][]) {
      if (names.length > 0) fields[`${section}_${how}`] = listed(names);
    }
  }
  return to.server ? { ...fields, server_changed: true } : fields;
}

function listed(names: readonly string[]): string {
  const rest = names.length - mostTold;
  return names.slice(0, mostTold).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

function whyNot(error: unknown): string {
  if (error instanceof CupbearerError) return error.message;
  const { path } = error as { path?: unknown };
  return `it cannot be put in force: ${codeOf(error) ?? nameOf(error)}${typeof path === 'string' ? ` ${path}` : ''}`;
}

/** Why it must not be read while we serve: a pipe would hold up everything until somebody writes, a huge file for long. */
function unreadable(path: string): string | undefined {
  let found: Stats;
  try {
    found = statSync(path);
  } catch {
    // Reading it says why.
    return undefined;
  }
  if (found.isDirectory()) return undefined;
  if (!found.isFile()) return 'it is not a regular file; put one in its place, or restart Cupbearer';
  if (found.size > maxBytes)
    return `it is larger than ${maxBytes} bytes; spread its routes over several instances`;
  return undefined;
}
