import type { IncomingMessage } from 'node:http';
import { CupbearerError } from '../errors.ts';
import type { TokenSource } from '../token/token.ts';
import type { Callers } from './caller.ts';
import { singleField } from './fields.ts';
import type { GatewayRoute } from './gateway-route.ts';
import { type GuardPolicy, guard, type RequestHead } from './guard.ts';
import { checkRouteMethod } from './method.ts';
import { checkTarget, upstreamPath } from './path.ts';
import type { Exchange } from './record.ts';
import type { RouteTable } from './routes.ts';

export interface AcceptOptions {
  readonly table: RouteTable<GatewayRoute>;
  readonly policy: GuardPolicy;
  readonly callers: Callers;
  /** Our pseudonym in Via (RFC 9110 §7.6.3). */
  readonly via: string;
}

/** A request that may go upstream. */
export interface Accepted {
  readonly head: RequestHead;
  readonly route: GatewayRoute;
  readonly source: TokenSource;
  /** Whose token it is; undefined when the credential has no tenants. */
  readonly tenant: string | undefined;
  /** Path and query for the upstream. */
  readonly path: string;
}

/**
 * guard → path → route → caller: what an incoming request, plain or Upgrade, must pass before anything is asked of
 * anyone. Notes what it learns in the record. Throws CupbearerError.
 */
export function accept(record: Exchange, incoming: IncomingMessage, options: AcceptOptions): Accepted {
  const head = guard(incoming, options.policy);
  const target = checkTarget(ownTarget(incoming.url ?? '', options.policy));
  const match = options.table.match(target.path);
  record.caller = options.callers.identify(head, incoming.socket);
  if (match === undefined) {
    throw new CupbearerError(
      'route-not-found',
      'no route has a prefix of this path; `cupbearer check` lists the routes',
    );
  }
  const { route, rest } = match;
  record.route = route.prefix;
  record.credential = route.config.credential;
  options.callers.admit(record.caller, route.prefix, route.config.callers);
  checkRouteMethod(route.prefix, route.config.methods, record.method);
  if (head.via.some((value) => value.includes(options.via))) {
    throw new CupbearerError(
      'loop-detected',
      `route ${route.prefix}: the request has already been through this proxy`,
    );
  }
  const { base_path } = route.config.upstream;
  const path = upstreamPath(base_path, route.config.strip_prefix ? rest : target.path, target.query);
  const tenant = tenantOf(route, head);
  return { head, route, source: route.source(tenant), tenant, path };
}

/** An absolute-form target is accepted for our own authority alone (RFC 9112 §3.2.2). Throws `host-refused`. */
function ownTarget(raw: string, { hosts }: GuardPolicy): string {
  if (raw.charCodeAt(0) === 0x2f) return raw;
  const [, host = '', rest = ''] =
    /^https?:\/\/(\[[^\]/?#@]*\]|[^/?#@:]*)(?::\d{1,5})?([/?].*)?$/i.exec(raw) ?? [];
  if (host === '') return raw;
  if (!hosts.name(host)) throw new CupbearerError('host-refused', 'this host is not served here');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function tenantOf(route: GatewayRoute, head: RequestHead): string | undefined {
  if (route.tenantField === undefined) return undefined;
  const tenant = singleField(head, route.tenantField);
  if (tenant === undefined || tenant === null || tenant === '') {
    throw new CupbearerError(
      'tenant-required',
      `route ${route.prefix} needs exactly one ${route.tenantField} field`,
    );
  }
  return tenant;
}
