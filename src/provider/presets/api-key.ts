import type { ProviderSpec } from '../provider.ts';

/** Any API that wants a key in a field of its own; another field: `attach: { header: … }`. */
export const apiKey: ProviderSpec = {
  grant_types: ['static'],
  attach: { header: 'X-Api-Key', value: '{access_token}' },
};
