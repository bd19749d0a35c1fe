import { describe, expect, test } from 'vitest';
import { likelyPath } from '../../src/provider/likely-path.ts';
import { answer, provider, refusal } from './reading.ts';

describe('the path that a token most likely has', () => {
  test.each<[object, string | undefined]>([
    [{ accessToken: 'abcdefgh' }, 'accessToken'],
    [{ data: { token: 'abcdefgh' } }, 'data.token'],
    [{ id_token: 'abcdefgh', result: { auth: { access_token: 'abcdefgh' } } }, 'result.auth.access_token'],
    [{ token: 'short' }, undefined],
    [{ token: 12_345_678 }, undefined],
    [{ token_type: 'Bearer-token', refresh_token: 'abcdefgh' }, undefined],
    [{ data: [{ token: 'abcdefgh' }] }, undefined],
    [{ 'se cret': { token: 'abcdefgh' } }, undefined],
    [{ a: { b: { c: { token: 'abcdefgh' } } } }, undefined],
  ])('in %j it is %s', (given, path) => {
    expect(likelyPath(given as Record<string, unknown>, [])).toBe(path);
  });

  test('never shows a secret that became a name', () => {
    expect(likelyPath({ hunter: { token: 'abcdefgh' } }, ['hunter'])).toBeUndefined();
  });

  test('stands in what to do about an answer without a token', () => {
    expect(refusal({ data: { token: 'abcdefgh' } }).advice).toBe(
      'check response.access_token, now access_token; the answer has data.token',
    );
    const given = { provider: provider({ response: { access_token: 'data.token' } }) };
    expect(answer({ data: { token: 'abcdefgh' } }, given).accessToken).toBe('abcdefgh');
  });
});

describe('what to do about a refusal', () => {
  test.each<[string | undefined, number, RegExp]>([
    ['invalid_scope', 400, /^check scope/],
    ['unsupported_grant_type', 400, /^check grant_type/],
    ['unauthorized_client', 400, /^check grant_type/],
    ['invalid_target', 400, /^check audience/],
    [undefined, 404, /^check token\.url/],
    [undefined, 405, /token\.method/],
    [undefined, 415, /content_type/],
  ])('of %s with %i', (error, status, advice) => {
    const found = refusal(error === undefined ? '' : { error }, { status });
    expect(found.advice).toMatch(advice);
    expect(found.detail).toContain(found.advice);
  });

  test.each<[string | undefined, string]>([
    ['https://id.example/login?state=1#x', '; this one leads to https://id.example/login'],
    ['/login?x', '; this one leads to /login'],
    ['https://me:hunter2@id.example/', ''],
    ['javascript:alert(1)', ''],
    ['https://id.example/hunter2-of-us', ''],
    [`https://id.example/${'x'.repeat(3_000)}`, ''],
    [undefined, ''],
  ])('of a redirect to %s', (location, shown) => {
    const { detail } = refusal('', { status: 302, location, secrets: ['hunter2-of-us'] });
    expect(detail).toBe(
      `the token endpoint answered 302: redirects are not followed, check token.url${shown}`,
    );
  });
});
