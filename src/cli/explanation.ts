import type { Config, Route } from '../config/config.ts';
import { CupbearerError, type ErrorCode, errorTable } from '../errors.ts';
import { partsOf, policyOf } from '../gateway/compile.ts';
import { checkTarget, upstreamPath } from '../gateway/path.ts';
import { createRouteTable } from '../gateway/routes.ts';
import { changeFor } from './explained-change.ts';
import {
  allowedCallers,
  type Decided,
  type Decision,
  decisionsOf,
  targetFault,
} from './explained-decisions.ts';
import { type RequestHeadText, type RequestToExplain, requestHead, routeOf } from './explained-request.ts';
import { type ProblemDetails, rehearse, type Verdict } from './rehearsal.ts';

/** What becomes of a request. Holds no secret: values of fields are templates or left out. */
export type Explanation = Forwarded | Refused | Answered;

interface Explained {
  readonly method: string;
  readonly target: string;
  /** What the proxy decides, in order; ends with what refuses the request. */
  readonly decisions: readonly Decision[];
}

export interface Forwarded extends Explained {
  readonly route: string;
  readonly upstream: string;
  readonly credential: string;
  readonly provider: string;
  readonly grant_type: string;
  /** The field the caller must send. */
  readonly tenant_header: string | undefined;
  /** Undefined when anyone may call. */
  readonly callers: readonly string[] | undefined;
  /** Who calls, as far as that was said. */
  readonly caller: string | undefined;
  readonly fields: {
    readonly injected: readonly string[];
    readonly set: readonly string[];
    readonly removed: readonly string[];
  };
}

export interface Refused extends Explained {
  readonly refused: {
    readonly status: number;
    readonly code: ErrorCode;
    readonly detail: string;
    readonly what_to_do: string | undefined;
    /** What callers get; undefined for an answer without a body. */
    readonly problem: ProblemDetails | undefined;
  };
}

/** The proxy answers by itself, without a refusal. */
export interface Answered extends Explained {
  readonly answered: { readonly status: number; readonly detail: string };
}

/** What the proxy would do with a request, decided by its own data path. Throws `usage` for what no request can be. */
export async function explain(config: Config, request: RequestToExplain): Promise<Explanation> {
  const head = requestHead(config, request);
  const fault = unsendable(request.method, head.target);
  const known = head.tellsCaller ? config : { ...config, callers: {} };
  const verdict = fault === undefined ? await tried(known, request.method, head) : verdictOf(fault);
  const decided: Decided = { config, request, head, verdict, route: routeOf(config, head.target) };
  const about = { method: request.method, target: head.target };
  if (verdict.isForwarded) {
    const told = describe(config, decided.route as Route, upstreamOf(config, head.target));
    return { ...about, ...told, caller: verdict.caller, decisions: decisionsOf(decided) };
  }
  if (verdict.code === undefined) {
    const detail = 'the proxy answers this itself: OPTIONS about itself, or with Max-Forwards: 0';
    return { ...about, answered: { status: verdict.status, detail }, decisions: decisionsOf(decided) };
  }
  return { ...about, refused: refusalOf(decided, verdict.code), decisions: decisionsOf(decided) };
}

function refusalOf(decided: Decided, code: ErrorCode): Refused['refused'] {
  const { verdict, head, request } = decided;
  const change = changeFor(decided);
  const own = verdict.problem?.detail ?? errorTable[code].title;
  // A parser that gave up says less than what is wrong.
  const better = code === 'malformed-request' ? targetFault(head.target, request.method)?.message : undefined;
  const detail =
    code === 'route-not-found' && change !== undefined
      ? `no route has a prefix of this path; ${change}`
      : (better ?? own);
  const { problem, status } = verdict;
  return { status, code, detail, what_to_do: code === 'route-not-found' ? undefined : change, problem };
}

/** To HEAD no problem details are sent: those that another method would get stand in. */
async function tried(config: Config, method: string, head: RequestHeadText): Promise<Verdict> {
  const verdict = await rehearse(config, head.bytes);
  if (method !== 'HEAD' || verdict.code === undefined) return verdict;
  const route = routeOf(config, head.target);
  if (verdict.code === 'method-not-allowed' && route !== undefined) {
    const detail = `route ${route.prefix} allows ${route.methods?.join(', ')}`;
    return { ...verdict, problem: problemOf(verdict.code, detail) };
  }
  const routes = config.routes.map((one) => ({ ...one, methods: undefined }));
  const bytes = Buffer.concat([Buffer.from('GET'), head.bytes.subarray('HEAD'.length)]);
  const { problem } = await rehearse({ ...config, routes }, bytes);
  return { ...verdict, problem };
}

function problemOf(code: ErrorCode, detail: string): ProblemDetails {
  const { status, title } = errorTable[code];
  return { type: `urn:cupbearer:problem:${code}`, title, status, detail };
}

/** Why this cannot be written as a request line at all. */
function unsendable(method: string, target: string): CupbearerError | undefined {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Z]+$/.test(method))
    return new CupbearerError('malformed-request', 'this is not a method');
  try {
    if (/[\0-\x20\x7f]/.test(target)) checkTarget(target);
    return undefined;
  } catch (error) {
    if (error instanceof CupbearerError) return error;
    throw error;
  }
}

function verdictOf({ code, message: detail }: CupbearerError): Verdict {
  const problem = problemOf(code, detail);
  const { status } = problem;
  return { isForwarded: false, status, code, problem, caller: undefined, route: undefined };
}

/** The URL that the upstream is asked for. */
function upstreamOf(config: Config, target: string): string {
  const { path, query } = checkTarget(target);
  const match = createRouteTable(config.routes).match(path);
  if (match === undefined) throw new Error('a request without a route was forwarded');
  const { route, rest } = match;
  return (
    route.upstream.origin + upstreamPath(route.upstream.base_path, route.strip_prefix ? rest : path, query)
  );
}

/** Not removed but written anew. */
const rewritten = new Set(['host', 'content-length', 'via', 'traceparent', 'tracestate', 'x-request-id']);

function describe(
  config: Config,
  route: Route,
  upstream: string,
): Omit<Forwarded, keyof Explained | 'caller'> {
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
