import { join } from 'node:path';
import type { Program } from './child.ts';
import { cupbearer } from './cupbearer.ts';
import { envoy } from './envoy.ts';
import { caddy, haproxy, nginx } from './native.ts';
import { originOf, type Place } from './place.ts';

/** One way to put the bearer token on a request. */
export interface Contender {
  readonly name: string;
  /** The proxy process; `undefined` means the load goes straight to the upstream. */
  readonly program?: (place: Place) => Program;
  /** When it fails, so does the run; anybody else is left out. */
  readonly essential?: boolean;
  /** A command that must be on the PATH, and the arguments that make it print its version. */
  readonly needs?: { readonly command: string; readonly version: readonly string[] };
}

/** Name of the contender that the others are compared with. */
export const yardstick = 'bare node:http + undici';

/** All contenders, in the order in which they take turns. */
export const contenders: readonly Contender[] = [
  { name: 'direct', essential: true },
  { name: 'nginx', program: nginx, needs: { command: 'nginx', version: ['-v'] } },
  { name: 'HAProxy', program: haproxy, needs: { command: 'haproxy', version: ['-v'] } },
  { name: 'Envoy', program: envoy, needs: { command: 'envoy', version: ['--version'] } },
  { name: yardstick, program: script('bare'), essential: true },
  { name: 'cupbearer', program: cupbearer, essential: true },
  {
    name: 'cupbearer, 10,000 routes',
    program: (place) => cupbearer(place, { routes: 10_000 }),
    essential: true,
  },
  { name: 'cupbearer, 2 workers', program: (place) => cupbearer(place, { workers: 2 }), essential: true },
  { name: 'fast-proxy', program: script('fast-proxy') },
  { name: '@fastify/reply-from', program: script('reply-from') },
  { name: 'Caddy', program: caddy, needs: { command: 'caddy', version: ['version'] } },
  { name: 'http-proxy-3', program: script('http-proxy-3') },
  { name: 'httpxy', program: script('httpxy') },
  { name: 'hono/proxy', program: script('hono-proxy') },
];

function script(name: string): (place: Place) => Program {
  const file = join(import.meta.dirname, `contenders/${name}.ts`);
  return (place) => ({
    command: process.execPath,
    args: [file],
    env: {
      BENCH_PORT: String(place.port),
      BENCH_UPSTREAM: originOf(place),
      ...(place.ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: place.ca }),
    },
  });
}
