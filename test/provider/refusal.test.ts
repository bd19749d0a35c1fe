import { describe, expect, test } from 'vitest';
import type { TokenRefusal } from '../../src/provider/response.ts';
import { answer, provider, refusal } from './reading.ts';

describe('a refusal', () => {
  test.each<[number, unknown, TokenRefusal['kind'], string?]>([
    [400, { error: 'invalid_grant' }, 'invalid_grant', 'invalid_grant'],
    [401, { error: 'invalid_grant' }, 'invalid_grant', 'invalid_grant'],
    [400, { error: 'invalid_client' }, 'invalid_client', 'invalid_client'],
    [401, { error: 'invalid_client' }, 'invalid_client', 'invalid_client'],
    [401, '', 'invalid_client'],
    [401, '<html>', 'invalid_client'],
    [401, { error: 'unauthorized' }, 'invalid_client', 'unauthorized'],
    [400, { error: 'unauthorized_client' }, 'config', 'unauthorized_client'],
    [400, { error: 'unsupported_grant_type' }, 'config', 'unsupported_grant_type'],
    [400, { error: 'invalid_scope' }, 'config', 'invalid_scope'],
    [400, { error: 'invalid_target' }, 'config', 'invalid_target'],
    [401, { error: 'invalid_request' }, 'config', 'invalid_request'],
    [400, { error: 'something_new' }, 'config', 'something_new'],
    [400, { error: { code: 1 } }, 'config'],
    [400, 'not JSON', 'config'],
    [403, '', 'config'],
    [404, '', 'config'],
    [405, '', 'config'],
    [415, '', 'config'],
    [418, '', 'config'],
    [408, '', 'transient'],
    [425, '', 'transient'],
    [400, { error: 'temporarily_unavailable' }, 'transient', 'temporarily_unavailable'],
    [400, { error: 'server_error' }, 'transient', 'server_error'],
    [400, { error: 'slow_down' }, 'transient', 'slow_down'],
    [429, '', 'rate_limited'],
    [429, { error: 'invalid_client' }, 'rate_limited', 'invalid_client'],
    [500, '', 'transient'],
    [502, '<html>', 'transient'],
    [503, { error: 'invalid_grant' }, 'transient', 'invalid_grant'],
    [301, '', 'config'],
    [302, { access_token: 'tok' }, 'config'],
    [304, '', 'config'],
    [200, { error: 'invalid_grant' }, 'invalid_grant', 'invalid_grant'],
    [200, { error: 'invalid_client', access_token: 'tok' }, 'invalid_client', 'invalid_client'],
    [200, { error: 'temporarily_unavailable' }, 'transient', 'temporarily_unavailable'],
    [204, '', 'bad_answer'],
    [101, '', 'bad_answer'],
    [Number.NaN, '', 'bad_answer'],
  ])('%i %j is %s', (status, body, kind, error) => {
    expect(refusal(body, { status, contentType: undefined })).toMatchObject({
      ok: false,
      kind,
      error,
      status,
    });
  });

  test("the provider's own errors come first, in order, whatever the status", () => {
    const errors = [
      { match: '"message":"down"', as: 'temporarily_unavailable' },
      { match: 'gone|down', as: 'invalid_grant' },
    ];
    const given = { provider: provider({ response: { errors } }) };
    for (const status of [200, 302, 400, 401, 429, 500]) {
      expect(refusal({ message: 'gone', error: 'invalid_client' }, { ...given, status })).toMatchObject({
        kind: 'invalid_grant',
        error: 'invalid_grant',
      });
      expect(refusal({ message: 'down' }, { ...given, status }).kind).toBe('transient');
    }
    expect(refusal('gone', { ...given, status: 400, contentType: 'text/plain' }).kind).toBe('invalid_grant');
  });

  test('a rule that happens to match a good answer does not spoil it', () => {
    const errors = [{ match: 'xpired', as: 'invalid_grant' }];
    const given = { provider: provider({ response: { errors } }) };
    expect(answer({ access_token: 'tok', isExpired: false }, given).accessToken).toBe('tok');
  });

  test('names the code, the request id and the number of the vendor, and the next step', () => {
    const body = {
      error: 'invalid_client',
      error_description: 'for people',
      code: 4001,
      request_id: '58f4f1f5-9c02',
    };
    expect(refusal(body, { status: 401 }).detail).toBe(
      'the token endpoint answered 401 invalid_client (code 4001, request_id 58f4f1f5-9c02): check client_id and client_secret',
    );
    expect(refusal('', { status: 302 }).detail).toMatch(/302.*redirects are not followed/);
  });

  test.each([
    'with space',
    'quo"te',
    'back\\slash',
    'line\nbreak',
    'ä',
    '',
    'x'.repeat(65),
    ...['E1', 'Mixed_Case', 'a__b', '_a', 'a-', 'https://vendor.example/x', 'eyJhbGciOiJub25lIn0.e30.'],
    ...['s3cr3t-of-another', btoa('id:form%2Fencoded'), 'cl%2569ent', '0x1f', 'a=b', 'a:b'],
  ])('%j is no error code', (error) => {
    const { error: code, detail } = refusal({ error }, { status: 400 });
    expect(code).toBeUndefined();
    if (error !== '') expect(detail).not.toContain(error);
  });

  test.each(['location.inactive', 'NOT_ALLOWED', 'authorization_pending', 'try-later', 'x'.repeat(64)])(
    '%j is an error code of a vendor',
    (error) => {
      expect(refusal({ error }, { status: 400 }).error).toBe(error);
    },
  );

  test('a code of words that shows a secret is not told', () => {
    for (const error of ['correct-horse', 'not.correct-horse'])
      expect(refusal({ error }, { status: 400, secrets: ['correct-horse'] }).error).toBeUndefined();
  });

  test.each(
    [
      ['a b', '../x', 'x'.repeat(65), 7, '\x1b[31m', '0123456789abcdef0123456789abcdef'],
      [`${'ab-'.repeat(12)}c`, btoa('id:secret'), 'token-of-another'],
    ].flat(),
  )('%j is no request id', (request_id) => {
    expect(refusal({ request_id }, { status: 400 }).detail).not.toContain('request_id');
  });
});
