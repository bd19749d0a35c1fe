import { describe, expect, test } from 'vitest';
import { readRefreshToken, readTenant } from '../../src/provider/response.ts';
import { answer, provider, refusal } from './reading.ts';

describe('an answer with a token', () => {
  test('is read whole', () => {
    const body = {
      access_token: 'tok',
      token_type: 'Bearer',
      expires_in: 60,
      refresh_token: 'ref',
      n: 1,
      yes: true,
      list: ['x'],
      nothing: null,
    };
    expect(answer(body)).toEqual({
      ok: true,
      accessToken: 'tok',
      refreshToken: 'ref',
      lifetimeMs: 60_000,
      lifetimeKnown: true,
      renewAfterMs: undefined,
      fields: {
        access_token: 'tok',
        token_type: 'Bearer',
        expires_in: '60',
        refresh_token: 'ref',
        n: '1',
        yes: 'true',
      },
      warnings: [],
    });
  });

  test.each([200, 201, 202, 299])('counts with status %i', (status) => {
    expect(answer({ access_token: 'tok' }, { status }).accessToken).toBe('tok');
  });

  test.each([undefined, 'application/json; charset=utf-8', 'text/plain', 'application/octet-stream', ''])(
    'counts with content type %j',
    (contentType) => {
      expect(answer({ access_token: 'tok' }, { contentType }).accessToken).toBe('tok');
    },
  );

  test('may start with a byte order mark', () => {
    expect(answer('\uFEFF{"access_token":"tok"}').accessToken).toBe('tok');
  });

  test('may hold the token at a dotted path, which becomes access_token for the attach template', () => {
    const shape = {
      access_token: 'data.tokens.0.value',
      refresh_token: 'data.next',
      renew_after: 'data.renew',
    };
    const body = { access_token: 'other', data: { tokens: [{ value: 'tok' }], next: 'ref', renew: '30' } };
    expect(answer(body, { provider: provider({ response: shape }) })).toMatchObject({
      accessToken: 'tok',
      refreshToken: 'ref',
      renewAfterMs: 30_000,
      fields: { access_token: 'tok' },
    });
  });

  test.each([{}, { refresh_token: null }, { refresh_token: '' }, { refresh_token: 7 }])(
    'R33: %j keeps the old refresh token',
    (more) => {
      expect(answer({ access_token: 'tok', ...more }).refreshToken).toBeUndefined();
    },
  );

  test.each([false, null, '', 0, {}])('error %j beside a token is no error', (error) => {
    expect(answer({ access_token: 'tok', error }).accessToken).toBe('tok');
  });

  test('R2: without a lifetime gets the default one, and says so', () => {
    const spec = { response: { default_lifetime: 9000 } };
    const read = answer({ access_token: 'tok', expires_in: null }, { provider: provider(spec) });
    expect(read).toMatchObject({ lifetimeMs: 9000, lifetimeKnown: false });
    expect(read.warnings).toEqual([expect.stringContaining('default_lifetime')]);
  });

  test('R10: an absolute time counts from the Date field, a duration from neither clock', () => {
    const expires = [
      { path: 'expires_in', as: 'seconds' },
      { path: 'expires_at', as: 'iso' },
    ] as const;
    const given = { provider: provider({ response: { expires } }), date: 'Mon, 17 Nov 2025 10:35:40 GMT' };
    const expires_at = '2025-11-17T10:45:40Z';
    expect(answer({ access_token: 'tok', expires_at }, given).lifetimeMs).toBe(600_000);
    expect(answer({ access_token: 'tok', expires_at, expires_in: 5 }, given).lifetimeMs).toBe(5000);
    expect(answer({ access_token: 'tok', expires_at }, { ...given, date: 'garbage' }).lifetimeMs).toBe(0);
  });

  test('a renewal hint that cannot be read is told, one that is absent is not', () => {
    const given = { provider: provider({ response: { renew_after: 'renew_after' } }) };
    const body = { access_token: 'tok', expires_in: 60 };
    expect(answer({ ...body, renew_after: '2025-11-17' }, given).warnings).toEqual([
      expect.stringContaining('renew_after'),
    ]);
    expect(answer({ ...body, renew_after: null }, given)).toMatchObject({
      warnings: [],
      renewAfterMs: undefined,
    });
  });

  test('names of Object.prototype in the answer are ordinary fields', () => {
    const { fields } = answer('{"access_token":"tok","__proto__":"p","constructor":"c"}');
    expect(Object.entries(fields)).toEqual([
      ['access_token', 'tok'],
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ]);
  });
});

