import { describe, expect, test } from 'vitest';
import type { ProviderSpec } from '../../src/provider/provider.ts';
import { build, field, refusal } from './building.ts';

describe('client authentication', () => {
  const client = { id: 'my client.1', secret: 'a+b:c/ä' };

  test('client_secret_basic form-urlencodes both before base64 and puts nothing in the body', () => {
    const request = build({}, { client });
    const [scheme, value = ''] = field(request, 'authorization')?.split(' ') ?? [];
    expect(scheme).toBe('Basic');
    expect(Buffer.from(value, 'base64').toString()).toBe('my+client.1:a%2Bb%3Ac%2F%C3%A4');
    expect(request.body).toBe('grant_type=client_credentials');
  });

  test('client_secret_basic raw leaves them as they are', () => {
    const request = build({ token: { basic_encoding: 'raw' } }, { client });
    const value = field(request, 'authorization')?.slice(6) ?? '';
    expect(Buffer.from(value, 'base64').toString()).toBe('my client.1:a+b:c/ä');
  });

  test('client_secret_basic without id and secret sends no Authorization field', () => {
    expect(field(build({}, { client: {} }), 'authorization')).toBeUndefined();
  });

  test('client_secret_post puts both in the body and no Authorization field', () => {
    const request = build({ token: { client_auth: 'client_secret_post' } });
    expect(request.body).toBe('grant_type=client_credentials&client_id=me&client_secret=s3cret');
    expect(field(request, 'authorization')).toBeUndefined();
  });

  test.each([undefined, ''])('client_secret_post never sends an empty client_secret (%j)', (secret) => {
    const request = build({ token: { client_auth: 'client_secret_post' } }, { client: { id: 'me', secret } });
    expect(request.body).toBe('grant_type=client_credentials&client_id=me');
  });

  test('none sends the client_id alone', () => {
    expect(build({ token: { client_auth: 'none' } }).body).toBe('grant_type=client_credentials&client_id=me');
  });
});

describe('parameters', () => {
  test('undefined, null and empty standard parameters are not sent', () => {
    const params = { grant_type: 'password', scope: '', username: undefined, password: null };
    expect(build({}, { params }).body).toBe('grant_type=password');
  });

  test('the provider replaces the standard, the credential replaces the provider, null removes', () => {
    const request = build(
      { token: { params: { grant_type: 'account_credentials', audience: 'a', extra: 'x' } } },
      {
        params: { grant_type: 'client_credentials', scope: 's' },
        credentialParams: { audience: 'b', extra: null },
      },
    );
    expect(request.body).toBe('grant_type=account_credentials&scope=s&audience=b');
  });

  test('rename applies to parameters from everywhere, whichever name they were written with', () => {
    const rename = { grant_type: 'grantType', client_id: 'clientId', user_type: 'userType' };
    const token = { client_auth: 'none', rename, params: { user_type: 'Location' } } as const;
    expect(build({ token }).body).toBe('grantType=client_credentials&clientId=me&userType=Location');
    expect(build({ token }, { credentialParams: { userType: 'Company', grantType: null } }).body).toBe(
      'clientId=me&userType=Company',
    );
  });

  test('placeholders are filled once; a text that is one unset placeholder is left out', () => {
    const token = {
      client_auth: 'none',
      params: { who: '{username}@{tenant}', gone: '{nothing}', empty: '{blank}', json: '{"a":1}' },
    } as const;
    const params = { username: '{tenant}', grant_type: 'password' };
    const body =
      build({ token }, { params, placeholders: { tenant: 't1', blank: '' }, client: {} }).body ?? '';
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      username: '{tenant}',
      grant_type: 'password',
      who: '{tenant}@t1',
      json: '{"a":1}',
    });
  });

  test('client_id and client_secret are placeholders too, and credential parameters are rendered', () => {
    const request = build(
      { token: { params: { pair: '{client_id}/{client_secret}' } } },
      { credentialParams: { t: '{tenant}' }, placeholders: { tenant: 'x y' } },
    );
    expect(request.body).toBe('grant_type=client_credentials&pair=me%2Fs3cret&t=x+y');
  });

  test('an unset placeholder inside a longer text is an error that names it', () => {
    const error = refusal(() => build({ token: { params: { aud: 'urn:{tenant}' } } }));
    expect(error.code).toBe('configuration-invalid');
    expect(error.message).toMatch(/parameter aud needs \{tenant\}/);
  });

  test('names of Object.prototype are ordinary names', () => {
    const params = JSON.parse('{"__proto__":"p","constructor":"c","toString":"{hasOwnProperty}"}');
    expect(build({ token: { params, client_auth: 'none' } }, { params: {}, client: {} }).body).toBe(
      '__proto__=p&constructor=c',
    );
  });
});

describe('header fields', () => {
  test('the provider adds, replaces whatever the case, and removes by null', () => {
    const headers = {
      'X-Tenant': '{tenant}',
      AUTHORIZATION: 'ID {client_id}',
      accept: null,
      'X-None': '{none}',
    };
    expect(build({ token: { headers } }, { placeholders: { tenant: 't1' } }).headers).toEqual([
      ['content-type', 'application/x-www-form-urlencoded'],
      ['AUTHORIZATION', 'ID me'],
      ['X-Tenant', 't1'],
    ]);
  });

  test.each(['a\r\nX-Evil: 1', 'a\nb', 'a\0b', 'a\x7fb', 'ä'])(
    '%j from a tenant is refused by the name of the field',
    (tenant) => {
      const error = refusal(() =>
        build({ token: { headers: { 'X-Tenant': '{tenant}' } } }, { placeholders: { tenant } }),
      );
      expect(error.code).toBe('token-refused');
      expect(error.message).toContain('X-Tenant');
      expect(error.message).not.toContain(tenant);
    },
  );
});

test('the refresh request inherits the token request and has its own words', () => {
  const spec: ProviderSpec = {
    base_url: 'https://id.acme.example/v2/',
    token: { url: '/token', client_auth: 'client_secret_post', params: { user_type: 'L' } },
    refresh: { url: 'refresh', encoding: 'json', params: { type: 'refresh' } },
  };
  const params = { grant_type: 'refresh_token', refresh_token: 'r1' };
  expect(build(spec, { kind: 'refresh', params })).toEqual({
    method: 'POST',
    url: 'https://id.acme.example/v2/refresh',
    headers: [
      ['accept', 'application/json'],
      ['content-type', 'application/json'],
    ],
    body: '{"grant_type":"refresh_token","refresh_token":"r1","client_id":"me","client_secret":"s3cret","user_type":"L","type":"refresh"}',
  });
});
