import type { ProviderSpec } from '../provider.ts';

/** Any API that wants a name and a password by HTTP Basic (RFC 7617): client_id and client_secret. */
export const basicKey: ProviderSpec = {
  grant_types: ['static'],
  attach: { header: 'Authorization', value: 'Basic {basic}' },
};
