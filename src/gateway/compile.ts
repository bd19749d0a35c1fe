import type { Config } from '../config/config.ts';
import type { TokenSource } from '../token/token.ts';
import { callerFields } from './caller.ts';
import type { GatewayRoute } from './exchange.ts';
import { fieldPolicy } from './fields.ts';
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
  const controlFields = Object.keys(config.callers).length > 0 ? callerFields : [];
  return createRouteTable(
    config.routes.map((route) => {
      const provider = config.providers[route.credential];
      const credential = config.credentials[route.credential];
      if (provider === undefined || credential === undefined)
        throw new Error(`route ${route.prefix} was not validated`);
      const tenantField = credential.tenant?.header.toLowerCase();
      const shared = tenantField === undefined ? tokens.get(route.credential) : undefined;
      return {
        prefix: route.prefix,
        config: route,
        policy: fieldPolicy(
          route,
          [provider.attach.header, ...Object.keys(provider.attach.headers)],
          tenantField === undefined ? controlFields : [...controlFields, tenantField],
        ),
        pool: upstreams.poolFor(route),
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
