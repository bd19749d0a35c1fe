import { mkdtempSync, writeFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { join } from 'node:path';
import { type Child, freePort, type Program, startChild } from '../child.ts';
import type { Options } from './options.ts';
import { itemsPath, tokenPath } from './upstream.ts';

/** What Cupbearer is configured with, besides its listener. */
export interface Configuration {
  /** Origin of the upstream and its token endpoint. */
  readonly origin: string;
  /** Lines under `server:`. */
  readonly server?: readonly string[];
  /** Lines under `credentials:` and `routes:`; default: `/api` with one credential. */
  readonly credentials?: readonly string[];
  readonly routes?: readonly string[];
}

/** A running `cupbearer serve`. */
export interface Served extends Child {
  /** Its log; whole when it has stopped. */
  readonly logFile: string;
}

/** How to start it on a configuration, and where it will listen. */
export interface Serve {
  readonly program: Program;
  readonly port: number;
  readonly logFile: string;
}

/** Ten thousand routes and credentials take some seconds to read. */
const startMs = 60_000;

/** Writes a configuration and says how to serve it. */
export async function prepare(configuration: Configuration, options: Options): Promise<Serve> {
  const port = await freePort();
  const directory = mkdtempSync(join(options.directory, 'cupbearer-'));
  const file = join(directory, 'routes.yaml');
  writeFileSync(file, yaml(configuration, port), { mode: 0o600 });
  const main = join(import.meta.dirname, '../..', options.source ? 'src/main.ts' : 'dist/main.js');
  const args = [main, 'serve', '--config', file, '--log-format', 'json'];
  return { port, logFile: join(directory, 'log'), program: { command: process.execPath, args } };
}

/** Starts it and waits until it answers; no token is asked for. Rejects as `startChild`. */
export async function serve(configuration: Configuration, options: Options): Promise<Served> {
  const { program, port, logFile } = await prepare(configuration, options);
  const { signal } = options;
  // Nothing is routed there.
  const probe = async (on: number) => (await statusOf(on, '/')) === 404;
  return { ...(await startChild(program, { port, logFile, probe, signal, startMs })), logFile };
}

/** The entry of a credential, which is its own client. */
export function credential(name: string, more = ''): string {
  return `${name}: { provider: bench, client_id: ${name}, client_secret: secret-of-${name}${more} }`;
}

/** The entry of a route to the upstream's items. */
export function route(prefix: string, name: string, origin: string): string {
  return `${prefix}: { upstream: "${origin}${itemsPath}", credential: ${name} }`;
}

function yaml(configuration: Configuration, port: number): string {
  const { origin, server = [], credentials = [credential('bench')] } = configuration;
  const { routes = [route('/api', 'bench', origin)] } = configuration;
  return `server:
  listen: 127.0.0.1:${port}
  admin: "off"
${indented(server)}
providers:
  bench: { extends: oauth2, token: { url: "${origin}${tokenPath}" } }
credentials:
${indented(credentials)}
routes:
${indented(routes)}
`;
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join('\n');
}

/** The status of one GET on a connection of its own, once its body is read; undefined when there is no whole answer. */
export function statusOf(port: number, path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = httpGet({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume();
      response.on('close', () => resolve(response.complete ? response.statusCode : undefined));
    });
    request.on('error', () => resolve(undefined));
  });
}
