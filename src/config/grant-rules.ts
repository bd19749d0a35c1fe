import { deviceCode, type GrantType, jwtBearer, tokenExchange } from '../provider/grant-type.ts';
import type { RequestKind } from '../provider/provider.ts';
import type { CredentialConfig } from './schema.ts';

export type CredentialKey = keyof CredentialConfig;

/** What a grant sends and who must send it. */
export interface GrantRule {
  readonly requests: readonly RequestKind[];
  /**
   * How far the client proves who it is, where its proof is a secret: `secret` always, `public` if it has one
   * (RFC 6749 §2.1), `optional` if it says who it is at all (RFC 7521 §4.1, RFC 8693 §2.1).
   */
  readonly client: 'secret' | 'public' | 'optional';
  readonly needs: readonly CredentialKey[];
}

/** RFC 6749 §4.4.2, §6, §4.1.3, §4.3.2; RFC 8628 §3.1 and §3.4; RFC 7523 §2.1; RFC 8693 §2.1. */
export const grantRules: Readonly<Record<GrantType, GrantRule>> = {
  client_credentials: { requests: ['token'], client: 'secret', needs: [] },
  refresh_token: { requests: ['refresh'], client: 'secret', needs: ['refresh_token'] },
  authorization_code: { requests: ['exchange', 'refresh'], client: 'public', needs: ['client_id'] },
  [deviceCode]: {
    requests: ['device_authorization', 'token', 'refresh'],
    client: 'public',
    needs: ['client_id'],
  },
  password: { requests: ['token'], client: 'secret', needs: ['username', 'password'] },
  [jwtBearer]: { requests: ['token'], client: 'optional', needs: [] },
  [tokenExchange]: { requests: ['token'], client: 'optional', needs: [] },
  static: { requests: [], client: 'optional', needs: [] },
};

/** The keys that only some grants use, and which. */
export const grantKeys: Readonly<Partial<Record<CredentialKey, readonly GrantType[]>>> = {
  username: ['password'],
  password: ['password'],
  refresh_token: ['refresh_token', 'authorization_code', deviceCode],
  redirect_uri: ['authorization_code'],
  assertion: [jwtBearer],
  subject_token: [tokenExchange],
  subject_token_type: [tokenExchange],
  actor_token: [tokenExchange],
  actor_token_type: [tokenExchange],
  requested_token_type: [tokenExchange],
  using: ['client_credentials', tokenExchange],
  token: ['static'],
};

/** A grant as messages name it: `jwt-bearer`. */
export function shortGrant(grant: GrantType): string {
  return grant.slice(grant.lastIndexOf(':') + 1);
}
