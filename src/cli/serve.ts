import { CupbearerError } from '../errors.ts';
import { createLog, type LogLevel, logLevels } from '../telemetry/log.ts';
import { createScrubber } from '../telemetry/scrubber.ts';
import { type Command, type CommandInput, configOption } from './command.ts';
import { environmentWarnings } from './environment.ts';
import { configuredSecrets, keepOut } from './known-secrets.ts';
import { loadTextOrReport } from './load.ts';
import { type Serving, start } from './start.ts';
import { whyNot } from './start-failure.ts';

export const command: Command = {
  usage: 'serve',
  summary: 'Serves the routes of the configuration until SIGTERM or SIGINT.',
  details: `
Stops gracefully: accepts nothing new, lets exchanges in progress end within server.shutdown_grace, then exits 0.
A second signal cuts them at once. SIGHUP reads every secret again, from the environment as it was at the start.
Variables with secrets leave the environment once they are read, so that no child process and no report has them.`,
  options: {
    config: configOption,
    'log-level': {
      type: 'string',
      value: 'LEVEL',
      description: `One of ${logLevels.join(', ')}. Default: $CUPBEARER_LOG_LEVEL, else info`,
    },
    'log-format': {
      type: 'string',
      value: 'FORMAT',
      description: 'json or pretty. Default: pretty on a terminal, else json',
    },
  },
  positionals: 0,
  sendsSecrets: true,
  run: serve,
};

/** A start says where each route leads, unless there are very many. */
const listedRoutes = 100;

async function serve(input: CommandInput): Promise<0 | 1 | 2> {
  const env = { ...input.env };
  const loaded = loadTextOrReport({ ...input, env });
  if (loaded === undefined) return 2;
  const { config, text, file } = loaded;
  const scrubber = createScrubber();
  const [level, pretty] = [logLevel(input), isPretty(input)];
  const log = createLog({ level, pretty, scrubber });
  const secrets = configuredSecrets(config);
  keepOut(secrets, scrubber);
  // `env` keeps them, for them to be read again.
  for (const name of secrets.flatMap(({ variables }) => variables)) delete process.env[name];
  input.onCrash?.((facts) => {
    log.error('crashed', facts);
    return log.flush();
  });
  const stopAsked = nextSignal();
  let asked: string | undefined;
  void stopAsked.then((signal) => {
    asked = signal;
  });
  let running: Serving | undefined;
  process.on('SIGHUP', () => {
    log.info('reading secrets again', { signal: 'SIGHUP' });
    running?.rereadSecrets();
    void log.flush();
  });
  for (const [message, fields] of environmentWarnings(env, process.execArgv)) log.warn(message, fields);
  try {
    const { note } = scrubber;
    if (config.server.workers === 1) running = await start(config, { log, note });
    else {
      const { startWorkers } = await import('./start-workers.ts');
      running = await startWorkers(config, { log, note, text, file, env, level, pretty });
    }
  } catch (error) {
    // Who signals all processes at once ends workers that have hardly begun.
    if (asked !== undefined && config.server.workers > 1) {
      log.info('stopping', { signal: asked });
      log.info('stopped');
      await log.flush();
      return 0;
    }
    await log.flush();
    input.err(`cupbearer: ${scrubber.scrub(whyNot(error))}\n`);
    return 1;
  }
  log.info('listening', {
    url: running.url,
    admin: running.adminUrl,
    routes: config.routes.length,
    ...severalWorkers(config.server.workers),
  });
  for (const { prefix, upstream, credential } of config.routes.slice(0, listedRoutes)) {
    log.info('route', { prefix, upstream: upstream.origin + upstream.base_path, credential });
  }
  void log.flush();
  const signal = await stopAsked;
  log.info('stopping', { signal });
  const cut = nextSignal().then(() => 'cut' as const);
  const ended = await Promise.race([running.stop().then(() => 'stopped' as const), cut]);
  if (ended === 'cut') await running.cut?.();
  log.info(ended);
  await log.flush();
  return ended === 'stopped' ? 0 : 1;
}

function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    const on = (signal: string) => {
      process.off('SIGTERM', on);
      process.off('SIGINT', on);
      resolve(signal);
    };
    process.on('SIGTERM', on);
    process.on('SIGINT', on);
  });
}

function logLevel({ options, env }: CommandInput): LogLevel {
  const given = options['log-level'] ?? env.CUPBEARER_LOG_LEVEL ?? 'info';
  const level = logLevels.find((known) => known === given);
  if (level === undefined) throw new CupbearerError('usage', `--log-level is one of ${logLevels.join(', ')}`);
  return level;
}

function isPretty({ options }: CommandInput): boolean {
  const format = options['log-format'];
  if (format !== undefined && format !== 'json' && format !== 'pretty') {
    throw new CupbearerError('usage', '--log-format is json or pretty');
  }
  return format === undefined ? process.stdout.isTTY === true : format === 'pretty';
}

/** Not worth a word when there is one. */
function severalWorkers(workers: number) {
  return workers > 1 ? { workers } : {};
}
