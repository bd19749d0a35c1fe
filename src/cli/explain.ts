import type { Config, Route } from '../config/config.ts';
import { nearest } from '../config/suggest.ts';
import { CupbearerError, type ErrorCode, errorTable } from '../errors.ts';
import { partsOf, policyOf } from '../gateway/compile.ts';
import { allowedHosts, hostRefused } from '../gateway/hosts.ts';
import { checkForwardable, checkRouteMethod } from '../gateway/method.ts';
import { checkTarget, upstreamPath } from '../gateway/path.ts';
import { createRouteTable } from '../gateway/routes.ts';
import { type Command, configOption } from './command.ts';
import { scrubberOf } from './known-secrets.ts';
import { loadOrReport } from './load.ts';

export const command: Command = {
  usage: 'explain METHOD URL',
  summary: 'Says which route a request takes and what the upstream would get; sends nothing.',
  details: `
URL is a path such as '/realer/devices?limit=1', or the whole URL a caller would use.
Exits with 1 when the request would be refused.`,
  options: {
    config: configOption,
    json: { type: 'boolean', description: 'Print JSON' },
  },
  positionals: 2,
  run(input) {
    const config = loadOrReport(input);
    if (config === undefined) return 2;
    const [method = '', url = ''] = input.positionals;
    const explanation = explain(config, method.toUpperCase(), url);
    const text =
      input.options.json === true ? `${JSON.stringify(explanation, null, 2)}\n` : render(explanation);
    input.out(scrubberOf(config).scrub(text));
    return 'refused' in explanation ? 1 : 0;
  },
};

/** What becomes of a request. Holds no secret: values of fields are templates or left out. */
export type Explanation = Forwarded | Refused;

export interface Forwarded {
  readonly method: string;
  readonly target: string;
  readonly route: string;
  readonly upstream: string;
  readonly credential: string;
  readonly provider: string;
  readonly grant_type: string;
  /** The field the caller must send. */
  readonly tenant_header: string | undefined;
  /** Undefined when anyone may call. */
  readonly callers: readonly string[] | undefined;
  readonly fields: {
    readonly injected: readonly string[];
    readonly set: readonly string[];
    readonly removed: readonly string[];
  };
}

export interface Refused {
  readonly method: string;
  readonly target: string;
  readonly refused: { readonly status: number; readonly code: ErrorCode; readonly detail: string };
}

/** What the proxy would do with a request, decided by the same functions. */
export function explain(config: Config, method: string, url: string): Explanation {
  let target = url;
  try {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Z]+$/.test(method))
      throw new CupbearerError('malformed-request', 'this is not a method');
    checkForwardable(method);
    target = ownTarget(config, url);
    const { path, query } = checkTarget(target);
    const match = createRouteTable(config.routes).match(path);
    if (match === undefined) throw new CupbearerError('route-not-found', noRoute(config, path));
    const { route, rest } = match;
    checkRouteMethod(route.prefix, route.methods, method);
    const upstream = upstreamPath(route.upstream.base_path, route.strip_prefix ? rest : path, query);
    return { method, target, ...describe(config, route, route.upstream.origin + upstream) };
  } catch (error) {
    if (!(error instanceof CupbearerError)) throw error;
    return {
      method,
      target,
      refused: { status: errorTable[error.code].status, code: error.code, detail: error.message },
    };
  }
}

/** The request target of a URL as a client would send it, nothing normalised. */
function ownTarget(config: Config, url: string): string {
  const [, authority, rest = ''] = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url) ?? [];
  if (authority === undefined) return url;
  const host = authority.replace(/:\d*$/, '').toLowerCase();
  if (!allowedHosts(config.server.hosts).name(host)) throw hostRefused();
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function noRoute(config: Config, path: string): string {
  const prefixes = config.routes.map(({ prefix }) => prefix);
  const first = /^\/[^/]*/.exec(path)?.[0] ?? path;
  const near = nearest(first, prefixes);
  const known = prefixes.length <= 16 ? `; the routes are ${prefixes.join(', ')}` : '';
  return `no route has a prefix of this path${near === undefined ? known : `; did you mean ${near}?`}`;
}

/** Not removed but written anew. */
const rewritten = new Set(['host', 'content-length', 'via']);

function describe(config: Config, route: Route, upstream: string): Omit<Forwarded, 'method' | 'target'> {
  const { provider, credential } = partsOf(config, route);
  const { header, value, headers } = provider.attach;
  const tenant = credential.tenant?.header;
  const hasCallers = Object.keys(config.callers).length > 0;
  return {
    route: route.prefix,
    upstream,
    credential: route.credential,
    provider: provider.name,
    grant_type: credential.grant_type,
    tenant_header: tenant,
    callers: hasCallers ? allowedCallers(config, route) : undefined,
    fields: {
      injected: Object.entries({ [header]: value, ...headers }).map(
        ([name, text]) => `${name}: ${shownTemplate(text)}`,
      ),
      set: Object.keys(route.headers.set),
      removed: [...policyOf(config, route).drop].filter((name) => !rewritten.has(name)).sort(),
    },
  };
}

function allowedCallers({ callers }: Config, route: Route): string[] {
  return Object.entries(callers)
    .filter(
      ([name, { routes }]) =>
        (routes?.includes(route.prefix) ?? true) && (route.callers?.includes(name) ?? true),
    )
    .map(([name]) => name);
}

/** A template with its scheme and placeholders; any other text in it may be a secret and is not shown. */
function shownTemplate(template: string): string {
  const [, scheme = '', rest = ''] = /^([A-Za-z]{1,20} (?=.*\{))?(.*)$/s.exec(template) ?? [];
  return (
    scheme +
    rest.replace(
      /(\{[A-Za-z_][A-Za-z0-9_.-]*\})|(?:(?!\{[A-Za-z_][A-Za-z0-9_.-]*\}).)+/gs,
      (_, name) => name ?? '***',
    )
  );
}

function render(explanation: Explanation): string {
  const head = `${explanation.method} ${explanation.target}\n`;
  if ('refused' in explanation) {
    const { status, code, detail } = explanation.refused;
    return `${head}  refused     ${status} ${code}: ${detail}\n`;
  }
  const { fields, callers, tenant_header } = explanation;
  const rows: [string, string | undefined][] = [
    ['route', explanation.route],
    ['upstream', explanation.upstream],
    [
      'credential',
      `${explanation.credential} (${explanation.grant_type} at provider ${explanation.provider})`,
    ],
    ['tenant', tenant_header && `named by the field ${tenant_header}, which the caller must send`],
    ['callers', callers && (callers.join(', ') || 'none')],
    ['injected', fields.injected.join(', ')],
    ['set', fields.set.join(', ') || undefined],
    ['removed', fields.removed.join(', ')],
  ];
  return (
    head + rows.map(([name, text]) => (text === undefined ? '' : `  ${name.padEnd(12)}${text}\n`)).join('')
  );
}
