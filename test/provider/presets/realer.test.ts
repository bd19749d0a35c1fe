import { describe, expect, test } from 'vitest';
import { answered, clientCredentials, form, read, refused, request } from './page.ts';

describe('realer', () => {
  const scope = 'iot:catalog:read iot:feed-data:write';

  test('client credentials by HTTP Basic with a form, as on its page', () => {
    const built = request('realer', {
      params: { ...clientCredentials, scope },
      client: { id: 'Aladdin', secret: 'open sesame' },
    });
    expect(built).toEqual({
      method: 'POST',
      url: 'https://api.therealer.com/oauth/token',
      headers: [...form, ['authorization', 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==']],
      body: 'grant_type=client_credentials&scope=iot%3Acatalog%3Aread+iot%3Afeed-data%3Awrite',
    });
    const page = 'grant_type=client_credentials&scope=iot:catalog:read%20iot:feed-data:write';
    expect([...new URLSearchParams(built.body)]).toEqual([...new URLSearchParams(page)]);
  });

  test('the scope may be left out', () => {
    expect(request('realer', { client: { id: 'Aladdin', secret: 'OpenSesame' } })).toMatchObject({
      headers: [...form, ['authorization', 'Basic QWxhZGRpbjpPcGVuU2VzYW1l']],
      body: 'grant_type=client_credentials',
    });
  });

  test('a token is revoked by HTTP Basic with token alone, as on its page', () => {
    const params = { token: 'b11db7f6c816568eb3b156df3aeaa5', token_type_hint: 'access_token' };
    const client = { id: 'Aladdin', secret: 'open sesame' };
    expect(request('realer', { kind: 'revoke', params, client })).toEqual({
      method: 'POST',
      url: 'https://api.therealer.com/oauth/revoke',
      headers: [...form, ['authorization', 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==']],
      body: 'token=b11db7f6c816568eb3b156df3aeaa5',
    });
  });

  test('the answer of its page is read, renewal hint included', () => {
    const body = {
      access_token: 'b11db7f6c816568eb3b156df3aeaa5',
      token_type: 'Bearer',
      expires_in: 3600,
      renew_after: 2700,
      scope,
    };
    const { result, attach } = read('realer', 200, body);
    expect(result).toEqual(
      answered({ lifetimeMs: 3_600_000, renewAfterMs: 2_700_000, refreshToken: undefined, warnings: [] }),
    );
    expect(attach).toEqual(['Authorization', 'Bearer b11db7f6c816568eb3b156df3aeaa5']);
  });

  test('the refusals of its page', () => {
    const request_id = '58f4f1f5-9c02-4f6b-9f0e-4077ed9a9a1b';
    const detail = expect.stringContaining(request_id);
    const invalidRequest = {
      error: 'invalid_request',
      error_description: 'grant_type is required',
      request_id,
    };
    const invalidClient = {
      error: 'invalid_client',
      error_description: 'Invalid client authentication.',
      request_id,
    };
    expect(read('realer', 400, invalidRequest).result).toEqual(
      refused({ kind: 'config', error: 'invalid_request', detail }),
    );
    expect(read('realer', 401, invalidClient).result).toEqual(
      refused({ kind: 'invalid_client', error: 'invalid_client', detail }),
    );
  });
});
