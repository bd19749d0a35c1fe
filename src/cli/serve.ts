import type { Secret } from '../config/secret.ts';
import { createLog } from '../telemetry/log.ts';
import { createScrubber } from '../telemetry/scrubber.ts';
import { systemClock } from '../token/clock.ts';
import { type Command, type CommandInput, configOption } from './command.ts';
import { environmentWarnings } from './environment.ts';
import { configuredSecrets, exchangeSecrets, keepOut } from './known-secrets.ts';
import { loadTextOrReport } from './load.ts';
import { logOptions, logSettings } from './log-settings.ts';
import { createReloader } from './reloader.ts';
import { type Serving, start } from './start.ts';
import { whyNot } from './start-failure.ts';
import { hideTraceSecrets } from './trace-secrets.ts';
import { startTracing } from './tracing.ts';

export const command: Command = {
  usage: 'serve',
  summary: 'Serves the routes of the configuration until SIGTERM or SIGINT.',
  details: `
Stops gracefully: accepts nothing new, lets exchanges in progress end within server.shutdown_grace, then exits 0.
A second signal cuts them at once. When the configuration file changes, and on SIGHUP, it is taken up whole if it is
valid; exchanges in progress end by the one before, and credentials that are the same keep their tokens. SIGHUP reads every
secret again too, from the environment as it was at the start.
Variables with secrets leave the environment once they are read, so that no child process and no report has them.`,
  options: {
    config: configOption,
    ...logOptions,
    'no-watch': { type: 'boolean', description: 'Take up the configuration on SIGHUP alone' },
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
  const logging = logSettings(input);
  const log = createLog({ ...logging, scrubber });
  const secrets = configuredSecrets(config);
  keepOut(secrets, scrubber);
  // `env` keeps them, for them to be read again.
  hideVariables(secrets);
  hideTraceSecrets(env, scrubber);
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
  const reloader = createReloader({
    file,
    text,
    config,
    env,
    clock: systemClock,
    log,
    adopt(to, newText, before) {
      const { fresh, forget } = exchangeSecrets(before, to.config, scrubber);
      running?.adopt(to, newText);
      hideVariables(fresh);
      forget();
    },
  });
  process.on('SIGHUP', () => {
    if (running === undefined || asked !== undefined) return;
    log.info('reading the configuration and its secrets again', { signal: 'SIGHUP' });
    running.rereadSecrets();
    reloader.reload();
    void log.flush();
  });
  for (const [message, fields] of environmentWarnings(env, process.execArgv)) log.warn(message, fields);
  const tracing = await startTracing({ env, server: config.server, log, clock: systemClock });
  try {
    const { note } = scrubber;
    const { sampleRate } = logging;
    const configStatus = reloader.status;
    if (config.server.workers === 1)
      running = await start(config, { log, note, configStatus, tracing, sampleRate });
    else {
      const { startWorkers } = await import('./start-workers.ts');
      running = await startWorkers(config, { log, note, text, file, env, logging, configStatus, tracing });
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
  if (input.options['no-watch'] !== true) reloader.watch();
  const signal = await stopAsked;
  reloader.close();
  log.info('stopping', { signal });
  const cut = nextSignal().then(() => 'cut' as const);
  const ended = await Promise.race([running.stop().then(() => 'stopped' as const), cut]);
  if (ended === 'cut') await running.cut?.();
  else await tracing?.stop();
  log.info(ended);
  await log.flush();
  return ended === 'stopped' ? 0 : 1;
}

/** What holds them is read from our own copy of the environment from now on. */
function hideVariables(secrets: readonly Secret[]): void {
  for (const name of secrets.flatMap(({ variables }) => variables)) delete process.env[name];
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

/** Not worth a word when there is one. */
function severalWorkers(workers: number) {
  return workers > 1 ? { workers } : {};
}
