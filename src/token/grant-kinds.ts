import type { CredentialConfig } from '../config/schema.ts';
import { type DirectGrantType, jwtBearer, tokenExchange } from '../provider/grant-type.ts';
import type { Json } from '../provider/provider.ts';
import { latest } from './secrets.ts';

/** A grant that asks for each token afresh. */
export interface GrantKind {
  /** Milliseconds one flight may take. */
  readonly timeoutMs: number;
  /** Asking twice does no harm. */
  readonly repeatable: boolean;
  /** Its parameters by their standard names. What others renew in its file is read at every call. */
  params(config: CredentialConfig, given: Given): Params | Promise<Params>;
}

type Params = Record<string, Json | undefined>;

/** What a grant's parameters may need besides the configuration. */
interface Given {
  /** The value of the token of `using`. */
  readonly borrowed: string | undefined;
  /** Signs `assertion_claims`. */
  sign(): Promise<string>;
}

/** What every grant may say of what the token is for (RFC 6749 §3.3, RFC 8707 §2, RFC 8693 §2.1). */
export function target({ scope, audience, resource }: CredentialConfig): Params {
  return { scope, audience, resource };
}

/** RFC 6749 §4.4 and §4.3, RFC 7523 §2.1, RFC 8693 §2.1. */
export const grantKinds: Readonly<Record<DirectGrantType, GrantKind>> = {
  client_credentials: {
    timeoutMs: 10_000,
    repeatable: true,
    params: (config) => ({ grant_type: 'client_credentials', ...target(config) }),
  },
  password: {
    timeoutMs: 10_000,
    repeatable: false,
    params: (config) => ({
      grant_type: 'password',
      username: config.username,
      password: config.password?.reveal(),
      ...target(config),
    }),
  },
  [jwtBearer]: {
    timeoutMs: 10_000,
    repeatable: true,
    params: async (config, { sign }) => ({
      grant_type: jwtBearer,
      assertion: latest(config.assertion) ?? (await sign()),
      ...target(config),
    }),
  },
  [tokenExchange]: {
    timeoutMs: 10_000,
    repeatable: true,
    params: (config, { borrowed }) => ({
      grant_type: tokenExchange,
      subject_token: borrowed ?? latest(config.subject_token),
      subject_token_type: config.subject_token_type,
      actor_token: latest(config.actor_token),
      actor_token_type: config.actor_token_type,
      requested_token_type: config.requested_token_type,
      ...target(config),
    }),
  },
};
