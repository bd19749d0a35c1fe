import type { Config, Route } from '../config/config.ts';
import { CupbearerError, type ErrorCode } from '../errors.ts';
import { checkTarget } from '../gateway/path.ts';
import { fieldOf, type RequestHeadText, type RequestToExplain } from './explained-request.ts';
import type { Verdict } from './rehearsal.ts';

/** One thing the proxy decides about a request. */
export interface Decision {
  readonly step: Step;
  /** `open`: it depends on what was not said, such as the caller's key. */
  readonly result: 'passed' | 'refused' | 'open';
  readonly detail: string;
}

/** In the order in which the proxy takes them. */
const order = [
  'request',
  'host',
  'page',
  'path',
  'caller',
  'route',
  'allowed',
  'method',
  'tenant',
  'upgrade',
  'body',
] as const;

type Step = (typeof order)[number];

export interface Decided {
  readonly config: Config;
  readonly request: RequestToExplain;
  readonly head: RequestHeadText;
  readonly verdict: Verdict;
  /** The route it takes, as far as it got. */
  readonly route: Route | undefined;
}

/** The decisions in their order, up to the one that refuses. */
export function decisionsOf(decided: Decided): Decision[] {
  const { verdict } = decided;
  const last = verdict.code === undefined ? undefined : stepOf(verdict.code, decided);
  const decisions: Decision[] = [];
  for (const step of orderOf(decided)) {
    if (step === last) {
      decisions.push({ step, result: 'refused', detail: verdict.problem?.detail ?? '' });
      break;
    }
    const passed = passedDetail(step, decided);
    if (passed !== undefined) decisions.push({ step, ...passed });
  }
  return decisions;
}

/** Methods that are refused whatever the route says. */
export const never: ReadonlySet<string> = new Set(['TRACE', 'CONNECT']);

function orderOf({ request: { method } }: Decided): readonly Step[] {
  return never.has(method) ? ['request', 'host', 'page', 'method'] : order;
}

const steps: Partial<Record<ErrorCode, Step>> = {
  'host-refused': 'host',
  'browser-refused': 'page',
  'path-refused': 'path',
  'caller-unknown': 'caller',
  'too-many-attempts': 'caller',
  'route-not-found': 'route',
  'caller-not-allowed': 'allowed',
  'method-not-allowed': 'method',
  'tenant-required': 'tenant',
  'body-too-large': 'body',
};

function stepOf(code: ErrorCode, decided: Decided): Step {
  const known = steps[code];
  if (known !== undefined || code !== 'malformed-request') return known ?? 'request';
  const { verdict, head, request } = decided;
  const detail = verdict.problem?.detail ?? '';
  if (verdict.route !== undefined) return detail.includes('WebSocket') ? 'upgrade' : 'tenant';
  if (/\bHost\b/.test(detail)) return 'host';
  return targetFault(head.target, request.method) === undefined ? 'request' : 'path';
}

/** Why a target is no path that may be taken, in more words than a parser that gave up has. */
export function targetFault(target: string, method: string): CupbearerError | undefined {
  if (target === '*' && method === 'OPTIONS') return undefined;
  try {
    checkTarget(target);
    return undefined;
  } catch (error) {
    if (error instanceof CupbearerError) return error;
    throw error;
  }
}

function passedDetail(step: Step, decided: Decided): Omit<Decision, 'step'> | undefined {
  const { config, request, head, verdict, route } = decided;
  const passed = (detail: string) => ({ result: 'passed' as const, detail });
  const value = (name: string) => fieldOf(head, name);
  const hasCallers = Object.keys(config.callers).length > 0;
  switch (step) {
    case 'request':
      return passed('one Host field, a body of one length, fields within their bounds');
    case 'host':
      return passed(`${value('host')} is served here`);
    case 'page': {
      const origin = value('origin');
      return passed(origin === undefined ? 'no web page sends it' : `${origin} is in server.origins`);
    }
    case 'path':
      return passed('it can be read in one way only');
    case 'caller':
      if (!hasCallers) return passed('anyone may call');
      if (!head.tellsCaller)
        return {
          result: 'open',
          detail: `nobody said who calls; a key of ${Object.keys(config.callers).join(', ')} is needed`,
        };
      return passed(`${verdict.caller}, by its key`);
    case 'route':
      return route && passed(route.prefix);
    case 'allowed': {
      if (route === undefined || !hasCallers) return undefined;
      const { caller } = verdict;
      if (caller !== undefined) return passed(`${caller} may use ${route.prefix}`);
      return {
        result: 'open',
        detail: `these may use it: ${allowedCallers(config, route).join(', ') || 'none'}`,
      };
    }
    case 'method':
      return (
        route && passed(route.methods === undefined ? 'all but TRACE and CONNECT' : route.methods.join(', '))
      );
    case 'tenant': {
      const field = route && config.credentials[route.credential]?.tenant?.header;
      if (field === undefined) return undefined;
      return head.tellsTenant
        ? passed(`${value(field.toLowerCase())}, by the field ${field}`)
        : { result: 'open', detail: `the caller must send exactly one field ${field}` };
    }
    case 'upgrade':
      if (!request.upgrade || route === undefined) return undefined;
      return passed(
        route.upgrade ? 'a WebSocket' : 'upgrade is not true on this route: it goes on as a plain request',
      );
    case 'body':
      if (route?.max_body === undefined || request.bodySize === undefined) return undefined;
      return passed(`${request.bodySize} bytes of at most ${route.max_body}`);
  }
}

/** The callers that may use a route. */
export function allowedCallers({ callers }: Config, route: Route): string[] {
  return Object.entries(callers)
    .filter(
      ([name, { routes }]) =>
        (routes?.includes(route.prefix) ?? true) && (route.callers?.includes(name) ?? true),
    )
    .map(([name]) => name);
}
