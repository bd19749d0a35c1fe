import { describe, expect, test } from 'vitest';
import { answered, read, refused, request } from './page.ts';

describe('revolv3', () => {
  test('clientId and clientSecret as application/json-patch+json without grant_type, as on its page', () => {
    expect(request('revolv3', { client: { id: 'clientIdentifier', secret: 'clientSecret' } })).toEqual({
      method: 'POST',
      url: 'https://api.revolv3.com/api/Authentication/token',
      headers: [
        ['accept', 'application/json'],
        ['content-type', 'application/json-patch+json'],
      ],
      body: '{"clientId":"clientIdentifier","clientSecret":"clientSecret"}',
    });
  });

  const example = {
    token_type: 'Bearer',
    expires_in: 3599,
    ext_expires_in: 3599,
    access_token: 'thisisagianttokenhash',
    isExpired: false,
    expirationTime: '2025-11-17T11:45:40.2233678Z',
  };

  test('the answer of its page is read', () => {
    const { result, attach } = read('revolv3', 200, example);
    expect(result).toEqual(answered({ lifetimeMs: 3_599_000, lifetimeKnown: true, warnings: [] }));
    expect(attach).toEqual(['Authorization', 'Bearer thisisagianttokenhash']);
  });

  test.each(['2025-11-17T11:45:40.2233678Z', '2025-11-17T11:45:40.2233678', '2025-11-17T11:45:40.223'])(
    'without expires_in, expirationTime %s counts, as UTC',
    (expirationTime) => {
      const now = Date.UTC(2025, 10, 17, 11, 44, 40);
      const { result } = read('revolv3', 200, { ...example, expires_in: undefined, expirationTime }, now);
      expect(result).toEqual(answered({ lifetimeMs: 60_223, lifetimeKnown: true }));
    },
  );

  test('another content type is a fault of the configuration', () => {
    expect(read('revolv3', 415, '').result).toEqual(refused({ kind: 'config' }));
  });
});
