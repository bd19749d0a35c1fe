import type { Config, Route } from '../config/config.ts';
import type { TokenSource } from '../token/token.ts';
import { callerFields } from './caller.ts';
import { type FieldPolicy, fieldPolicy } from './fields.ts';
import type { GatewayRoute } from './gateway-route.ts';
import { createRouteTable, type RouteTable } from './routes.ts';
import type { Upstreams } from './upstreams.ts';

/** Hands out the tokens of a credential, for one tenant when it has tenants. */
export interface TokenSources {
  get(credential: string, tenant?: string): TokenSource;
}

/** The route table of a configuration: every route with its field policy, pool and token source worked out. */
export function compileRoutes(
  config: Config,
  tokens: TokenSources,
  upstreams: Upstreams,
): RouteTable<GatewayRoute> {
  return createRouteTable(
    config.routes.map((route) => {
      const { provider, credential } = partsOf(config, route);
      const tenantField = credential.tenant?.header.toLowerCase();
      const shared = tenantField === undefined ? tokens.get(route.credential) : undefined;
      return {
        prefix: route.prefix,
        config: route,
        policy: policyOf(config, route),
        pool: upstreams.poolFor(route),
        sendAlone: upstreams.aloneFor(route),
        tunnelPool: route.upgrade ? upstreams.tunnelPoolFor(route) : undefined,
        tenantField,
        source: shared === undefined ? (tenant) => tokens.get(route.credential, tenant) : () => shared,
        refused: {
          status: new Set(provider.refused.status),
          body: provider.refused.body === undefined ? undefined : new RegExp(provider.refused.body),
        },
      };
    }),
  );
}

/** The field policy of a route: the provider's fields carry the token, caller keys and the tenant are for us alone. */
export function policyOf(config: Config, route: Route): FieldPolicy {
  const { provider, credential } = partsOf(config, route);
  const { header, headers } = provider.attach;
  const callerKeys = Object.keys(config.callers).length > 0 ? callerFields : [];
  const tenant = credential.tenant === undefined ? [] : [credential.tenant.header];
  return fieldPolicy(route, [header, ...Object.keys(headers)], [...callerKeys, ...tenant]);
}

/** A route's credential and its provider. Every route of a loaded configuration has both. */
export function partsOf(config: Config, route: Route) {
  const provider = config.providers[route.credential];
  const credential = config.credentials[route.credential];
  if (provider === undefined || credential === undefined)
    throw new Error(`route ${route.prefix} was not validated`);
  return { provider, credential };
}
