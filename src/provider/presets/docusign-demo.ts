import type { ProviderSpec } from '../provider.ts';

/** Docusign's developer environment: the same at `account-d.docusign.com`, with accounts and keys of its own. */
export const docusignDemo: ProviderSpec = {
  extends: 'docusign',
  token: { url: 'https://account-d.docusign.com/oauth/token' },
  exchange: { url: 'https://account-d.docusign.com/oauth/token' },
  refresh: { url: 'https://account-d.docusign.com/oauth/token' },
  authorize: { url: 'https://account-d.docusign.com/oauth/auth' },
  assertion_claims: { aud: 'account-d.docusign.com' },
};
