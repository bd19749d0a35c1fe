import type { ProviderSpec } from '../provider.ts';

/** Any API that wants a key as `Authorization: Bearer …` (RFC 6750 §2.1). */
export const bearerKey: ProviderSpec = {
  grant_types: ['static'],
  attach: { header: 'Authorization', value: 'Bearer {access_token}' },
};
