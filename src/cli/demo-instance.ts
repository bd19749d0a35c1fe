import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { load } from '../config/load.ts';
import { CupbearerError } from '../errors.ts';
import { presets } from '../provider/presets.ts';
import type { Log } from '../telemetry/log.ts';
import { type Running, start } from './start.ts';

/** Lies beside src/ and beside dist/. */
const shippedRoutes = new URL('../../routes.yaml', import.meta.url);

/** What is added to the shipped file, by the section it goes to. */
export interface Additions {
  store(file: string): string;
  readonly providers: string;
  readonly credential: string;
  readonly route: string;
}

/**
 * The shipped routes.yaml with additions, its vendors on this machine, on free ports, sessions under `directory`.
 * Throws `configuration-invalid`.
 */
export function demoConfig(
  env: Readonly<Record<string, string>>,
  directory: string,
  additions: Additions,
): Config {
  const shipped = readFileSync(shippedRoutes, 'utf8');
  const text = [
    additions.store(join(directory, 'sessions', 'sessions.db')),
    additions.providers,
    shipped.replace(/^routes:\n/m, `${additions.credential}routes:\n${additions.route}`),
  ].join('\n');
  const { config, problems } = load(text, {
    file: 'routes.yaml',
    env: { ...env, DEMO_STORE_KEY: randomBytes(32).toString('base64') },
    presets,
  });
  if (config === undefined) {
    const what = problems.map(({ line, column, message }) => `routes.yaml:${line}:${column}: ${message}`);
    throw new CupbearerError('configuration-invalid', what.join('\n'));
  }
  const anyPort = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const;
  return { ...config, server: { ...config.server, listen: anyPort, admin: anyPort } };
}

/** A proxy that can be started again on the same configuration. */
export class DemoInstance {
  #running: Running;
  readonly #config: Config;
  readonly #log: Log;

  static async launch(config: Config, log: Log): Promise<DemoInstance> {
    return new DemoInstance(config, log, await start(config, { log }));
  }

  private constructor(config: Config, log: Log, running: Running) {
    this.#config = config;
    this.#log = log;
    this.#running = running;
  }

  get url(): string {
    return this.#running.url;
  }

  get adminUrl(): string {
    return this.#running.adminUrl ?? '';
  }

  async restart(): Promise<this> {
    await this.#running.stop();
    this.#running = await start(this.#config, { log: this.#log });
    return this;
  }

  async revoke(credential: string): Promise<void> {
    await this.#running.registry.revoke(credential);
  }

  stop(): Promise<void> {
    return this.#running.stop();
  }
}
