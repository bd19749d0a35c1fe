import { adviceOn, particularAdvice, type RefusalKind } from './advice.ts';
import { type Answer, parseAnswer } from './answer.ts';
import type { Provider } from './provider.ts';
import { showsSecret } from './shows-secret.ts';

export type { RefusalKind } from './advice.ts';

/** The token endpoint gave no token that can be used. Holds nothing secret. */
export interface TokenRefusal {
  readonly ok: false;
  /**
   * transient: try again later. rate_limited: likewise, as Retry-After says. bad_answer: not understood, try again later.
   * config: the request must change. invalid_client: id or secret must change. invalid_grant: the refresh token,
   * password or assertion is spent.
   */
  readonly kind: RefusalKind;
  /** RFC 6749 §5.2 error code, or a vendor's own in words; undefined for what could be anything else. */
  readonly error: string | undefined;
  readonly status: number;
  /** For people. */
  readonly detail: string;
  /** What to do about it, when that is more than its kind says. */
  readonly advice?: string | undefined;
}

/** RFC 6749 §4.1.2.1 and §5.2, RFC 8628 §3.5, RFC 8707 §2. */
const kinds: Readonly<Record<string, RefusalKind>> = {
  invalid_request: 'config',
  invalid_client: 'invalid_client',
  invalid_grant: 'invalid_grant',
  unauthorized_client: 'config',
  unsupported_grant_type: 'config',
  invalid_scope: 'config',
  invalid_target: 'config',
  access_denied: 'config',
  server_error: 'transient',
  temporarily_unavailable: 'transient',
  slow_down: 'transient',
};

/** Whether Cupbearer knows what the OAuth error code means. */
export function isErrorCode(code: string): boolean {
  return Object.hasOwn(kinds, code);
}

export interface UnusableResponse {
  readonly provider: Provider;
  readonly status: number;
  readonly body: string;
  /** Where a redirect leads. */
  readonly location?: string | undefined;
  /** Texts that must never be shown, whatever the vendor echoes. */
  readonly secrets?: readonly string[] | undefined;
}

/**
 * What an answer without a token means: the provider's own `response.errors` first; then 5xx, 429 and 3xx by status;
 * then the OAuth error code; then any other status. Never throws for a resolved provider.
 */
export function classify(response: UnusableResponse): TokenRefusal {
  const { provider, status, body, secrets = [] } = response;
  const answer = parseAnswer(body);
  const excerpt = body.slice(0, 65_536);
  const rule = provider.response.errors.find(({ match }) => new RegExp(match).test(excerpt));
  const error = rule?.as ?? errorCode(answer, secrets);
  const ruled = rule && Object.hasOwn(kinds, rule.as) ? kinds[rule.as] : undefined;
  const coded = error !== undefined && Object.hasOwn(kinds, error) ? kinds[error] : undefined;
  const kind = ruled ?? bindingKind(status) ?? coded ?? statusKind(status);
  const found = marks(answer, secrets);
  const leads = leadsTo(response);
  const advice = kind === 'config' ? particularAdvice(status, error) : undefined;
  const detail = describe(status, kind, error, found) + leads;
  return { ok: false, kind, error, status, detail, advice: advice && advice + leads };
}

/** A refusal of a 2xx answer that says nothing of an error. `why` holds no value of the answer. */
export function notUnderstood(
  status: number,
  why: string,
  { kind = 'bad_answer', advice }: { readonly kind?: RefusalKind; readonly advice?: string | undefined } = {},
): TokenRefusal {
  return {
    ok: false,
    kind,
    error: undefined,
    status,
    detail: `the token endpoint answered ${status}, but ${why}`,
    advice,
  };
}

/** Statuses that outweigh the body: a server in trouble, or a redirect, says nothing reliable about the credential. */
function bindingKind(status: number): RefusalKind | undefined {
  if (status === 429) return 'rate_limited';
  if (status >= 500 && status <= 599) return 'transient';
  if (status >= 300 && status <= 399) return 'config';
  return undefined;
}

function statusKind(status: number): RefusalKind {
  if (status === 401) return 'invalid_client';
  if (status === 408 || status === 425) return 'transient';
  return status >= 400 && status <= 499 ? 'config' : 'bad_answer';
}

/** Words in letters of one case: encoded secrets, tokens and URLs do not look like that. */
const vendorCode = /^(?:[a-z]+(?:[_.-][a-z]+)*|[A-Z]+(?:[_.-][A-Z]+)*)$/;
const longestCode = 64;

function errorCode(answer: Answer | undefined, secrets: readonly string[]): string | undefined {
  const error = answer?.error;
  if (typeof error !== 'string') return undefined;
  if (isErrorCode(error)) return error;
  const isWords = error.length <= longestCode && vendorCode.test(error);
  return isWords && !showsSecret(error, secrets) ? error : undefined;
}

/** Like a UUID, at most as long as one. */
const requestId = /^(?=.{1,36}$)[0-9A-Fa-f]+(?:-[0-9A-Fa-f]+){1,4}$/;

/** What the vendor's support asks for: a request id and a numeric error code. */
function marks(answer: Answer | undefined, secrets: readonly string[]): string[] {
  const id = answer?.request_id;
  const code = answer?.code;
  const found: string[] = [];
  if (typeof code === 'number' && Number.isInteger(code) && Math.abs(code) < 1e6) found.push(`code ${code}`);
  if (typeof id === 'string' && requestId.test(id)) found.push(`request_id ${id}`);
  return found.filter((mark) => !showsSecret(mark, secrets));
}

/** Where a redirect leads, without its query; nothing when that is no web address, or shows a secret. */
function leadsTo({ status, location, secrets = [] }: UnusableResponse): string {
  if (!(status >= 300 && status <= 399) || location === undefined || location.length > 2_048) return '';
  const [, shown = ''] =
    /^(https?:\/\/[^\s/?#@]+(?=[/?#]|$)(?:\/[^\s?#]*)?|\/[^\s?#]*)/i.exec(location) ?? [];
  const isPlain = /^[\x21-\x7e]{1,200}$/.test(shown) && !showsSecret(shown, secrets);
  return isPlain ? `; this one leads to ${shown}` : '';
}

function describe(
  status: number,
  kind: RefusalKind,
  error: string | undefined,
  found: readonly string[],
): string {
  const what = error === undefined ? '' : ` ${error}`;
  const more = found.length === 0 ? '' : ` (${found.join(', ')})`;
  return `the token endpoint answered ${status}${what}${more}: ${adviceOn(kind, status, error)}`;
}
