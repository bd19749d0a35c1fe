import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Authorize } from '../../src/provider/provider.ts';
import { cleaned, readCallback, sameText, stateOf } from '../../src/token/login-callback.ts';

const state = 'S'.repeat(43);
const authorize: Authorize = {
  url: 'https://id.example/login',
  pkce: 'S256',
  params: {},
  rename: {},
  code_param: 'code',
};
const strict: Authorize = { ...authorize, issuer: 'https://id.example' };
const origins = ['https://id.example', 'https://token.example:8443'];
const read = (query: string, with_: Authorize = authorize) =>
  readCallback(query, { state, authorize: with_, origins });

describe('a redirect back from the provider', () => {
  it.each([
    [`code=abc&state=${state}`, 'abc'],
    [`state=${state}&code=abc&session_state=x&iss=https%3A%2F%2Fid.example%2Frealms%2Fx`, 'abc'],
    [`state=${state}&code=abc&iss=https%3A%2F%2Ftoken.example%3A8443`, 'abc'],
    [`&code=a%2Fb%3D%3D&&state=${state}`, 'a/b=='],
    [`code=a+b%2Bc&state=${state}`, 'a+b+c'],
  ])('%s brings the code %s', (query, code) => {
    expect(read(query)).toEqual({ kind: 'code', code });
  });

  it('brings the code under the name that the provider gives it', () => {
    const rev = { ...authorize, code_param: 'auth_code' };
    expect(read(`auth_code=a+b&state=${state}`, rev)).toEqual({ kind: 'code', code: 'a+b' });
    expect(read(`code=a&state=${state}`, rev)).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('no auth_code'),
    });
  });

  it.each([
    ['without a state', 'code=abc'],
    ['with an empty one', 'code=abc&state='],
    ['with another', `code=abc&state=${'S'.repeat(42)}T`],
    ['with a part of it', `code=abc&state=${state.slice(1)}`],
    ['with two', `code=abc&state=${state}&state=${state}`],
    ['with two codes', `code=abc&code=abc&state=${state}`],
    ['with a name twice, once encoded', `code=abc&%63ode=abd&state=${state}`],
    ['that is malformed', `code=%E0%A4%A&state=${state}`],
    ['that is an error without a state', 'error=access_denied'],
    ['that is empty', ''],
  ])('%s belongs to no login', (_, query) => {
    expect(read(query)).toMatchObject({ kind: 'foreign' });
  });

  it.each([
    ['missing', `code=abc&state=${state}`, 'does not say who'],
    ['another', `code=abc&state=${state}&iss=https%3A%2F%2Fevil.example`, 'another issuer'],
    ['almost it', `code=abc&state=${state}&iss=https%3A%2F%2Fid.example%2F`, 'another issuer'],
    ['missing in an error', `error=access_denied&state=${state}`, 'does not say who'],
  ])('is refused when an issuer is configured and iss is %s (RFC 9207 §2.4)', (_, query, why) => {
    expect(read(query, strict)).toMatchObject({ kind: 'refused', message: expect.stringContaining(why) });
  });

  it.each([
    ['of another provider', 'code=abc&iss=https%3A%2F%2Felse.example'],
    ['of another port', 'code=abc&iss=https%3A%2F%2Ftoken.example'],
    ['of another scheme', 'code=abc&iss=http%3A%2F%2Fid.example'],
    ['that only begins alike', 'code=abc&iss=https%3A%2F%2Fid.example.evil.example'],
    ['that is no address', 'code=abc&iss=id.example'],
    ['without an origin', 'code=abc&iss=data%3A%2C'],
    ['that is empty', 'code=abc&iss='],
    ['of another provider, in an error', 'error=access_denied&iss=https%3A%2F%2Felse.example'],
  ])('is refused without a configured issuer when it has an iss %s (RFC 9700 §4.4)', (_, query) => {
    expect(read(`${query}&state=${state}`)).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('set authorize.issuer'),
    });
  });

  it('is taken when iss is the configured issuer', () => {
    expect(read(`code=abc&state=${state}&iss=https%3A%2F%2Fid.example`, strict)).toMatchObject({
      kind: 'code',
    });
  });

  it.each([
    ['nothing', ''],
    ['an empty code', 'code='],
    ['a code that cannot be one', 'code=a%00b'],
    ['a code that is too long', `code=${'a'.repeat(4097)}`],
  ])('with %s is refused', (_, query) => {
    expect(read(`${query}&state=${state}`)).toMatchObject({ kind: 'refused' });
  });

  it('that says no is told in words, with what the provider says, cleaned', () => {
    const description = `<b>No\u0000</b>\u001b[2J\r\n\u202Eevil${'x'.repeat(500)}`;
    const query = `error=access_denied&error_description=${encodeURIComponent(description)}&state=${state}`;
    const told = read(query);
    expect(told).toEqual({
      kind: 'refused',
      message: expect.stringMatching(
        /^the provider refused the login \(access_denied\): access was not granted\. It says: <b>No <\/b> \[2J evilx+…$/,
      ),
    });
  });

  it.each(['<script>', 'a b', 'x'.repeat(65), 'é', '\u001b[31m'])(
    'never repeats the error code %j',
    (error) => {
      const told = read(`error=${encodeURIComponent(error)}&state=${state}`);
      expect(told).toMatchObject({
        kind: 'refused',
        message: expect.stringContaining('an unreadable error'),
      });
      expect(JSON.stringify(told)).not.toContain(error);
    },
  );

  it('an error counts more than a code', () => {
    expect(read(`code=abc&error=server_error&state=${state}`)).toMatchObject({ kind: 'refused' });
  });

  it('never throws, and gives a code only to its own state', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom('state', 'code', state, '%', '+'),
    );
    const query = fc
      .array(fc.tuple(text, text))
      .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join('&'));
    fc.assert(
      fc.property(query, (given) => {
        const told = read(given);
        if (told.kind !== 'foreign') expect(stateOf(given)).toBe(state);
        if (told.kind !== 'code') expect(told.message).toMatch(/^[\x20-\x7e\u00a0-\uffff]+$/u);
      }),
      { numRuns: 500 },
    );
  });

  it('carries every code through, percent-encoded or not', () => {
    const code = fc.string({ unit: fc.constantFrom(...'AZaz09-._~+/=!* '), minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(code, (given) => {
        const query = `code=${encodeURIComponent(given)}&state=${state}`;
        expect(read(query)).toEqual({ kind: 'code', code: given });
        const bare = given.replaceAll(' ', '');
        if (bare !== '') expect(read(`code=${bare}&state=${state}`)).toEqual({ kind: 'code', code: bare });
      }),
    );
  });
});

describe('text from outside', () => {
  it('is shown without control or invisible characters and in at most 200 characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const shown = cleaned(text);
        expect([...shown].length).toBeLessThanOrEqual(200);
        expect(shown).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('comparing texts', () => {
  it('finds out whether they are the same', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        expect(sameText(one, other)).toBe(one === other);
        expect(sameText(one, one)).toBe(true);
      }),
    );
  });
});
