import type { Dispatcher } from 'undici';
import type { Route } from '../config/config.ts';
import type { TokenSource } from '../token/token.ts';
import type { FieldPolicy } from './fields.ts';
import type { Send } from './upstreams.ts';

/** A route as the data path uses it: everything worked out before the first request. */
export interface GatewayRoute {
  readonly prefix: string;
  readonly config: Route;
  readonly policy: FieldPolicy;
  readonly pool: Dispatcher;
  /** For a request that is sent once more: no connection of the pool. */
  readonly sendAlone: Send;
  /** For WebSockets; undefined when the route lets none through. */
  readonly tunnelPool: Dispatcher | undefined;
  /** Lower-case field that names the tenant; undefined when the credential has none. */
  readonly tenantField: string | undefined;
  /** The credential's tokens, for one tenant when it has tenants. */
  readonly source: (tenant: string | undefined) => TokenSource;
  readonly refused: { readonly status: ReadonlySet<number>; readonly body: RegExp | undefined };
}
