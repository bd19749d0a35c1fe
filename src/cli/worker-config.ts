import type { Config } from '../config/config.ts';
import { load } from '../config/load.ts';
import { renderProblem } from '../config/problems.ts';
import { succeed } from '../config/succession.ts';
import { CupbearerError } from '../errors.ts';
import { presets } from '../provider/presets.ts';
import { errorFacts } from '../telemetry/error-facts.ts';
import type { Log } from '../telemetry/log.ts';
import type { Scrubber } from '../telemetry/scrubber.ts';
import type { Clock } from '../token/clock.ts';
import type { Channel } from '../workers/channel.ts';
import type { Begin, Released, Reload } from '../workers/control-messages.ts';
import type { TokenClient } from '../workers/token-client.ts';
import { exchangeSecrets } from './known-secrets.ts';
import type { ProxyServer } from './proxy.ts';

/** A text that a worker was sent as its configuration, or in words why it is none here. */
export function readConfig(
  { file, env, port }: Begin,
  text: string,
): { readonly config: Config } | { readonly config: undefined; readonly problems: string } {
  const { config, problems } = load(text, { file, env, presets });
  if (config === undefined)
    return { config: undefined, problems: problems.map(renderProblem).join('').trim() };
  return { config: port === undefined ? config : withPort(config, port) };
}

export interface Reloads {
  /** Calls `reload` for each configuration a worker is sent, those before this call too. */
  follow(reload: (message: Reload) => void): void;
}

/** The configurations that are sent through a channel from now on. */
export function listenForReloads(channel: Channel): Reloads {
  const waiting: Reload[] = [];
  let take = (message: Reload): void => {
    waiting.push(message);
  };
  channel.listen((message) => {
    if (message.kind === 'reload') take(message as Reload);
  });
  return {
    follow(reload) {
      take = reload;
      for (const message of waiting.splice(0)) reload(message);
    },
  };
}

export interface FollowInit {
  readonly channel: Channel;
  readonly begin: Begin;
  /** What `begin` was read as. */
  readonly config: Config;
  readonly proxy: Pick<ProxyServer, 'prepare'>;
  readonly tokens: TokenClient;
  readonly counters: { adopt(prefixes: readonly string[]): void };
  readonly log: Log;
  readonly scrubber: Scrubber;
  readonly clock: Clock;
}

/** How long after a configuration that could not be put in force it is tried again, ms. */
const againMs = 1_000;

/** Puts in force what a worker is sent; the one before serves on for as long as that cannot be. */
export function followReloads(reloads: Reloads, init: FollowInit): void {
  const { channel, begin, proxy, tokens, counters, log, scrubber, clock } = init;
  let inForce = init.config;
  const adopt = ({ epoch, text, changed }: Reload): void => {
    const read = readConfig(begin, text);
    if (read.config === undefined) throw new CupbearerError('configuration-invalid', read.problems);
    const { config } = succeed(inForce, read.config);
    const sources = tokens.prepare(epoch, config.credentials, new Set(changed));
    const rules = proxy.prepare(config, sources);
    const secrets = exchangeSecrets(inForce, config, scrubber);
    sources.adopt();
    secrets.forget();
    inForce = config;
    counters.adopt(config.routes.map(({ prefix }) => prefix));
    void rules.adopt().then(() => {
      if (inForce !== config) return;
      tokens.release();
      channel.send<Released>({ kind: 'released', epoch });
    });
  };
  /** Not in force yet: the latest, with what those before it have changed. */
  let waiting: Reload | undefined;
  const attempt = (isAgain: boolean): void => {
    if (waiting === undefined) return;
    try {
      adopt(waiting);
      waiting = undefined;
    } catch (error) {
      if (!isAgain)
        log.error('a worker cannot take up the configuration; the one before serves on there', {
          ...errorFacts(error),
          detail: error instanceof CupbearerError ? error.message : undefined,
          what_to_do: 'make every file that the configuration names readable and whole',
        });
      clock.after(againMs, () => attempt(true));
    }
  };
  reloads.follow((message) => {
    // What it began with may be newer.
    if (message.epoch <= begin.epoch) return;
    const isTrying = waiting !== undefined;
    waiting = { ...message, changed: [...(waiting?.changed ?? []), ...message.changed] };
    if (!isTrying) attempt(false);
  });
}

/** So that one which is started later listens where the others did. */
function withPort(config: Config, port: number): Config {
  const { listen } = config.server;
  return listen.kind === 'unix'
    ? config
    : { ...config, server: { ...config.server, listen: { ...listen, port } } };
}
