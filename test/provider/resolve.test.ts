import { describe, expect, test } from 'vitest';
import { presets } from '../../src/provider/presets.ts';
import type { ProviderSpec } from '../../src/provider/provider.ts';
import { resolveProvider } from '../../src/provider/resolve.ts';

const token = { url: 'https://id.acme.example/token' };

function message(spec: ProviderSpec, siblings: Record<string, ProviderSpec> = {}): string {
  try {
    resolveProvider('acme', spec, presets, siblings);
  } catch (error) {
    expect(error).toMatchObject({ name: 'CupbearerError', code: 'configuration-invalid' });
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

describe('what a provider extends', () => {
  test('with a URL alone it is plain RFC 6749', () => {
    const request = {
      url: token.url,
      method: 'POST',
      encoding: 'form',
      content_type: undefined,
      client_auth: 'client_secret_basic',
      basic_encoding: 'rfc6749',
      params: {},
      rename: {},
      headers: {},
    };
    expect(resolveProvider('acme', { token }, presets)).toEqual({
      name: 'acme',
      base_url: undefined,
      token: request,
      refresh: request,
      exchange: request,
      assertion_claims: {},
      response: {
        access_token: 'access_token',
        refresh_token: 'refresh_token',
        tenant: '',
        expires: [{ path: 'expires_in', as: 'seconds' }],
        renew_after: '',
        default_lifetime: 300_000,
        errors: [],
        rotation: { grace: 25_000, replay_after_grace: false },
      },
      attach: { header: 'Authorization', value: 'Bearer {access_token}', headers: {} },
      refused: { status: [401] },
    });
  });

  test('a spec with the name of a preset changes that preset', () => {
    const provider = resolveProvider('realer', { base_url: 'http://127.0.0.1:1' }, presets);
    expect(provider).toMatchObject({
      base_url: 'http://127.0.0.1:1',
      token: { url: '/oauth/token', basic_encoding: 'raw' },
      response: { renew_after: 'renew_after' },
    });
  });

  test('siblings come before presets, and one may change the preset it is named after', () => {
    const siblings: Record<string, ProviderSpec> = {
      realer: { token: { params: { from: 'sibling' } } },
      other: { extends: 'realer', refused: { status: [401, 403] } },
    };
    const provider = resolveProvider('acme', { extends: 'other' }, presets, siblings);
    expect(provider).toMatchObject({
      name: 'acme',
      token: { url: '/oauth/token', basic_encoding: 'raw', params: { from: 'sibling' } },
      refused: { status: [401, 403] },
    });
  });

  test('a provider that extends its own name means the preset, not itself', () => {
    const realer: ProviderSpec = { extends: 'realer', token: { params: { from: 'own' } } };
    expect(resolveProvider('realer', realer, presets, { realer }).token).toMatchObject({
      basic_encoding: 'raw',
      params: { from: 'own' },
    });
  });

  test('an unknown one is refused with what there is', () => {
    expect(message({ extends: 'reler' })).toMatch(/"acme" extends "reler".*realer/);
    expect(message({ extends: 'toString' })).toContain('does not exist');
  });

  test('a cycle is refused with the way round', () => {
    const siblings: Record<string, ProviderSpec> = { b: { extends: 'c' }, c: { extends: 'b' } };
    expect(message({ extends: 'b' }, siblings)).toContain('acme → b → c → b');
    expect(message({ extends: 'acme' })).toContain('acme → acme');
  });
});

describe('how layers are merged', () => {
  test('records key by key, lists as a whole, null stays', () => {
    const siblings: Record<string, ProviderSpec> = {
      base: {
        token: { ...token, params: { a: '1', b: '2' }, rename: { a: 'A' }, headers: { X: 'x' } },
        response: {
          errors: [{ match: 'x', as: 'invalid_grant' }],
          expires: { path: 'ttl', as: 'milliseconds' },
        },
        attach: { headers: { Version: '1' } },
        refused: { status: [401, 419] },
      },
    };
    const provider = resolveProvider(
      'acme',
      {
        extends: 'base',
        token: { params: { b: null, c: { deep: true } }, headers: { Y: null }, method: undefined },
        response: { errors: [] },
        attach: { headers: { Accept: 'a' } },
        refused: { body: 'expired' },
      },
      presets,
      siblings,
    );
    expect(provider.token).toMatchObject({
      ...token,
      method: 'POST',
      params: { a: '1', b: null, c: { deep: true } },
      rename: { a: 'A' },
      headers: { X: 'x', Y: null },
    });
    expect(provider.response).toMatchObject({ errors: [], expires: [{ path: 'ttl', as: 'milliseconds' }] });
    expect(provider.attach).toEqual({
      header: 'Authorization',
      value: 'Bearer {access_token}',
      headers: { Version: '1', Accept: 'a' },
    });
    expect(provider.refused).toEqual({ status: [401, 419], body: 'expired' });
  });

  test('refresh starts from the finished token request, whichever layer said what', () => {
    const siblings: Record<string, ProviderSpec> = {
      base: { token, refresh: { params: { type: 'refresh' } } },
    };
    const spec: ProviderSpec = { extends: 'base', token: { encoding: 'json', params: { audience: 'a' } } };
    expect(resolveProvider('acme', spec, presets, siblings).refresh).toMatchObject({
      ...token,
      encoding: 'json',
      params: { audience: 'a', type: 'refresh' },
    });
  });

  test('requests that there may not be are there when a layer gives them, and gone when a later one takes them back', () => {
    const siblings: Record<string, ProviderSpec> = {
      base: {
        token: { ...token, params: { a: '1' }, headers: { X: 'x' } },
        revoke: { url: '/revoke', params: { b: '2' } },
      },
      bare: { extends: 'base', revoke: null, authorize: null },
      again: { extends: 'bare', revoke: { url: '/other' } },
    };
    const revoke = (extended: string) =>
      resolveProvider('acme', { extends: extended }, presets, siblings).revoke;
    expect(revoke('base')).toMatchObject({
      url: '/revoke',
      method: 'POST',
      params: { b: '2' },
      headers: { X: 'x' },
    });
    expect(revoke('bare')).toBeUndefined();
    expect(revoke('again')).toMatchObject({ url: '/other', params: {}, headers: { X: 'x' } });
    expect(resolveProvider('acme', { extends: 'base' }, presets, siblings).extend).toBeUndefined();
  });

  test('a login is laid key by key, its parameters and names too', () => {
    const siblings: Record<string, ProviderSpec> = {
      base: {
        token,
        authorize: {
          url: '/login',
          params: { a: '1', b: '2' },
          rename: { client_id: 'id' },
          code_param: 'c',
        },
      },
    };
    const spec: ProviderSpec = {
      extends: 'base',
      authorize: { pkce: 'none', params: { b: null }, issuer: 'https://id' },
    };
    expect(resolveProvider('acme', spec, presets, siblings).authorize).toEqual({
      url: '/login',
      pkce: 'none',
      params: { a: '1', b: null },
      rename: { client_id: 'id' },
      code_param: 'c',
      issuer: 'https://id',
    });
    expect(
      resolveProvider('acme', { extends: 'base', authorize: null }, presets, siblings).authorize,
    ).toBeUndefined();
  });

  test('what is said of rotation leaves the rest of it', () => {
    const spec: ProviderSpec = { token, response: { rotation: { replay_after_grace: true } } };
    expect(resolveProvider('acme', spec, presets).response.rotation).toEqual({
      grace: 25_000,
      replay_after_grace: true,
    });
  });

  test('a changed encoding does not keep the content type of the other', () => {
    const form = resolveProvider('acme', { extends: 'revolv3', token: { encoding: 'form' } }, presets);
    expect(form.token.content_type).toBeUndefined();
    const json = resolveProvider('acme', { extends: 'revolv3', token: { encoding: 'json' } }, presets);
    expect(json.token.content_type).toBe('application/json-patch+json');
  });

  test('neither the presets nor the spec are changed', () => {
    const before = structuredClone(presets);
    resolveProvider(
      'acme',
      { extends: 'revo-digital', token: { params: { user_type: 'Company' } } },
      presets,
    );
    expect(presets).toEqual(before);
  });
});

test.each<[ProviderSpec, RegExp]>([
  [{}, /no token\.url/],
  [{ token, revoke: { method: 'PUT' } }, /no revoke\.url/],
  [{ token, extend: { url: '/x', method: 'GET', encoding: 'json' } }, /extend: GET carries no JSON/],
  [{ token: { ...token, method: 'GET', encoding: 'json' } }, /GET carries no JSON/],
  [{ token, response: { errors: [{ match: '(', as: 'invalid_grant' }] } }, /response\.errors\.0\.match/],
  [{ token, response: { errors: [{ match: 'x', as: 'invalid_grnt' }] } }, /response\.errors\.0\.as/],
  [{ token, refused: { body: '[' } }, /refused\.body/],
])('%j is refused', (spec, why) => {
  expect(message(spec)).toMatch(why);
});
