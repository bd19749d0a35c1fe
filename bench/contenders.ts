import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Program } from './child.ts';
import { caddy, haproxy, nginx, type Place } from './native.ts';
import { tokenPath } from './setting.ts';

/** One way to put the bearer token on a request. */
export interface Contender {
  readonly name: string;
  /** The proxy process; `undefined` means the load goes straight to the upstream. */
  readonly program?: (place: Place) => Program;
  /** A command that must be on the PATH. */
  readonly needs?: string;
}

/** Name of the contender that the others are compared with. */
export const yardstick = 'bare node:http + undici';

/** All contenders, in the order in which they take turns. */
export const contenders: readonly Contender[] = [
  { name: 'direct' },
  { name: 'nginx', program: nginx, needs: 'nginx' },
  { name: 'HAProxy', program: haproxy, needs: 'haproxy' },
  { name: yardstick, program: script('bare') },
  { name: 'cupbearer', program: cupbearer },
  { name: 'fast-proxy', program: script('fast-proxy') },
  { name: '@fastify/reply-from', program: script('reply-from') },
  { name: 'Caddy', program: caddy, needs: 'caddy' },
  { name: 'http-proxy-3', program: script('http-proxy-3') },
  { name: 'httpxy', program: script('httpxy') },
  { name: 'hono/proxy', program: script('hono-proxy') },
];

function script(name: string): (place: Place) => Program {
  const file = join(import.meta.dirname, `contenders/${name}.ts`);
  return ({ port, upstreamPort }) => ({
    command: process.execPath,
    args: [file],
    env: { BENCH_PORT: String(port), BENCH_UPSTREAM: `http://127.0.0.1:${upstreamPort}` },
  });
}

/** The built program as it ships, with its defaults: one credential, one route, the log at its default level. */
function cupbearer({ port, upstreamPort, directory }: Place): Program {
  const config = join(directory, 'routes.yaml');
  const upstream = `http://127.0.0.1:${upstreamPort}`;
  writeFileSync(
    config,
    `server:
  listen: 127.0.0.1:${port}
  admin: "off"
providers:
  bench:
    extends: oauth2
    token: { url: "${upstream}${tokenPath}" }
credentials:
  bench: { provider: bench, grant_type: client_credentials, client_id: bench, client_secret: bench }
routes:
  /api: { upstream: "${upstream}/api", credential: bench }
`,
  );
  return {
    command: process.execPath,
    args: [join(import.meta.dirname, '../dist/main.js'), 'serve', '--config', config],
  };
}
