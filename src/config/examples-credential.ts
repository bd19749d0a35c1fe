import type { ExampleTree } from './example-tree.ts';

/** Trust and client certificate towards one server. */
export const tlsExamples: ExampleTree = {
  $: [{ ca: '/tls/ca.pem' }, { cert: '/tls/client.pem', key: '/tls/client.key' }],
  ca: ['/tls/ca.pem'],
  cert: ['/tls/client.pem'],
  key: ['/tls/client.key'],
};

/** One entry of `credentials:`. */
export const credentialExamples: ExampleTree = {
  $: [
    { provider: 'realer', client_id: '${REALER_CLIENT_ID}', client_secret: '${REALER_CLIENT_SECRET}' },
    {
      provider: 'revo-digital',
      grant_type: 'authorization_code',
      client_id: '${REVO_DIGITAL_CLIENT_ID}',
      client_secret: '${file:/run/secrets/revo-digital}',
    },
  ],
  provider: ['realer', 'oauth2', 'acme'],
  grant_type: ['client_credentials', 'authorization_code', 'refresh_token'],
  base_url: ['https://rev.example', '${REV_URL}'],
  client_id: ['${REALER_CLIENT_ID}'],
  client_secret: [
    '${file:/run/secrets/realer}',
    '${REALER_CLIENT_SECRET}',
    ['${file:/run/secrets/realer-next}', '${file:/run/secrets/realer}'],
  ],
  private_key: ['${file:/run/secrets/key.pem}'],
  private_key_id: ['2026-01'],
  signing_alg: ['ES256'],
  client_assertion: ['${file:/var/run/secrets/tokens/identity}'],
  assertion: ['${file:/var/run/secrets/tokens/identity}'],
  assertion_claims: [{ iss: '${CLIENT_ID}', sub: 'reports@acme.example', aud: ['https://id.acme.example'] }],
  subject_token: ['${file:/var/run/secrets/tokens/identity}'],
  subject_token_type: ['urn:ietf:params:oauth:token-type:jwt'],
  actor_token: ['${file:/run/secrets/actor}'],
  actor_token_type: ['urn:ietf:params:oauth:token-type:access_token'],
  requested_token_type: ['urn:ietf:params:oauth:token-type:access_token'],
  audience: ['https://api.acme.example', ['https://api.acme.example', 'https://billing.acme.example']],
  resource: ['https://api.acme.example/v2', ['https://api.acme.example/', 'https://billing.acme.example/']],
  using: ['realer'],
  redirect_uri: ['https://app.example/callback'],
  revoke_on_shutdown: [true],
  tls: tlsExamples,
  scope: ['iot:catalog:read iot:feed-data:write', ['iot:catalog:read', 'iot:feed-data:write']],
  token: ['${file:/run/secrets/acme}'],
  username: ['${ACME_USER}'],
  password: ['${file:/run/secrets/acme-password}'],
  refresh_token: ['${REVO_DIGITAL_REFRESH_TOKEN}'],
  params: [{ user_type: 'Company' }, { audience: 'https://api.acme.example', scope: null }],
  tenant: {
    $: [{ header: 'X-Location-Id' }],
    header: ['X-Location-Id'],
    max: [10_000],
  },
  default_lifetime: ['10m'],
  warm: [true],
};
