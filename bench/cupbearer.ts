import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Program } from './child.ts';
import { originOf, type Place, tokenUrlOf } from './place.ts';

/** What differs from the defaults. */
export interface Variant {
  /** Routes `/api/r1`, `/api/r2` and so on, so many; one route `/api` when absent. */
  readonly routes?: number;
  /** `server.workers` */
  readonly workers?: number;
}

/** The program as it ships, with its defaults: one credential, one route, the log at its default level. */
export function cupbearer(place: Place, { routes, workers }: Variant = {}): Program {
  const config = join(place.directory, 'routes.yaml');
  const prefixes =
    routes === undefined ? ['/api'] : Array.from({ length: routes }, (_, index) => `/api/r${index + 1}`);
  const tls = place.ca === undefined ? '' : `, tls: { ca: "${place.ca}" }`;
  const upstream = originOf(place);
  const credential =
    'provider: bench, grant_type: client_credentials, client_id: bench, client_secret: bench';
  writeFileSync(
    config,
    `server:
  listen: 127.0.0.1:${place.port}
  admin: "off"
${workers === undefined ? '' : `  workers: ${workers}\n`}providers:
  bench:
    extends: oauth2
    token: { url: "${tokenUrlOf(place)}" }
credentials:
  bench: { ${credential}${tls} }
routes:
${prefixes.map((prefix) => `  ${prefix}: { upstream: "${upstream}${prefix}", credential: bench${tls} }`).join('\n')}
`,
    { mode: 0o600 },
  );
  const main = join(import.meta.dirname, place.source ? '../src/main.ts' : '../dist/main.js');
  return { command: process.execPath, args: [main, 'serve', '--config', config] };
}
