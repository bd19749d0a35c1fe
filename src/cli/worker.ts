import { CupbearerError } from '../errors.ts';
import { type CountsDelta, createCounters } from '../telemetry/counters.ts';
import { createLog } from '../telemetry/log.ts';
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
  type Released,
} from '../workers/control-messages.ts';
import { createTokenClient } from '../workers/token-client.ts';
import { parentChannel } from '../workers/worker-process.ts';
import type { Command, CommandInput } from './command.ts';
import { exchangeLog } from './exchange-log.ts';
import { configuredSecrets, keepOut } from './known-secrets.ts';
import { type ProxyServer, startProxy, type Usage } from './proxy.ts';
import { awake } from './start.ts';
import { whyNot } from './start-failure.ts';
import { hideTraceSecrets } from './trace-secrets.ts';
import { startTracing } from './tracing.ts';
import { followReloads, listenForReloads, readConfig } from './worker-config.ts';

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
  const reloads = listenForReloads(channel);
  const begin = await introduced(channel);
  const { logging, via, epoch } = begin;
  const read = readConfig(begin, begin.text);
  if (read.config === undefined) {
    channel.send<Failed>({ kind: 'failed', message: read.problems });
    return 2;
  }
  const { config } = read;
  const scrubber = createScrubber();
  const log = createLog({ ...logging, scrubber });
  hideTraceSecrets(begin.env, scrubber);
  keepOut(configuredSecrets(config), scrubber);
  input.onCrash?.((facts) => {
    log.error('crashed', facts);
    return log.flush();
  });
  const counters = createCounters(config.routes.map(({ prefix }) => prefix));
  const tokens = createTokenClient({
    channel,
    clock: systemClock,
    epoch,
    credentials: config.credentials,
    note: scrubber.note,
  });
  const { env } = begin;
  const tracing = await startTracing({ env, server: config.server, log, clock: systemClock });
  let proxy: ProxyServer;
  try {
    const { sampleRate } = logging;
    const onEnd = exchangeLog(log, systemClock, counters, { sampleRate, ended: tracing?.ended });
    proxy = await startProxy({ config, tokens, log, clock: systemClock, via, tracing, onEnd });
  } catch (error) {
    channel.send<Failed>({ kind: 'failed', message: scrubber.scrub(whyNot(error)) });
    await log.flush();
    return 1;
  }
  channel.send<Listening>({ kind: 'listening', url: proxy.url });
  channel.send<Released>({ kind: 'released', epoch });
  const tell = async () => {
    const held = await proxy.usage();
    channel.send<Alive<CountsDelta, Usage>>({ kind: 'alive', counts: counters.take(), held });
  };
  const telling = setInterval(tell, aliveMs);
  channel.listen(({ kind }) => {
    if (kind === 'reread') proxy.reread();
  });
  const clock = systemClock;
  followReloads(reloads, { channel, begin, config, proxy, tokens, counters, log, scrubber, clock });
  const cut = new Promise<void>((resolve) => {
    channel.listen(({ kind }) => {
      if (kind === 'cut') resolve();
    });
  });
  await Promise.race([stopAsked, cut]);
  await Promise.race([awake(proxy.stop), cut]);
  clearInterval(telling);
  await tell();
  await tracing?.stop();
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
