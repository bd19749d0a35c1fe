import type { ExampleTree } from './example-tree.ts';

/** What the keys of every request of a provider may hold; the address differs. */
function request(url: string, whole: object): ExampleTree {
  return {
    $: [whole],
    url: [url],
    method: ['POST'],
    encoding: ['json'],
    content_type: ['application/json'],
    client_auth: ['client_secret_post'],
    basic_encoding: ['raw'],
    params: [{ audience: 'https://api.acme.example', grant_type: null }],
    rename: [{ client_id: 'clientId', client_secret: 'clientSecret' }],
    headers: [{ 'X-Tenant': '{tenant}' }],
  };
}

/** One entry of `providers:`. */
export const providerExamples: ExampleTree = {
  $: [
    {
      base_url: 'https://api.acme.example',
      token: { url: 'https://id.acme.example/token', client_auth: 'client_secret_post' },
    },
    { extends: 'realer', attach: { header: 'X-Access-Token', value: '{access_token}' } },
  ],
  extends: ['realer'],
  base_url: ['https://api.acme.example', 'https://api.acme.example/v1'],
  grant_types: [['authorization_code', 'refresh_token']],
  token: request('https://id.acme.example/token', { url: 'https://id.acme.example/token' }),
  refresh: request('/oauth/refresh', { url: '/oauth/refresh', method: 'PUT' }),
  exchange: request('/oauth/exchange', { url: '/oauth/exchange' }),
  revoke: request('/oauth/revoke', { url: '/oauth/revoke' }),
  extend: request('/sessions/{client_id}/extend', { url: '/sessions/{client_id}/extend', method: 'POST' }),
  device_authorization: request('/oauth/device', { url: '/oauth/device' }),
  authorize: {
    $: [{ url: 'https://id.acme.example/authorize' }],
    url: ['https://id.acme.example/authorize'],
    pkce: ['none'],
    params: [{ prompt: 'consent' }],
    rename: [{ client_id: 'apiKey' }],
    code_param: ['auth_code'],
    issuer: ['https://id.acme.example'],
    signature: {
      $: [{ param: 'signature', text_param: 'verifier', text: '{client_id}::{timestamp}' }],
      param: ['signature'],
      text_param: ['verifier'],
      text: ['{client_id}::{timestamp}'],
      algorithm: ['HS256'],
    },
  },
  assertion_claims: [{ aud: 'https://id.acme.example' }],
  response: {
    $: [{ access_token: 'data.token', expires: { path: 'data.expires', as: 'iso' } }],
    access_token: ['data.token'],
    refresh_token: ['data.refresh'],
    tenant: ['locationId'],
    expires: {
      $: [
        { path: 'data.expires', as: 'iso' },
        [
          { path: 'data.expires', as: 'iso' },
          { path: 'data.token', as: 'jwt' },
        ],
      ],
      path: ['data.expires'],
      as: ['iso'],
    },
    renew_after: ['renew_after'],
    default_lifetime: ['10m'],
    errors: {
      $: [[{ match: '[Ii]nvalid grant', as: 'invalid_grant' }]],
      match: ['[Ii]nvalid grant'],
      as: ['invalid_grant'],
    },
    rotation: {
      $: [{ grace: '30s' }],
      grace: ['30s', '0s'],
      replay_after_grace: [true],
    },
  },
  attach: {
    $: [{ header: 'X-Access-Token', value: '{access_token}' }],
    header: ['X-Access-Token'],
    value: ['Acme {access_token}'],
    headers: [{ 'X-Api-Version': '2' }],
  },
  refused: {
    $: [{ status: [401, 403], body: 'token (has )?expired' }],
    status: [[401, 403]],
    body: ['token (has )?expired'],
  },
};
