import { debuglog } from 'node:util';
import { CupbearerError } from '../errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What in the environment gives secrets away: why, and what to do. */
export function environmentFaults(env: Environment): string[] {
  const faults: string[] = [];
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0') {
    faults.push(
      'NODE_TLS_REJECT_UNAUTHORIZED=0 lets anybody pose as an upstream or a provider and take the credentials; unset it, and name the certificate authority in tls.ca',
    );
  }
  const shown = ['undici', 'fetch', 'websocket'].filter((name) => debuglog(name).enabled);
  if (shown.length > 0) {
    faults.push(
      `NODE_DEBUG with ${shown.join(', ')} prints the URLs of all requests, queries too; take it out`,
    );
  }
  return faults;
}

/** Throws `configuration-invalid` when the environment gives secrets away. */
export function refuseUnsafe(env: Environment): void {
  const faults = environmentFaults(env);
  if (faults.length > 0) throw new CupbearerError('configuration-invalid', faults.join('; '));
}

const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
const telling = /^--(?:inspect|tls-keylog|trace-tls|heapsnapshot|heap-prof|report-)/;

/** What an operator should know of the environment and of Node's options: names alone, for values may be secret. */
export function environmentWarnings(
  env: Environment,
  execArgv: readonly string[],
): [string, { names: string }][] {
  const set = proxies.filter((name) => env[name]);
  const options = [...execArgv, ...(env.NODE_OPTIONS ?? '').split(/\s+/)]
    .filter((option) => telling.test(option))
    .map((option) => option.replace(/=.*/, ''));
  const warnings: [string, { names: string }][] = [];
  if (set.length > 0) warnings.push(['proxies of the environment are not used', { names: set.join(', ') }]);
  if (options.length > 0) {
    const message = 'Node was started with options that can show secrets';
    warnings.push([message, { names: [...new Set(options)].join(', ') }]);
  }
  return warnings;
}
