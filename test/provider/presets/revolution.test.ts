import { describe, expect, test } from 'vitest';
import { answered, json, read, request } from './page.ts';

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
