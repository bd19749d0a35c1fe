import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { presets } from '../../src/provider/presets.ts';
import { resolveProvider } from '../../src/provider/resolve.ts';
import { readTokenAnswer } from '../../src/provider/response.ts';
import { read, wallNow } from './reading.ts';

describe('whatever a token endpoint sends', () => {
  const known = fc.constantFrom(
    'access_token',
    'refresh_token',
    'error',
    'token_type',
    'expires_in',
    'code',
    'request_id',
    'message',
    '__proto__',
  );
  const value = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('Bearer', 'invalid_grant', 'mac', 3600),
  );
  const object = fc.dictionary(fc.oneof(known, fc.string()), value).map((it) => JSON.stringify(it));
  const body = fc.oneof(object, object, fc.string({ unit: 'binary' }), fc.json());
  const status = fc.oneof(fc.constantFrom(200, 201, 302, 400, 401, 429, 500), fc.integer(), fc.double());
  const contentType = fc.option(fc.constantFrom('application/json', 'text/html', 'text/plain', ';;'), {
    nil: undefined,
  });
  const date = fc.option(fc.oneof(fc.string(), fc.constant('Mon, 17 Nov 2025 10:45:40 GMT')), {
    nil: undefined,
  });

  test('reading it never throws, and a token that is accepted fits in a header field', () => {
    const names = fc.constantFrom('revolution', 'vbrick-rev', 'realer', 'revo-digital', 'revolv3');
    fc.assert(
      fc.property(names, body, status, contentType, date, (name, text, code, type, at) => {
        const preset = resolveProvider(name, {}, presets);
        const result = readTokenAnswer({
          provider: preset,
          status: code,
          contentType: type,
          body: text,
          date: at,
          wallNow,
        });
        if (result.ok) {
          expect(result.accessToken).toMatch(/^[\x21-\x7e]+$/);
          expect(Number.isSafeInteger(result.lifetimeMs) && result.lifetimeMs >= 0).toBe(true);
        } else {
          expect(result.detail).toMatch(/^[\x20-\x7e]{1,300}$/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  const secret = fc.string({
    unit: fc.constantFrom(...'abcdefABCDEF0123456789-_.~'),
    minLength: 12,
    maxLength: 60,
  });

  test('no refusal shows a secret we sent, wherever the vendor echoes it', () => {
    fc.assert(
      fc.property(secret, known, status, fc.constantFrom('', 'x-'), (hidden, name, code, before) => {
        const text = JSON.stringify({ [name]: before + hidden, nested: { [name]: hidden } });
        const result = read(text, { status: code, secrets: [hidden, ''] });
        if (!result.ok) expect(JSON.stringify(result)).not.toContain(hidden);
      }),
    );
  });

  test('no refusal shows a token of the answer or its prose, without being told what is secret', () => {
    const fields = fc.constantFrom(
      'access_token',
      'refresh_token',
      'id_token',
      'message',
      'error_description',
      'code',
    );
    fc.assert(
      fc.property(secret, fields, status, fc.constantFrom('', ' ', '\r\n'), (hidden, name, code, after) => {
        const result = read({ error: 'invalid_grant', [name]: hidden + after }, { status: code });
        expect(result.ok).toBe(false);
        expect(JSON.stringify(result)).not.toContain(hidden);
      }),
    );
  });
});
