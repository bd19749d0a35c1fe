import { nearest } from '../config/suggest.ts';
import { CupbearerError } from '../errors.ts';
import { errorFacts } from '../telemetry/error-facts.ts';
import { type Command, type CommandInput, type ExitCode, parseCommandLine, renderHelp } from './command.ts';
import { renderFacts } from './crash.ts';
import { refuseUnsafe } from './environment.ts';
import { version } from './version.ts';

/** Loaded when asked for, so that each starts with no more than it needs. */
const commands: Readonly<Record<string, { summary: string; load: () => Promise<{ command: Command }> }>> = {
  serve: { summary: 'Serve the routes', load: () => import('./serve.ts') },
  init: { summary: 'Write a first routes.yaml', load: () => import('./init.ts') },
  check: { summary: 'Check the configuration', load: () => import('./check.ts') },
  explain: { summary: 'Say where a request would go', load: () => import('./explain.ts') },
  login: { summary: 'Log in at a provider and store the session', load: () => import('./login.ts') },
  status: { summary: 'Show the state of every credential', load: () => import('./status.ts') },
  token: { summary: 'Print an access token', load: () => import('./token.ts') },
  revoke: { summary: 'Revoke the tokens of a credential', load: () => import('./revoke.ts') },
  schema: { summary: 'Print the JSON Schema of routes.yaml', load: () => import('./schema.ts') },
  completion: { summary: 'Print a completion script for a shell', load: () => import('./completion.ts') },
  demo: { summary: 'Show the proxy at work with simulated vendors', load: () => import('./demo.ts') },
};

/** What the program starts of itself. */
const internal: typeof commands = {
  worker: { summary: 'Serve the routes for a parent', load: () => import('./worker.ts') },
};

/** Where the program reads and writes. */
export type Surroundings = Pick<CommandInput, 'env' | 'out' | 'err' | 'onCrash'>;

/** Runs one command line; gives the exit code and never throws. */
export async function run([name, ...args]: readonly string[], around: Surroundings): Promise<ExitCode> {
  const { out } = around;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    return help(name === undefined ? undefined : args[0], name === undefined, around);
  }
  if (name === '--version' || name === '-v') {
    out(`${version()}\n`);
    return 0;
  }
  if (name === 'candidates') return complete(args, around);
  const known = Object.hasOwn(internal, name) ? internal : commands;
  const entry = Object.hasOwn(known, name) ? known[name] : undefined;
  if (entry === undefined) return unknown(name, around);
  try {
    const { command } = await entry.load();
    const given = parseCommandLine(command, args);
    if (given.options.help === true) {
      out(renderHelp(command));
      return 0;
    }
    if (command.sendsSecrets) refuseUnsafe(around.env);
    return await command.run({ ...given, ...around });
  } catch (error) {
    return report(error, name, around);
  }
}

/** Answers a completion script: `candidates -- WORDS…`, one candidate a line, `:files` where files are wanted. */
async function complete(args: readonly string[], { env, out }: Surroundings): Promise<ExitCode> {
  const { candidates } = await import('./candidates.ts');
  const words = args[0] === '--' ? args.slice(1) : args;
  const found = await candidates(words, commands, env);
  out([...found.words, ...(found.files ? [':files'] : [])].map((line) => `${line}\n`).join(''));
  return 0;
}

function report(error: unknown, name: string, { err }: Surroundings): ExitCode {
  if (!(error instanceof CupbearerError)) {
    err(`cupbearer: unexpected: ${renderFacts(errorFacts(error))}\n`);
    return 1;
  }
  err(`cupbearer: ${error.message}\n`);
  if (error.code === 'usage') err(`See: cupbearer ${name} --help\n`);
  return error.code === 'usage' || error.code === 'configuration-invalid' ? 2 : 1;
}

async function help(name: string | undefined, isMistake: boolean, around: Surroundings): Promise<ExitCode> {
  const { out, err } = around;
  const entry = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry !== undefined) {
    out(renderHelp((await entry.load()).command));
    return 0;
  }
  if (name !== undefined && !name.startsWith('-')) return unknown(name, around);
  const width = Math.max(...Object.keys(commands).map((key) => key.length)) + 2;
  const text = [
    'Usage: cupbearer COMMAND [options]',
    '',
    'HTTP reverse proxy that fetches, caches and injects OAuth tokens.',
    '',
    'Commands:',
    ...Object.entries(commands).map(([key, { summary }]) => `  ${key.padEnd(width)}${summary}`),
    '',
    'Options:',
    '  -h, --help     Show this help, or that of a command',
    '  -v, --version  Show the version',
    '',
  ].join('\n');
  (isMistake ? err : out)(text);
  return isMistake ? 2 : 0;
}

function unknown(name: string, { err }: Surroundings): ExitCode {
  const near = nearest(name, Object.keys(commands));
  err(
    `cupbearer: unknown command ${JSON.stringify(name)}${near ? `; did you mean ${near}?` : ''}\nSee: cupbearer --help\n`,
  );
  return 2;
}
