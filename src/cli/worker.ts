import type { Config } from '../config/config.ts';
import { load } from '../config/load.ts';
import { renderProblem } from '../config/problems.ts';
import { CupbearerError } from '../errors.ts';
import { presets } from '../provider/presets.ts';
import { type CountsDelta, createCounters } from '../telemetry/counters.ts';
import { createLog, type LogLevel } from '../telemetry/log.ts';
import { createScrubber } from '../telemetry/scrubber.ts';
import { systemClock } from '../token/clock.ts';
import type { Channel } from '../workers/channel.ts';
import {
  type Alive,
  aliveMs,
  type Begin,
  type Failed,
  type Hello,
  type Listening,
} from '../workers/control-messages.ts';
import { createTokenClient } from '../workers/token-client.ts';
import { parentChannel } from '../workers/worker-process.ts';
import type { Command, CommandInput } from './command.ts';
import { exchangeLog } from './exchange-log.ts';
import { configuredSecrets, keepOut } from './known-secrets.ts';
import { type ProxyServer, startProxy } from './proxy.ts';
import { awake } from './start.ts';
import { whyNot } from './start-failure.ts';

/** What `serve` starts several of; nobody else does. */
export const command: Command = {
  usage: 'worker',
  summary: 'Serves the routes for the process that started it.',
  options: {},
  positionals: 0,
  sendsSecrets: true,
  run: work,
};

async function work(input: CommandInput): Promise<0 | 1 | 2> {
  const channel = parentChannel();
  if (channel === undefined)
    throw new CupbearerError('usage', 'serve starts workers by itself, see server.workers');
  const stopAsked = stopRequest(channel);
  const begin = await introduced(channel);
  const { text, file, env, level, pretty, via, port } = begin;
  const { config: loaded, problems } = load(text, { file, env, presets });
  if (loaded === undefined) {
    channel.send<Failed>({ kind: 'failed', message: problems.map(renderProblem).join('').trim() });
    return 2;
  }
  const config = port === undefined ? loaded : withPort(loaded, port);
  const scrubber = createScrubber();
  const log = createLog({ level: level as LogLevel, pretty, scrubber });
  keepOut(configuredSecrets(config), scrubber);
  input.onCrash?.((facts) => {
    log.error('crashed', facts);
    return log.flush();
  });
  const counters = createCounters(config.routes.map(({ prefix }) => prefix));
  const tokens = createTokenClient({
    channel,
    clock: systemClock,
    credentials: config.credentials,
    note: scrubber.note,
  });
  let proxy: ProxyServer;
  try {
    const onEnd = exchangeLog(log, systemClock, counters);
    proxy = await startProxy({ config, tokens, log, clock: systemClock, via, onEnd });
  } catch (error) {
    channel.send<Failed>({ kind: 'failed', message: scrubber.scrub(whyNot(error)) });
    await log.flush();
    return 1;
  }
  channel.send<Listening>({ kind: 'listening', url: proxy.url });
  const tell = () => channel.send<Alive<CountsDelta>>({ kind: 'alive', counts: counters.take() });
  const telling = setInterval(tell, aliveMs);
  channel.listen(({ kind }) => {
    if (kind === 'reread') proxy.reread();
  });
  const cut = new Promise<void>((resolve) => {
    channel.listen(({ kind }) => {
      if (kind === 'cut') resolve();
    });
  });
  await Promise.race([stopAsked, cut]);
  await Promise.race([awake(proxy.stop), cut]);
  clearInterval(telling);
  tell();
  await log.flush();
  return 0;
}

/** Says hello; gives what the parent answers. */
function introduced(channel: Channel): Promise<Begin> {
  return new Promise((resolve) => {
    const ignore = channel.listen((message) => {
      if (message.kind !== 'begin') return;
      ignore();
      resolve(message as Begin);
    });
    channel.send<Hello>({ kind: 'hello' });
  });
}

/** A terminal signals every process at once; who signals one means it. */
function stopRequest(channel: Channel): Promise<void> {
  process.on('SIGHUP', () => {});
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
    channel.listen(({ kind }) => {
      if (kind === 'stop') resolve();
    });
  });
}

/** So that one which is started later listens where the others did. */
function withPort(config: Config, port: number): Config {
  const { listen } = config.server;
  return listen.kind === 'unix'
    ? config
    : { ...config, server: { ...config.server, listen: { ...listen, port } } };
}
