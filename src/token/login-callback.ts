import { timingSafeEqual } from 'node:crypto';
import { CupbearerError } from '../errors.ts';
import type { Authorize } from '../provider/provider.ts';

/**
 * What a redirect back to us says. `foreign`: it does not belong to this login, which goes on waiting. `refused`: there
 * will be no code. Messages are for the person and hold nothing that is not cleaned.
 */
export type Callback =
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'foreign'; readonly message: string };

/** What a redirect is checked against. */
export interface Expected {
  /** 256 random bits that it must bring back (RFC 6749 §10.12). */
  readonly state: string;
  readonly authorize: Authorize;
  /** Of the login page and of the token endpoint: one of them is the origin of `iss` when no issuer is configured. */
  readonly origins: readonly string[];
}

/**
 * Reads the query of a redirect (RFC 6749 §4.1.2) for the login that expects this. No parameter may come twice. When an
 * issuer is configured `iss` must be there and be it (RFC 9207 §2.4); without one an `iss` that comes must be from the
 * login page's or the token endpoint's origin: else two providers were mixed up (RFC 9700 §4.4). In errors too.
 */
export function readCallback(query: string, { state, authorize, origins }: Expected): Callback {
  const parameters = readQuery(query);
  if (parameters === undefined) {
    return { kind: 'foreign', message: 'the address is malformed, or a parameter is repeated in it' };
  }
  if (!sameText(parameters.get('state')?.form ?? '', state)) {
    return { kind: 'foreign', message: 'the address does not belong to this login: its state is another' };
  }
  const refused = (message: string): Callback => ({ kind: 'refused', message });
  const fault = issuerFault(parameters.get('iss')?.form, authorize.issuer, origins);
  if (fault !== undefined) return refused(fault);
  const error = parameters.get('error')?.form;
  if (error !== undefined) return refused(describe(error, parameters.get('error_description')?.form));
  const code = parameters.get(authorize.code_param)?.percent;
  if (code !== undefined && /^[\x20-\x7e]{1,4096}$/.test(code)) return { kind: 'code', code };
  return refused(`the answer has no ${authorize.code_param}; check the provider's authorize.code_param`);
}

function issuerFault(
  iss: string | undefined,
  issuer: string | undefined,
  origins: readonly string[],
): string | undefined {
  if (issuer !== undefined) {
    if (iss === undefined) return 'the answer does not say who gave it (iss), as the provider should';
    return iss === issuer ? undefined : 'the answer comes from another issuer than the provider';
  }
  if (iss === undefined || (URL.canParse(iss) && origins.includes(new URL(iss).origin))) return undefined;
  return `the answer is from ${cleaned(iss) || 'nobody'} (iss), which is neither where the login nor where the token endpoint is; if the provider says that this is its issuer, set authorize.issuer to it`;
}

/** The one `state` of a query; undefined when it is malformed or there is none. */
export function stateOf(query: string): string | undefined {
  return readQuery(query)?.get('state')?.form;
}

/** Whether both are the same, in a time that tells nothing but the length. */
export function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Why nobody is waited for any longer: what the signal says of itself, or that the time is over. */
export function whyEnded({ reason }: AbortSignal, timeOver: string): CupbearerError {
  return reason instanceof CupbearerError ? reason : new CupbearerError('login-refused', timeOver);
}

/** Text from outside as it may be shown: no control or invisible characters, at most 200 characters. */
export function cleaned(text: string): string {
  const plain = text.replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  const characters = [...plain];
  return characters.length <= 200 ? plain : `${characters.slice(0, 199).join('')}…`;
}

interface Parameter {
  /** Decoded as application/x-www-form-urlencoded: a plus is a space. */
  readonly form: string;
  /** A plus is a plus: codes hold some that nobody encoded (Vbrick's own client). */
  readonly percent: string;
}

function readQuery(query: string): ReadonlyMap<string, Parameter> | undefined {
  const parameters = new Map<string, Parameter>();
  try {
    for (const part of query.split('&')) {
      if (part === '') continue;
      const [, name = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(part) ?? [];
      const key = decodeURIComponent(name.replaceAll('+', ' '));
      if (parameters.has(key)) return undefined;
      const form = decodeURIComponent(value.replaceAll('+', ' '));
      parameters.set(key, { form, percent: decodeURIComponent(value) });
    }
    return parameters;
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** RFC 6749 §4.1.2.1, and those of OpenID Connect Core §3.1.2.6 that people meet. */
const meanings: Readonly<Record<string, string>> = {
  access_denied: 'access was not granted',
  invalid_request: 'the provider did not understand the request; check redirect_uri and authorize.params',
  invalid_scope: 'the provider does not know the scope; check scope',
  unauthorized_client: 'this client may not log people in; check client_id',
  unsupported_response_type: 'the provider gives no codes to this client',
  server_error: 'the provider failed; try again',
  temporarily_unavailable: 'the provider is not available now; try again later',
  login_required: 'the provider wants the person to log in there first',
  consent_required: 'the provider wants the consent of the person first',
  interaction_required: 'the provider wants something of the person first',
};

function describe(error: string, description: string | undefined): string {
  const code = /^[A-Za-z0-9_.-]{1,64}$/.test(error) ? error : 'an unreadable error';
  const meaning = Object.hasOwn(meanings, code) ? `: ${meanings[code]}` : '';
  const told = cleaned(description ?? '');
  return `the provider refused the login (${code})${meaning}${told === '' ? '' : `. It says: ${told}`}`;
}
