import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { CupbearerError } from '../errors.ts';
import type { TokenSource } from '../token/token.ts';
import type { Callers } from './caller.ts';
import { type GatewayRoute, ProxiedExchange } from './exchange.ts';
import { singleField } from './fields.ts';
import { type AllowedHosts, guard, type RequestHead } from './guard.ts';
import { checkRouteMethod } from './method.ts';
import { checkTarget, upstreamPath } from './path.ts';
import { answerProblem, type Exchange, exchangeFactory } from './record.ts';
import type { ReplayBudget } from './replay-budget.ts';
import type { RouteTable } from './routes.ts';
import type { Watch } from './watch.ts';

export interface EdgeOptions {
  readonly table: RouteTable<GatewayRoute>;
  readonly hosts: AllowedHosts;
  readonly callers: Callers;
  readonly budget: ReplayBudget;
  readonly watch: Watch;
  /** Whether we are stopping: answers then end their connection. */
  readonly draining: () => boolean;
  /** Our pseudonym in Via (RFC 9110 §7.6.3). */
  readonly via: string;
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Called once for every exchange, when it is over. */
  readonly onEnd: (exchange: Exchange) => void;
}

/** Why a request goes no further. */
interface Refusal {
  readonly error: unknown;
  readonly record: Exchange;
}

/**
 * The listener of the data path. A request that may be proxied is handed to a ProxiedExchange with its Node streams and
 * never becomes a Web Request; what is refused is answered by a Hono app.
 */
export function createEdge(options: EdgeOptions): RequestListener {
  const newExchange = exchangeFactory(options.now);
  // Set while the app below is called: it looks at it before it gives up control.
  let refusal: Refusal | undefined;
  const refused = () => refuse(refusal ?? { error: undefined, record: newExchange('') }, options.onEnd);
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.all('*', refused);
  const fetch = async (request: Request, env: HttpBindings): Promise<Response> => {
    const response = await app.fetch(request, env);
    return env.outgoing.headersSent || env.outgoing.destroyed ? RESPONSE_ALREADY_SENT : response;
  };
  const answerRefusal = getRequestListener(fetch as Parameters<typeof getRequestListener>[0], {
    overrideGlobalObjects: false,
    // A target or Host that makes no URL. Nobody reads the body of such a request, so its connection ends.
    errorHandler() {
      const response = refused();
      response.headers.set('connection', 'close');
      return response;
    },
  });
  return (incoming, outgoing) => {
    const record = newExchange(incoming.method ?? '');
    try {
      accept(record, incoming, outgoing, options).run();
    } catch (error) {
      refusal = { error, record };
      void answerRefusal(incoming, outgoing);
      refusal = undefined;
    }
  };
}

function accept(
  record: Exchange,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  options: EdgeOptions,
): ProxiedExchange {
  const head = guard(incoming, options.hosts);
  const target = checkTarget(ownTarget(incoming.url ?? '', options.hosts));
  const match = options.table.match(target.path);
  record.caller = options.callers.identify(head);
  if (match === undefined) {
    throw new CupbearerError(
      'route-not-found',
      'no route has a prefix of this path; `cupbearer explain` shows the routes',
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
  return new ProxiedExchange(record, {
    incoming,
    outgoing,
    head,
    route,
    source: sourceOf(route, head),
    path,
    budget: options.budget,
    watch: options.watch,
    draining: options.draining,
    via: options.via,
    now: options.now,
    onEnd: options.onEnd,
  });
}

/** An absolute-form target is accepted for our own authority alone (RFC 9112 §3.2.2). Throws `host-refused`. */
function ownTarget(raw: string, hosts: AllowedHosts): string {
  if (raw.charCodeAt(0) === 0x2f) return raw;
  const [, host = '', rest = ''] =
    /^https?:\/\/(\[[^\]/?#@]*\]|[^/?#@:]*)(?::\d{1,5})?([/?].*)?$/i.exec(raw) ?? [];
  if (host === '') return raw;
  if (!hosts.name(host)) throw new CupbearerError('host-refused', 'this host is not served here');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function sourceOf(route: GatewayRoute, head: RequestHead): TokenSource {
  if (route.tenantField === undefined) return route.source(undefined);
  const tenant = singleField(head, route.tenantField);
  if (tenant === undefined || tenant === null || tenant === '') {
    throw new CupbearerError(
      'tenant-required',
      `route ${route.prefix} needs exactly one ${route.tenantField} field`,
    );
  }
  return route.source(tenant);
}

function refuse({ error, record }: Refusal, onEnd: (exchange: Exchange) => void): Response {
  const answer = answerProblem(record, error);
  onEnd(record);
  return new Response(record.method === 'HEAD' ? null : answer.body, {
    status: answer.status,
    headers: answer.headers,
  });
}
