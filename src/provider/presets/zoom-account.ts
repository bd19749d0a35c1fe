import type { ProviderSpec } from '../provider.ts';

/**
 * Zoom for an account of one's own, "Server-to-Server OAuth" (https://developers.zoom.us/docs/internal-apps/s2s-oauth/), with
 * grant_type client_credentials.
 * - Zoom calls the grant `account_credentials`, and wants `account_id`: the credential's `params: { account_id: … }`.
 * - Tokens are good for one hour; there is no refresh token, and several tokens may be in use.
 */
export const zoomAccount: ProviderSpec = {
  extends: 'zoom',
  grant_types: ['client_credentials'],
  token: { params: { grant_type: 'account_credentials', account_id: '{account_id}', scope: null } },
  authorize: null,
};
