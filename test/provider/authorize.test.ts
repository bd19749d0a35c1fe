import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AuthorizationInput, authorizationUrl } from '../../src/provider/authorize.ts';
import { presets } from '../../src/provider/presets.ts';
import type { ProviderSpec } from '../../src/provider/provider.ts';
import { resolveProvider } from '../../src/provider/resolve.ts';
import { refusal, url } from './building.ts';

const login = 'https://id.acme.example/login';

function at(
  authorize: ProviderSpec['authorize'],
  input: Partial<Omit<AuthorizationInput, 'provider'>> = {},
): URL {
  const provider = resolveProvider('acme', { token: { url }, authorize }, presets);
  return new URL(
    authorizationUrl({
      params: { redirect_uri: 'http://127.0.0.1:8400/callback', state: 's1' },
      client: { id: 'me', secret: 's3cret' },
      timestamp: '2025-01-01T00:00:00.000Z',
      ...input,
      provider,
    }),
  );
}

const pairs = ({ searchParams }: URL): Record<string, string> => Object.fromEntries(searchParams);

describe('the address of the login page', () => {
  test('has the parameters of RFC 6749 §4.1.1 and RFC 7636 §4.3, and no secret', () => {
    const params = {
      redirect_uri: 'http://127.0.0.1:8400/callback',
      scope: 'a b',
      state: 's1',
      code_challenge: 'c1',
    };
    const page = at({ url: login }, { params });
    expect(page.origin + page.pathname).toBe(login);
    expect(pairs(page)).toEqual({
      response_type: 'code',
      client_id: 'me',
      ...params,
      code_challenge_method: 'S256',
    });
    expect(page.href).not.toContain('s3cret');
  });

  test('has no challenge where PKCE is not known, and no method without a challenge', () => {
    const params = { state: 's1', code_challenge: 'c1', code_challenge_method: 'S256' };
    const plain = { response_type: 'code', client_id: 'me', state: 's1' };
    expect(pairs(at({ url: login, pkce: 'none' }, { params }))).toEqual(plain);
    expect(pairs(at({ url: login }, { params: { state: 's1' } }))).toEqual(plain);
  });

  test('leaves out what is empty or undefined', () => {
    expect(pairs(at({ url: login }, { params: { state: 's1', scope: '', resource: undefined } }))).toEqual({
      response_type: 'code',
      client_id: 'me',
      state: 's1',
    });
  });

  test('keeps the query of its URL, and lies under base_url when relative', () => {
    const provider = resolveProvider(
      'acme',
      { base_url: 'https://id.acme.example/v2/', token: { url }, authorize: { url: '/login?v=1' } },
      presets,
    );
    const page = authorizationUrl({ provider, params: {}, client: { id: 'me' }, timestamp: '' });
    expect(page).toBe('https://id.acme.example/v2/login?v=1&response_type=code&client_id=me');
  });

  test("has the provider's parameters over our own, by its names; null removes, placeholders are filled", () => {
    const page = at(
      {
        url: login,
        rename: { client_id: 'clientId', audience: 'aud' },
        params: {
          access_type: 'offline',
          audience: 'urn:{tenant}:{client_id}',
          resource: ['https://a/', 'https://b/'],
          state: null,
          hint: '{nobody}',
          pin: '{client_secret}',
        },
      },
      { placeholders: { tenant: 't1' }, params: { state: 's1' } },
    );
    expect([...page.searchParams]).toEqual([
      ['response_type', 'code'],
      ['clientId', 'me'],
      ['access_type', 'offline'],
      ['aud', 'urn:t1:me'],
      ['resource', 'https://a/'],
      ['resource', 'https://b/'],
    ]);
  });

  test('may have the tenant in its path', () => {
    const page = at({ url: 'https://id.acme.example/{tenant}/login' }, { placeholders: { tenant: 'a/b' } });
    expect(page.pathname).toBe('/a%2Fb/login');
  });

  test('whatever the texts, reads back as they were written', () => {
    const texts = fc.dictionary(
      fc.string({ minLength: 1, unit: 'grapheme' }),
      fc.string({ minLength: 1, unit: 'grapheme' }),
    );
    fc.assert(
      fc.property(texts, (params) => {
        fc.pre(!('code_challenge' in params) && !('code_challenge_method' in params));
        const written = { response_type: 'code', client_id: 'me', ...params };
        expect([...at({ url: login }, { params }).searchParams].sort()).toEqual(
          Object.entries(written).sort(),
        );
      }),
    );
  });
});

describe('a login that is signed', () => {
  const signature = {
    param: 'sig',
    text_param: 'signed',
    text: '{client_id}::{timestamp}',
    algorithm: 'HS256',
  } as const;

  test('carries the text and its HMAC with the client secret', () => {
    const text = 'me::2025-01-01T00:00:00.000Z';
    expect(pairs(at({ url: login, signature }))).toMatchObject({
      signed: text,
      sig: createHmac('sha256', 's3cret').update(text).digest('base64'),
    });
  });

  test('needs that secret', () => {
    const error = refusal(() => at({ url: login, signature }, { client: { id: 'me' } }));
    expect(error.code).toBe('configuration-invalid');
    expect(error.message).toMatch(/"acme".*client_secret/);
  });

  test('needs a value for everything in the text', () => {
    const error = refusal(() => at({ url: login, signature: { ...signature, text: '{client_secret}' } }));
    expect(error.message).toBe('login: the signed text needs {client_secret}, which has no value');
  });
});

describe('a provider that does not say where a person logs in', () => {
  test.each<[string, ProviderSpec['authorize']]>([
    ['at all', undefined],
    ['any more', null],
    ['but how', { pkce: 'none' }],
  ])('%s is told with the key to write', (_, authorize) => {
    const error = refusal(() => at(authorize));
    expect(error.code).toBe('configuration-invalid');
    expect(error.message).toContain('write providers.acme.authorize.url');
  });

  test('cannot carry an object in a query', () => {
    expect(refusal(() => at({ url: login, params: { claims: { a: 1 } } })).message).toContain('claims');
  });
});
