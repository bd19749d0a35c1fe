import { describe, expect, test } from 'vitest';
import { presets } from '../../../src/provider/presets.ts';
import { resolveProvider } from '../../../src/provider/resolve.ts';
import { answered, clientCredentials, json, read, request } from './page.ts';

describe('vbrick-rev-api-key', () => {
  const base_url = 'https://rev.customer.example';
  const client = { id: 'user/key 1', secret: 'user secret' };

  test('a session begins with apiKey and secret, and nothing else', () => {
    const params = { ...clientCredentials, scope: 'all' };
    expect(request('vbrick-rev-api-key', { params, client }, { base_url })).toEqual({
      method: 'POST',
      url: 'https://rev.customer.example/api/v2/authenticate',
      headers: json,
      body: '{"apiKey":"user/key 1","secret":"user secret"}',
    });
  });

  test('a session is extended at the address of its key, with its token and no body', () => {
    const fields = ['Authorization', 'VBrick tok'];
    expect(
      request('vbrick-rev-api-key', { kind: 'extend', params: {}, client, fields }, { base_url }),
    ).toEqual({
      method: 'POST',
      url: 'https://rev.customer.example/api/v2/auth/extend-session-timeout/user%2Fkey%201',
      headers: [
        ['accept', 'application/json'],
        ['Authorization', 'VBrick tok'],
      ],
      body: undefined,
    });
  });

  test('the answer of its page is read, and the scheme is VBrick', () => {
    const example = { token: '0SoxSd50t5V', issuer: 'VBrick', expiration: '2020-07-14T20:34:13.881Z' };
    const { result, attach } = read(
      'vbrick-rev-api-key',
      200,
      example,
      Date.UTC(2020, 6, 14, 20, 4, 13, 881),
    );
    expect(result).toEqual(
      answered({ accessToken: '0SoxSd50t5V', lifetimeMs: 1_800_000, refreshToken: undefined }),
    );
    expect(attach).toEqual(['Authorization', 'VBrick 0SoxSd50t5V']);
  });

  test('nobody logs in by a browser', () => {
    expect(resolveProvider('vbrick-rev-api-key', {}, presets).authorize).toBeUndefined();
  });
});
