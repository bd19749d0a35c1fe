import type { Config, Route } from '../config/config.ts';
import { parseDuration } from '../config/units.ts';
import { CupbearerError } from '../errors.ts';
import { printableJson } from '../telemetry/printable.ts';
import type { Scrubber } from '../telemetry/scrubber.ts';
import { isTenant } from '../token/tenants.ts';
import { tenantOption } from './chosen-credential.ts';
import { type Command, type CommandInput, configOption } from './command.ts';
import { environmentFaults, refuseUnsafe } from './environment.ts';
import { scrubberOf } from './known-secrets.ts';
import { loadOrReport } from './load.ts';
import type { OnlineReport } from './online-report.ts';

export const command: Command = {
  usage: 'check',
  summary: 'Checks the configuration and lists its routes; with --online also that everything works.',
  details: `
Without --online nothing is sent. Exits with 2 when something is wrong in the configuration; every problem is shown at
once, with its line.

With --online a token is fetched for each credential, as cupbearer token does: a session in the store is shared with a
running serve, and one that only serve may spend is left alone. Each upstream is connected to with its route's TLS
settings, and hung up on: no request goes there. Said is what the provider or the upstream answered, and what to do.
Exits with 1 when anything fails or needs a login; warnings, such as a certificate that ends within 14 days or a clock
that is off, and what is skipped do not count.

With --json: ok (false: the exit code is 1), routes (route, upstream, credential, grant_type); with --online also
credentials and upstreams, each with result (ok, warning, failed, login or skipped), detail, what_to_do, warnings and what
was found. Names are stable, members may be added, and what does not apply is absent.`,
  options: {
    config: configOption,
    online: {
      type: 'boolean',
      description: 'Fetch a token for each credential, and connect to each upstream',
    },
    tenant: {
      ...tenantOption,
      description: 'With --online: the tenant to try, of credentials that have tenants',
    },
    timeout: {
      type: 'string',
      value: 'DURATION',
      description: 'With --online: how long each of them may take. Default: 10s',
    },
    json: { type: 'boolean', description: 'Print JSON' },
  },
  positionals: 0,
  run: check,
};

/** What `check --json` prints. */
interface CheckReport extends Partial<OnlineReport> {
  readonly ok: boolean;
  readonly routes: readonly {
    readonly route: string;
    readonly upstream: string;
    readonly credential: string;
    readonly grant_type: string;
  }[];
}

const defaultMs = 10_000;

async function check(input: CommandInput): Promise<0 | 1 | 2> {
  const { options, out } = input;
  const online = onlineOptions(input);
  const config = loadOrReport(input);
  for (const fault of environmentFaults(input.env))
    input.err(`cupbearer: warning: serve will not start: ${fault}\n`);
  if (config === undefined) return 2;
  const scrubber = scrubberOf(config);
  const say = (text: string) => out(scrubber.scrub(text));
  const isText = options.json !== true;
  if (isText) say(routeLines(config));
  const found = online === undefined ? undefined : await goOnline(config, online, scrubber, input);
  const ok = found?.ok ?? true;
  const report: CheckReport = {
    ok,
    routes: config.routes.map((route) => routeOf(config, route)),
    ...found?.report,
  };
  if (!isText) say(`${printableJson(JSON.stringify(report, null, 2))}\n`);
  else if (found !== undefined) say(`\n${found.text}`);
  return ok ? 0 : 1;
}

interface Online {
  readonly timeoutMs: number;
  readonly tenant: string | undefined;
}

/** Undefined without `--online`. Throws `usage`. */
function onlineOptions({ options }: CommandInput): Online | undefined {
  const { online, tenant, timeout } = options;
  if (online !== true) {
    const stray = ['tenant', 'timeout'].find((name) => options[name] !== undefined);
    if (stray === undefined) return undefined;
    throw new CupbearerError('usage', `--${stray} belongs to --online`);
  }
  if (typeof tenant === 'string' && !isTenant(tenant))
    throw new CupbearerError('usage', 'a tenant is 1 to 256 visible ASCII characters');
  const timeoutMs = typeof timeout === 'string' ? parseDuration(timeout) : defaultMs;
  if (timeoutMs === undefined || timeoutMs < 1 || timeoutMs > 600_000)
    throw new CupbearerError('usage', '--timeout is a duration up to 10m, such as 500ms or 5s');
  return { timeoutMs, tenant: typeof tenant === 'string' ? tenant : undefined };
}

async function goOnline(
  config: Config,
  { timeoutMs, tenant }: Online,
  scrubber: Scrubber,
  input: CommandInput,
) {
  refuseUnsafe(input.env);
  const [{ checkCredentials }, { checkUpstreams }, { isFine, renderOnline }] = await Promise.all([
    import('./online-credentials.ts'),
    import('./online-upstreams.ts'),
    import('./online-report.ts'),
  ]);
  const [credentials, upstreams] = await Promise.all([
    checkCredentials(config, { timeoutMs, tenant, scrubber }),
    checkUpstreams(config, timeoutMs),
  ]);
  const report = { credentials, upstreams };
  return { report, ok: isFine(report), text: renderOnline(report, process.stdout.isTTY === true) };
}

function routeLines(config: Config): string {
  const rows = config.routes.map((route) => routeOf(config, route));
  const width = Math.max(...rows.map(({ route }) => route.length));
  return rows
    .map(
      ({ route, upstream, credential, grant_type }) =>
        `${route.padEnd(width)} → ${upstream}  credential ${credential} (${grant_type})\n`,
    )
    .join('');
}

function routeOf(config: Config, { prefix, upstream, credential }: Route): CheckReport['routes'][number] {
  return {
    route: prefix,
    upstream: upstream.origin + upstream.base_path,
    credential,
    grant_type: config.credentials[credential]?.grant_type ?? '',
  };
}
