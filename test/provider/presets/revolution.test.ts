import { describe, expect, test } from 'vitest';
import { answered, json, login, read, request } from './page.ts';

describe('revolution', () => {
  const client = { id: '<service-client-id>', secret: '<service-client-secret>' };

  test('client credentials as JSON, as on its page', () => {
    expect(request('revolution', { client })).toEqual({
      method: 'POST',
      url: 'https://api.revolution.io/v1/auth/token',
      headers: json,
      body: '{"grant_type":"client_credentials","client_id":"<service-client-id>","client_secret":"<service-client-secret>"}',
    });
  });

  test('a refresh is the same request with the refresh token', () => {
    const params = { grant_type: 'refresh_token', refresh_token: 'r1' };
    expect(request('revolution', { kind: 'refresh', params, client: { id: 'me' } })).toEqual({
      method: 'POST',
      url: 'https://api.revolution.io/v1/auth/token',
      headers: json,
      body: '{"grant_type":"refresh_token","refresh_token":"r1","client_id":"me"}',
    });
  });

  test('a code is exchanged without grant_type, as on its page', () => {
    const params = {
      grant_type: 'authorization_code',
      code: '<auth-code>',
      code_verifier: '<pkce-verifier>',
      redirect_uri: 'https://your.app/callback',
    };
    const built = request('revolution', { kind: 'exchange', params, client: { id: '<your-client-id>' } });
    expect(built).toMatchObject({ url: 'https://api.revolution.io/v1/auth/token', headers: json });
    expect(JSON.parse(built.body ?? '')).toEqual({
      code: '<auth-code>',
      code_verifier: '<pkce-verifier>',
      client_id: '<your-client-id>',
      redirect_uri: 'https://your.app/callback',
    });
  });

  test('a login has a challenge, at an address that only the configuration can know', () => {
    const input = { params: { state: 's1', code_challenge: 'c1' }, client: { id: 'me' } };
    expect(() => login('revolution', input)).toThrow(/providers\.revolution\.authorize\.url/);
    expect(login('revolution', input, { authorize: { url: 'https://admin.example/login' } })).toEqual({
      page: 'https://admin.example/login',
      params: {
        response_type: 'code',
        client_id: 'me',
        state: 's1',
        code_challenge: 'c1',
        code_challenge_method: 'S256',
      },
    });
  });

  test('a token without a lifetime lives the hour of the page', () => {
    const { result, attach } = read('revolution', 200, { access_token: 'tok' });
    expect(result).toEqual(answered({ lifetimeMs: 3_600_000, lifetimeKnown: false }));
    expect(attach).toEqual(['Authorization', 'Bearer tok']);
  });

  test('a token that says itself when it ends is believed, expires_in more', () => {
    const now = Date.UTC(2025, 0, 1);
    const payload = Buffer.from(JSON.stringify({ exp: now / 1000 + 900 })).toString('base64url');
    const access_token = `e30.${payload}.c2ln`;
    expect(read('revolution', 200, { access_token }, now).result).toEqual(
      answered({ lifetimeMs: 900_000, lifetimeKnown: true }),
    );
    expect(read('revolution', 200, { access_token, expires_in: 60 }, now).result).toEqual(
      answered({ lifetimeMs: 60_000 }),
    );
  });
});
