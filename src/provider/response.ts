import { type Answer, parseAnswer, valueAt } from './answer.ts';
import { answerTime, readLifetime, readSeconds } from './expiry.ts';
import { likelyPath } from './likely-path.ts';
import type { Provider } from './provider.ts';
import { classify, notUnderstood, type TokenRefusal } from './refusal.ts';

export type { TokenRefusal } from './refusal.ts';

/** A token and what the vendor says about it. Holds secrets: never log it. */
export interface TokenAnswer {
  readonly ok: true;
  readonly accessToken: string;
  /** undefined when absent, null or empty: the old one stays in force (RFC 6749 §6). */
  readonly refreshToken: string | undefined;
  /** 0 when the token had expired on arrival. */
  readonly lifetimeMs: number;
  /** False when default_lifetime stands in. */
  readonly lifetimeKnown: boolean;
  readonly renewAfterMs: number | undefined;
  /** Top-level texts, numbers and booleans of the answer, and `access_token`, for `renderAttach`. */
  readonly fields: Readonly<Record<string, string>>;
  /** For the operator; hold nothing of the answer. */
  readonly warnings: readonly string[];
}

export interface TokenResponse {
  readonly provider: Provider;
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: string;
  /** The Date field of the response. */
  readonly date?: string | undefined;
  /** Where a redirect leads. */
  readonly location?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly wallNow: number;
  /** Texts that no refusal may show, whatever the vendor echoes: client secret, refresh token, password. */
  readonly secrets?: readonly string[] | undefined;
}

/**
 * Reads a token endpoint's answer. Any 2xx with a token is one (vendors answer 200 and 201), unless its `error` says
 * otherwise; everything else is a refusal that says whether asking again makes sense. Never throws.
 */
export function readTokenAnswer(response: TokenResponse): TokenAnswer | TokenRefusal {
  const { provider, status, contentType, body } = response;
  if (!(status >= 200 && status <= 299)) return classify(response);
  const answer = isHtml(contentType, body) ? undefined : parseAnswer(body);
  const token = answer && valueAt(answer, provider.response.access_token);
  const saysError = typeof answer?.error === 'string' && answer.error !== '';
  if (!answer || saysError || token === undefined || token === null || token === '') {
    const refusal = classify(response);
    if (refusal.error !== undefined) return refusal;
    if (saysError) return notUnderstood(status, 'with an error');
    return notUnderstood(status, lacking(provider, contentType, body, answer), {
      advice: adviceOnLack(response, answer),
    });
  }
  const flaw = tokenFlaw(token);
  if (flaw !== undefined) return notUnderstood(status, `its ${provider.response.access_token} ${flaw}`);
  const type = tokenType(provider, answer);
  if (type === 'unusable') {
    const why =
      'its token_type needs proof with each request (MAC, DPoP), which a Bearer field does not give';
    return notUnderstood(status, why, { kind: 'config' });
  }
  return accept(response, answer, String(token), type === 'unknown' ? ['token_type is not Bearer'] : []);
}

/**
 * The refresh token in an answer that may be unusable otherwise, so that it can be kept before anything is validated.
 * undefined when absent, null, empty or no text.
 */
export function readRefreshToken(provider: Provider, body: string): string | undefined {
  const answer = parseAnswer(body);
  const value = answer && valueAt(answer, provider.response.refresh_token);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The tenant that the answer to a login is for; undefined when it does not say. */
export function readTenant(provider: Provider, body: string): string | undefined {
  const answer = parseAnswer(body);
  const value = answer && valueAt(answer, provider.response.tenant);
  return (typeof value === 'string' && value !== '') || typeof value === 'number' ? String(value) : undefined;
}

function accept(
  response: TokenResponse,
  answer: Answer,
  accessToken: string,
  warnings: string[],
): TokenAnswer {
  const { provider, body, date, wallNow } = response;
  const lifetime = readLifetime(answer, provider.response, answerTime(date, wallNow));
  const hint = valueAt(answer, provider.response.renew_after);
  const renewAfterMs = readSeconds(hint);
  const hintUnread = hint !== undefined && hint !== null && renewAfterMs === undefined;
  const scalars = Object.entries(answer).filter(([, value]) =>
    /^(string|number|boolean)$/.test(typeof value),
  );
  return {
    ok: true,
    accessToken,
    refreshToken: readRefreshToken(provider, body),
    lifetimeMs: lifetime.lifetimeMs,
    lifetimeKnown: lifetime.lifetimeKnown,
    renewAfterMs,
    fields: Object.fromEntries([
      ...scalars.map(([name, value]) => [name, String(value)] as const),
      ['access_token', accessToken] as const,
    ]),
    warnings: [
      ...warnings,
      ...lifetime.warnings,
      ...(hintUnread ? [`${provider.response.renew_after} is not a number of seconds`] : []),
    ],
  };
}

function isHtml(contentType: string | undefined, body: string): boolean {
  return (
    /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(contentType ?? '') || /^\s*</.test(body.slice(0, 1024))
  );
}

function lacking(
  provider: Provider,
  contentType: string | undefined,
  body: string,
  answer: Answer | undefined,
): string {
  if (answer !== undefined) return `has no ${provider.response.access_token}`;
  if (body.trim() === '') return 'the body is empty';
  return isHtml(contentType, body) ? 'with an HTML page' : 'the body is not a JSON object';
}

function adviceOnLack(
  { provider, contentType, body, secrets = [] }: TokenResponse,
  answer: Answer | undefined,
): string {
  if (answer === undefined)
    return isHtml(contentType, body) ? 'check token.url: a page for people is there' : 'check token.url';
  const path = likelyPath(answer, secrets);
  const found = path === undefined ? '' : `; the answer has ${path}`;
  return `check response.access_token, now ${provider.response.access_token}${found}`;
}

/** A token goes into a header field: visible ASCII without spaces. A number is no token, JSON may have rounded it. */
function tokenFlaw(token: unknown): string | undefined {
  if (typeof token !== 'string') return 'is not a text';
  if (token.length > 16_384) return 'is longer than 16 KiB';
  return /^[\x21-\x7e]+$/.test(token) ? undefined : 'has characters that may not stand in a header field';
}

/**
 * Whether a Bearer field can carry the token (RFC 6749 §7.1). Absent (LinkedIn), `BearerToken` (Apigee), `bot` (Slack) and
 * `N_A` (RFC 8693 §2.2.1) can; MAC, DPoP and PoP cannot. A provider with another attach template decided for itself.
 */
function tokenType(provider: Provider, answer: Answer): 'bearer' | 'unknown' | 'unusable' {
  const type = answer.token_type;
  if (!/^bearer\b/i.test(provider.attach.value) || type === undefined || type === null) return 'bearer';
  if (typeof type !== 'string') return 'unknown';
  const name = type.trim().toLowerCase();
  if (/^(|bearer|bearertoken|bot|n_a)$/.test(name)) return 'bearer';
  return /^(mac|dpop|pop)$/.test(name) ? 'unusable' : 'unknown';
}
