import { expect, test } from 'vitest';
import { curl, payment } from '../../src/demo/app.ts';
import { cut, fieldOf, shortBody, shortCredential, table } from '../../src/demo/report.ts';
import type { SeenRequest } from '../../src/demo/vendor.ts';

const seen = (body: string, type: string): SeenRequest => ({
  method: 'POST',
  path: '/oauth/token',
  headers: ['Content-Type', type],
  body,
  status: 200,
  aborted: false,
});

test('a credential is shown by its scheme and twelve of its characters', () => {
  expect(shortCredential('Bearer 0123456789abcdef01234567')).toBe('Bearer 01234567…4567 (24 characters)');
  expect(shortCredential('VBrick 0123456789abcdef01234567')).toBe('VBrick 01234567…4567 (24 characters)');
  expect(shortCredential('Bearer 0123456789abcdef0123456')).toBe('Bearer …');
  expect(shortCredential('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==')).toBe('Basic …');
});

test('a token request is shown without the values that may be secret', () => {
  const form =
    'client_id=a&client_secret=hidden&grant_type=refresh_token&refresh_token=hidden&user_type=Location';
  expect(shortBody(seen(form, 'application/x-www-form-urlencoded'))).toBe(
    'client_id=…  client_secret=…  grant_type=refresh_token  refresh_token=…  user_type=Location',
  );
  const json = JSON.stringify({ grantType: 'refresh_token', apiKey: 'hidden', refreshToken: 'hidden' });
  expect(shortBody(seen(json, 'application/json'))).toBe('grantType=refresh_token  apiKey=…  refreshToken=…');
  expect(shortBody(seen('hidden', 'application/json'))).toBe('');
});

test('a field is found by its name in any case', () => {
  expect(fieldOf(seen('', 'text/plain'), 'content-type')).toBe('text/plain');
  expect(fieldOf(seen('', 'text/plain'), 'authorization')).toBeUndefined();
});

test('a long line is cut and a table lines up', () => {
  expect(cut('abcdef', 4)).toBe('abc…');
  expect(cut('abcd', 4)).toBe('abcd');
  expect(
    table([
      ['vendor', 'calls'],
      ['realer', 12],
      ['a longer one', 3],
    ]),
  ).toBe(
    ['vendor         calls', '────────────────────', 'realer            12', 'a longer one       3'].join(
      '\n',
    ),
  );
});

test('a call is shown as the curl command that makes it', () => {
  expect(curl('http://127.0.0.1:8080', { vendor: 'realer', method: 'GET', path: '/realer/x' })).toBe(
    'curl http://127.0.0.1:8080/realer/x',
  );
  expect(curl('http://127.0.0.1:8080', payment())).toMatch(
    /^curl http:\/\/127\.0\.0\.1:8080\/revolv3\/api\/payments -H 'Content-Type: application\/json' -H 'Idempotency-Key: [0-9a-f-]+' -d '\{"amount":12\.5\}'$/,
  );
});
