import { describe, expect, test } from 'vitest';
import { presets } from '../../../src/provider/presets.ts';
import { resolveProvider } from '../../../src/provider/resolve.ts';
import { answered, form, login, read, refused, request } from './page.ts';

describe('revo-digital', () => {
  const client = { id: 'YOUR_CLIENT_ID', secret: 'YOUR_CLIENT_SECRET' };
  const params = { grant_type: 'refresh_token', refresh_token: 'REFRESH_TOKEN' };

  test('a refresh as a form, as on its page', () => {
    const built = request('revo-digital', { kind: 'refresh', params, client });
    expect(built).toEqual({
      method: 'POST',
      url: 'https://services.leadconnectorhq.com/oauth/token',
      headers: form,
      body: 'grant_type=refresh_token&refresh_token=REFRESH_TOKEN&client_id=YOUR_CLIENT_ID&client_secret=YOUR_CLIENT_SECRET&user_type=Location',
    });
    const page =
      'client_id=YOUR_CLIENT_ID&client_secret=YOUR_CLIENT_SECRET&grant_type=refresh_token&refresh_token=REFRESH_TOKEN&user_type=Location';
    expect([...new URLSearchParams(built.body)].sort()).toEqual([...new URLSearchParams(page)].sort());
  });

  test('a code is exchanged as on its page', () => {
    const exchange = {
      grant_type: 'authorization_code',
      code: 'AUTHORIZATION_CODE',
      redirect_uri: 'https://yourapp.com/callback',
    };
    const built = request('revo-digital', { kind: 'exchange', params: exchange, client });
    const page =
      'client_id=YOUR_CLIENT_ID&client_secret=YOUR_CLIENT_SECRET&grant_type=authorization_code&code=AUTHORIZATION_CODE&redirect_uri=https://yourapp.com/callback&user_type=Location';
    expect([...new URLSearchParams(built.body)].sort()).toEqual([...new URLSearchParams(page)].sort());
  });

  test('a login has no challenge and no user_type', () => {
    const params = {
      redirect_uri: 'https://yourapp.com/callback',
      scope: 'contacts.readonly',
      code_challenge: 'c1',
    };
    expect(login('revo-digital', { params, client })).toEqual({
      page: 'https://marketplace.gohighlevel.com/oauth/chooselocation',
      params: {
        response_type: 'code',
        client_id: 'YOUR_CLIENT_ID',
        redirect_uri: 'https://yourapp.com/callback',
        scope: 'contacts.readonly',
      },
    });
  });

  test('a company says so in its credential, and null leaves user_type out', () => {
    const user = (user_type: string | null) =>
      new URLSearchParams(request('revo-digital', { client, credentialParams: { user_type } }).body).get(
        'user_type',
      );
    expect(user('Company')).toBe('Company');
    expect(user(null)).toBeNull();
  });

  test('the answer of its page is read', () => {
    const body = {
      access_token: 'eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9...',
      token_type: 'Bearer',
      expires_in: 86400,
      refresh_token: 'cj0rMTIzNDU2Nzg5...',
      scope: 'contacts.readonly contacts.write ...',
      locationId: 've9EPM428h8vShlRW1KT',
      approvedLocations: ['ve9EPM428h8vShlRW1KT'],
      installToFutureLocations: true,
    };
    const { result, attach } = read('revo-digital', 200, body);
    expect(result).toEqual(
      answered({ lifetimeMs: 86_400_000, refreshToken: body.refresh_token, warnings: [] }),
    );
    expect(attach).toEqual(['Authorization', `Bearer ${body.access_token}`]);
  });

  test('refusals that are not RFC 6749 errors', () => {
    const kindOf = (status: number, message: string) =>
      read('revo-digital', status, { statusCode: status, message }).result;
    expect(kindOf(400, 'Invalid grant: refresh token is invalid')).toEqual(
      refused({ kind: 'invalid_grant', error: 'invalid_grant' }),
    );
    expect(kindOf(400, 'Location is not active')).toEqual(
      refused({ kind: 'transient', error: 'temporarily_unavailable' }),
    );
    expect(kindOf(200, 'Invalid grant: refresh token is invalid')).toEqual(
      refused({ kind: 'invalid_grant' }),
    );
    expect(kindOf(400, 'something else')).toEqual(refused({ kind: 'config', error: undefined }));
  });

  test('a 401 that says nothing of the token is told apart', () => {
    const { refused: told } = resolveProvider('revo-digital', presets['revo-digital'] ?? {}, presets);
    const meansToken = new RegExp(told.body ?? '');
    expect(meansToken.test('{"statusCode":401,"message":"Invalid JWT"}')).toBe(true);
    expect(meansToken.test('{"statusCode":401,"message":"version header was not found."}')).toBe(false);
    expect(
      meansToken.test('{"statusCode":401,"message":"The token is not authorized for this scope."}'),
    ).toBe(false);
  });
});
