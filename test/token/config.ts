import type { CredentialConfig } from '../../src/config/schema.ts';
import { Secret } from '../../src/config/secret.ts';

/** A credential as routes.yaml gives it. */
export function credentialConfig(over: Partial<CredentialConfig> = {}): CredentialConfig {
  return {
    provider: 'test',
    grant_type: 'client_credentials',
    client_id: 'id',
    client_secret: new Secret('client-secret'),
    params: {},
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    revoke_on_shutdown: false,
    tls: {},
    warm: false,
    ...over,
  };
}
