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

  test.each(['none', 'tls_client_auth'] as const)('%s sends the client_id alone', (client_auth) => {
    const request = build({ token: { client_auth } });
    expect(request.body).toBe('grant_type=client_credentials&client_id=me');
    expect(field(request, 'authorization')).toBeUndefined();
  });

  test.each(['', undefined])('a client without a secret (%j) says who it is by client_id', (secret) => {
    const request = build({}, { client: { id: 'me', secret } });
    expect(request.body).toBe('grant_type=client_credentials&client_id=me');
    expect(field(request, 'authorization')).toBeUndefined();
  });

  test.each(['client_secret_jwt', 'private_key_jwt'] as const)(
    '%s sends a client assertion',
    (client_auth) => {
      const request = build({ token: { client_auth } }, { client: { ...client, assertion: 'h.p.s' } });
      expect(Object.fromEntries(new URLSearchParams(request.body))).toEqual({
        grant_type: 'client_credentials',
        client_id: 'my client.1',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: 'h.p.s',
      });
      expect(field(request, 'authorization')).toBeUndefined();
    },
  );

  test('a client assertion may be renamed, and its client_id left out', () => {
    const token = {
      client_auth: 'private_key_jwt',
      rename: { client_assertion: 'jwt' },
      params: { client_assertion_type: null },
    } as const;
    expect(build({ token }, { client: { assertion: 'h.p.s' } }).body).toBe(
      'grant_type=client_credentials&jwt=h.p.s',
    );
  });

  test('no assertion where one is wanted is an error, not a request without', () => {
    const error = refusal(() => build({ token: { client_auth: 'private_key_jwt' } }));
    expect(error.code).toBe('configuration-invalid');
    expect(error.message).toMatch(/private_key_jwt needs a client assertion/);
  });

  test.each(['client_secret_post', 'none', 'tls_client_auth'] as const)(
    '%s sends no assertion',
    (client_auth) => {
      expect(
        build({ token: { client_auth } }, { client: { ...client, assertion: 'h.p.s' } }).body,
      ).not.toContain('h.p.s');
    },
  );
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

  test('further fields go over those of client authentication and under those of the provider', () => {
    const fields = ['Authorization', 'Bearer t1', 'X-Org', 'o1', 'x-kept', 'k1'];
    const headers = { 'X-ORG': '{tenant}', Version: '3' };
    expect(build({ token: { headers } }, { fields, placeholders: { tenant: 'o2' } }).headers).toEqual([
      ['accept', 'application/json'],
      ['content-type', 'application/x-www-form-urlencoded'],
      ['Authorization', 'Bearer t1'],
      ['X-ORG', 'o2'],
      ['x-kept', 'k1'],
      ['Version', '3'],
    ]);
  });

  test('a further field that may not stand there is refused by its name', () => {
    const error = refusal(() => build({}, { fields: ['Authorization', 'Bearer a\r\nX-Evil: 1'] }));
    expect(error.code).toBe('token-refused');
    expect(error.message).toContain('the value of Authorization');
    expect(error.message).not.toContain('Evil');
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

describe('the other requests', () => {
  const base: ProviderSpec = {
    base_url: 'https://id.acme.example',
    token: {
      url: '/token',
      client_auth: 'client_secret_post',
      rename: { token: 'jeton' },
      params: { user_type: 'L' },
    },
  };

  test('exchange inherits the token request', () => {
    const params = { grant_type: 'authorization_code', code: 'c1', redirect_uri: undefined };
    const spec = { ...base, exchange: { params: { grant_type: null } } };
    expect(build(spec, { kind: 'exchange', params })).toMatchObject({
      url: 'https://id.acme.example/token',
      body: 'code=c1&client_id=me&client_secret=s3cret&user_type=L',
    });
  });

  test.each(['revoke', 'extend', 'device_authorization'] as const)(
    '%s authenticates and names as the token request does, without its parameters',
    (kind) => {
      expect(build({ ...base, [kind]: { url: '/x' } }, { kind, params: { token: 't1' } })).toMatchObject({
        method: 'POST',
        url: 'https://id.acme.example/x',
        body: 'jeton=t1&client_id=me&client_secret=s3cret',
      });
    },
  );

  test.each(['revoke', 'extend', 'device_authorization'] as const)(
    '%s that a provider does not have is told with the key to write',
    (kind) => {
      const error = refusal(() => build(base, { kind }));
      expect(error.code).toBe('configuration-invalid');
      expect(error.message).toContain(`write providers.acme.${kind}.url`);
      expect(refusal(() => build({ ...base, [kind]: null }, { kind })).code).toBe('configuration-invalid');
    },
  );
});
