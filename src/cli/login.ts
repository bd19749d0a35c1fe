import type { Config } from '../config/config.ts';
import { suggestion } from '../config/suggest.ts';
import { parseDuration } from '../config/units.ts';
import { CupbearerError } from '../errors.ts';
import { deviceCode } from '../provider/grant-type.ts';
import { openStore } from '../store/open.ts';
import type { SessionKey } from '../store/session.ts';
import { systemClock } from '../token/clock.ts';
import { finishDeviceLogin, startDeviceLogin } from '../token/device-login.ts';
import { createTokenHttp } from '../token/http.ts';
import { loginLifetimeMs } from '../token/login.ts';
import { type LoginWay, loginFault } from '../token/login-check.ts';
import { checkStore, type LoggedIn, type LoginTarget, loginTarget } from '../token/login-session.ts';
import { createParts } from '../token/parts.ts';
import { askAdmin } from './admin-client.ts';
import { openBrowser } from './browser.ts';
import { type Command, type CommandInput, configOption } from './command.ts';
import { awaitInterruption, type Interruption } from './interruption.ts';
import { withoutSecrets } from './known-secrets.ts';
import { loadOrReport } from './load.ts';
import { loginWithBrowser } from './login-browser.ts';

export const command: Command = {
  usage: 'login CREDENTIAL',
  summary:
    'Starts the session of a credential: a person logs in at the provider, the store keeps what comes of it.',
  details: `
Prints the address to log in at and opens it in the browser, which comes back to this command.
A running serve with the same store goes on with the new session by itself.`,
  options: {
    config: configOption,
    tenant: {
      type: 'string',
      short: 't',
      value: 'TENANT',
      description: 'Whose session, of a credential with tenants',
    },
    device: { type: 'boolean', description: 'Log in with a code on another device, where the provider can' },
    'no-browser': { type: 'boolean', description: 'Only print the address' },
    paste: { type: 'boolean', description: 'Read the address the browser ended at from standard input' },
    port: {
      type: 'string',
      value: 'N',
      description: 'Where the browser comes back to. Default: any free port',
    },
    timeout: { type: 'string', value: 'TIME', description: 'How long to wait, at most 10m. Default: 5m' },
  },
  positionals: 1,
  sendsSecrets: true,
  run: login,
};

async function login(input: CommandInput): Promise<0 | 2> {
  const { options, positionals } = input;
  const config = loadOrReport(input);
  if (config === undefined) return 2;
  const key = { credential: positionals[0] ?? '', tenant: options.tenant as string | undefined };
  const way = checkedWay(config, key, options.device === true);
  const paste = options.paste === true;
  if (paste && way === 'device') {
    throw new CupbearerError('usage', '--paste is for a login in a browser; this one is with a device code');
  }
  const browserEnv = withoutSecrets(input.env, config);
  const timeoutMs = durationOf(options.timeout);
  const port = portOf(options.port);
  if (config.store.url.kind === 'memory') {
    throw new CupbearerError(
      'usage',
      'store.url is memory: and the session would end with this command; open /login on the admin listener of a running serve, or write a store',
    );
  }
  const clock = systemClock;
  const store = await openStore(config.store, { now: () => clock.wall() });
  const http = createTokenHttp();
  const closers: (() => void)[] = [];
  let interruption: Interruption | undefined;
  // Timers of the clock do not keep the process alive.
  const awake = setInterval(() => {}, 60_000);
  try {
    const parts = createParts({ config, clock, store, events: {}, http });
    const target = loginTarget(parts, clock, key);
    await checkStore(target);
    interruption = awaitInterruption(() => input.err('Finishing the login; once more gives it up\n'));
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), interruption.signal]);
    const show = (url: string, then: string) =>
      showAddress({ ...input, env: browserEnv }, url, then, closers);
    const done =
      way === 'device'
        ? await withDevice(target, signal, show)
        : await loginWithBrowser({ target, port, paste, signal, show, say: input.err, input: process.stdin });
    input.out(report(done, config));
    await tellServe(config, key, input);
    return 0;
  } finally {
    interruption?.end();
    clearInterval(awake);
    for (const close of closers) close();
    await http.close();
    await store.close();
  }
}

/** How to log in; throws `usage` when nobody can. */
function checkedWay(config: Config, key: SessionKey, device: boolean): LoginWay {
  const { credential: name } = key;
  const { credentials } = config;
  const known = Object.hasOwn(credentials, name) ? credentials[name] : undefined;
  const way = device || known?.grant_type === deviceCode ? 'device' : 'browser';
  const fault = loginFault(config, key, way);
  if (fault === undefined) return way;
  const hint = known === undefined ? suggestion(name, Object.keys(credentials)) : '';
  const how = known?.tenant !== undefined && key.tenant === undefined ? ' with --tenant' : '';
  throw new CupbearerError('usage', fault + hint + how);
}

function durationOf(given: string | boolean | undefined): number {
  const ms = typeof given === 'string' ? parseDuration(given) : 300_000;
  if (ms !== undefined && ms > 0 && ms <= loginLifetimeMs) return ms;
  throw new CupbearerError('usage', '--timeout is a duration of at most 10m, such as 90s or 5m');
}

function portOf(given: string | boolean | undefined): number | undefined {
  if (typeof given !== 'string') return undefined;
  const port = /^\d{1,5}$/.test(given) ? Number(given) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new CupbearerError('usage', '--port is a number from 1 to 65535');
}

/** The address alone goes to standard output. */
function showAddress(
  { options, env, out, err }: CommandInput,
  url: string,
  then: string,
  closers: (() => void)[],
): void {
  err('Log in here:\n\n');
  out(`${url}\n`);
  err(`\n${then}\n`);
  const mayOpen = process.stdout.isTTY === true && options['no-browser'] !== true;
  if (mayOpen) closers.push(openBrowser(url, { env, platform: process.platform }));
}

async function withDevice(
  target: LoginTarget,
  signal: AbortSignal,
  show: (url: string, then: string) => void,
): Promise<LoggedIn> {
  const codes = await startDeviceLogin(target, signal);
  const { verificationUri, verificationUriComplete, userCode } = codes;
  const complete = verificationUriComplete === undefined ? '' : `\nOr open: ${verificationUriComplete}\n`;
  show(verificationUri, `and enter the code: ${userCode}\n${complete}\nWaiting for the login`);
  return finishDeviceLogin(target, codes, signal);
}

function report(done: LoggedIn, { store: { url } }: Config): string {
  const { credential, tenant, lifetimeMs, lifetimeKnown, refreshable } = done;
  const where = url.kind === 'sqlite' ? `SQLite, ${url.path}` : 'Redis';
  const rows = [
    ['credential', credential],
    ...(tenant === undefined ? [] : [['tenant', tenant]]),
    ['access token', `lives ${spoken(lifetimeMs)}${lifetimeKnown ? '' : ' (not stated by the provider)'}`],
    ['renewal', refreshable ? 'by a refresh token' : 'none: log in again when the access token is over'],
    ['store', where],
  ] as const;
  return `\nLogged in.\n${rows.map(([name, value]) => `  ${String(name).padEnd(14)}${value}\n`).join('')}`;
}

function spoken(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

async function tellServe(config: Config, { credential, tenant }: SessionKey, { err }: CommandInput) {
  const query = tenant === undefined ? '' : `?tenant=${encodeURIComponent(tenant)}`;
  const path = `/api/restart/${encodeURIComponent(credential)}${query}`;
  const answer = await askAdmin(config, { method: 'POST', path, withinMs: 2_000 });
  if (answer.kind === 'answer' && answer.status === 200) err('The running serve goes on with it.\n');
}
