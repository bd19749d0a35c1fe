/** Of what sort a refusal is. */
export type RefusalKind =
  | 'transient'
  | 'config'
  | 'invalid_grant'
  | 'invalid_client'
  | 'rate_limited'
  | 'bad_answer';

/** What to do about an error code that a token endpoint names (RFC 6749 §5.2, RFC 8707 §2). */
const byCode: Readonly<Record<string, string>> = {
  invalid_scope: 'check scope: the provider does not know it, or does not give it to this client',
  unsupported_grant_type: 'check grant_type: the provider does not know it',
  unauthorized_client: 'check grant_type: the provider does not let this client use it',
  invalid_target: 'check audience and resource',
  invalid_request: "check the provider's token section: a parameter is missing or one too many",
};

/** And about an answer that names none. */
const byStatus: Readonly<Record<number, string>> = {
  404: 'check token.url: there is nothing at this path',
  405: 'check token.url and token.method',
  406: 'check token.headers: the provider wants another Accept',
  410: 'check token.url: there is nothing at this path',
  415: 'check token.encoding and token.content_type',
};

/** What comes next, or what to do, by the kind of a refusal alone. */
export const adviceByKind: Readonly<Record<RefusalKind, string>> = {
  transient: 'it is asked again later',
  rate_limited: 'it is asked again later',
  bad_answer: 'it is asked again later',
  config: 'check the provider and the credential',
  invalid_client: 'check client_id and client_secret',
  invalid_grant: 'the refresh token or password is not valid any more',
};

/** What the operator can do about a refusal that says more than its kind; undefined for any other. */
export function particularAdvice(status: number, error: string | undefined): string | undefined {
  if (status >= 300 && status <= 399) return 'redirects are not followed, check token.url';
  if (error === undefined) return byStatus[status];
  return Object.hasOwn(byCode, error) ? byCode[error] : undefined;
}

/** What comes next, or what the operator can do. */
export function adviceOn(kind: RefusalKind, status: number, error: string | undefined): string {
  return (kind === 'config' ? particularAdvice(status, error) : undefined) ?? adviceByKind[kind];
}
