import { jwtBearer } from '../grant-type.ts';
import type { ProviderSpec } from '../provider.ts';

/**
 * Google, "Using OAuth 2.0 for Server to Server Applications"
 * (https://developers.google.com/identity/protocols/oauth2/service-account), with grant_type jwt-bearer.
 * - The JWT is the grant and says everything: nobody else proves who the client is.
 * - It is signed with RS256; `iss` is the account's address, `aud` the token URL, and `scope` stands among the claims;
 *   `sub` is the user it acts for. The key file has key, its id and `iss`: `private_key: ${file:/key.json}`.
 * - A JWT may be good for an hour at most, a token is good for one. There is no refresh token.
 */
export const googleServiceAccount: ProviderSpec = {
  grant_types: [jwtBearer],
  token: { url: 'https://oauth2.googleapis.com/token', client_auth: 'none', params: { client_id: null } },
};