describe('token_type', () => {
  const body = { access_token: 'tok', expires_in: 60 };

  test.each([undefined, null, '', 'Bearer', 'bearer', 'BEARER', ' Bearer ', 'BearerToken', 'bot', 'N_A'])(
    '%j is a bearer token',
    (token_type) => {
      expect(answer({ ...body, token_type }).warnings).toEqual([]);
    },
  );

  test.each(['mac', 'MAC', 'DPoP', 'pop'])('%s cannot be sent in a Bearer field', (token_type) => {
    expect(refusal({ ...body, token_type })).toMatchObject({
      kind: 'config',
      detail: expect.stringContaining('token_type'),
    });
  });

  test.each(['user', 7])('%j is used, with a warning', (token_type) => {
    expect(answer({ ...body, token_type }).warnings).toEqual(['token_type is not Bearer']);
  });

  test('is not looked at by a provider with another attach template', () => {
    const custom = provider({ attach: { value: 'MAC {access_token}' } });
    expect(answer({ ...body, token_type: 'mac' }, { provider: custom }).warnings).toEqual([]);
  });
});

describe('R20: a 2xx that is not understood is asked for again later', () => {
  test.each<[string, unknown, string?]>([
    ['an empty body', ''],
    ['white space', ' \n'],
    ['cut JSON', '{"access_token":"tok'],
    ['a list', '[{"access_token":"tok"}]'],
    ['a text', '"tok"'],
    ['null', 'null'],
    ['a form', 'access_token=tok&token_type=bearer'],
    ['an HTML page', '<!doctype html><title>{"access_token":"tok"}</title>'],
    ['JSON called HTML', { access_token: 'tok' }, 'text/html; charset=utf-8'],
    ['no token', { token_type: 'Bearer', expires_in: 60 }],
    ['a null token', { access_token: null }],
    ['an empty token', { access_token: '' }],
    ['a number as token', { access_token: 12345 }],
    ['an object as token', { access_token: { value: 'tok' } }],
    ['true as token', { access_token: true }],
    ['a token with CR LF', { access_token: 'tok\r\nX-Evil: 1' }],
    ['a token with LF', { access_token: 'tok\n' }],
    ['a token with NUL', { access_token: 'tok\0' }],
    ['a token with a control character', { access_token: 'tok\x1b[0m' }],
    ['a token with DEL', { access_token: 'tok\x7f' }],
    ['a token with a space', { access_token: 'tok tok' }],
    ['a token that is not ASCII', { access_token: 'tök' }],
    ['a token over 16 KiB', { access_token: 't'.repeat(16_385) }],
    ['an error without a code', { error: 'something went wrong' }],
    ['an error of its own', { error: 'E1' }],
  ])('%s', (_, body, contentType = 'application/json') => {
    const { kind, detail, status } = refusal(body, { contentType });
    expect({ kind, status }).toEqual({ kind: 'bad_answer', status: 200 });
    expect(detail).not.toMatch(/tok\b|Evil|something/);
  });

  test('a token of 16 KiB is taken', () => {
    expect(answer({ access_token: 't'.repeat(16_384) }).accessToken).toHaveLength(16_384);
  });
});

test('R40: a rotated refresh token is found in an answer that is refused otherwise', () => {
  const body = JSON.stringify({ access_token: 'to ken', refresh_token: 'next' });
  expect(refusal(body).kind).toBe('bad_answer');
  expect(readRefreshToken(provider(), body)).toBe('next');
  expect(readRefreshToken(provider({ response: { refresh_token: 'a.b' } }), '{"a":{"b":"next"}}')).toBe(
    'next',
  );
  for (const odd of [
    '',
    '<html>',
    '[]',
    '{"refresh_token":null}',
    '{"refresh_token":""}',
    '{"refresh_token":1}',
  ]) {
    expect(readRefreshToken(provider(), odd)).toBeUndefined();
  }
});

test('the tenant of a login is read where the provider says it stands', () => {
  const told = (body: string, tenant = 'data.location') =>
    readTenant(provider({ response: { tenant } }), body);
  expect(told('{"data":{"location":"north"}}')).toBe('north');
  expect(told('{"data":{"location":17}}')).toBe('17');
  for (const odd of ['{"data":{"location":""}}', '{"data":{"location":null}}', '{"data":{}}', '[]', '']) {
    expect(told(odd)).toBeUndefined();
  }
  expect(told('{"":"north"}', '')).toBeUndefined();
});
