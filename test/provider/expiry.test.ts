import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answerTime, readLifetime, readSeconds } from '../../src/provider/expiry.ts';
import { oauth2 } from '../../src/provider/presets/oauth2.ts';
import type { ExpiryFormat, ExpiryRule } from '../../src/provider/provider.ts';

const now = Date.UTC(2025, 10, 17, 10, 45, 40);
const hour = 3_600_000;

const read = (answer: Record<string, unknown>, ...expires: ExpiryRule[]) =>
  readLifetime(answer, { ...oauth2.response, expires, default_lifetime: 240_000 }, now);

const jwt = (payload: unknown): string =>
  `e30.${Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)).toString('base64url')}.c2ln`;

describe('a lifetime that is written down', () => {
  test.each<[ExpiryFormat, unknown, number]>([
    ['seconds', 3600, hour],
    ['seconds', '3600', hour],
    ['seconds', 0.5, 500],
    ['seconds', '1.25', 1250],
    ['seconds', 7_776_000, 7_776_000_000],
    ['milliseconds', 3_600_000, hour],
    ['milliseconds', '3600000', hour],
    ['epoch', now / 1000 + 3600, hour],
    ['epoch', String(now / 1000 + 3600), hour],
    ['epoch', now + hour, hour],
    ['epoch_ms', now + hour, hour],
    ['epoch_ms', String(now + hour), hour],
    ['epoch_ms', now / 1000 + 3600, hour],
    ['iso', '2025-11-17T11:45:40Z', hour],
    ['iso', '2025-11-17T11:45:40', hour],
    ['iso', '2025-11-17 11:45:40', hour],
    ['iso', '2025-11-17t11:45:40z', hour],
    ['iso', '2025-11-17T11:45Z', hour - 40_000],
    ['iso', '2025-11-17T11:45:40.2233678Z', hour + 223],
    ['iso', '2025-11-17T11:45:40.2233678', hour + 223],
    ['iso', '2025-11-17T11:45:40,5Z', hour + 500],
    ['iso', '2025-11-17T11:45:40.495Z', hour + 495],
    ['iso', '2025-11-17T12:45:40+01:00', hour],
    ['iso', '2025-11-17T06:15:40-0530', hour],
    ['iso', '2025-11-17T13:45:40+02', hour],
    ['iso', '2025-11-18', 13 * hour + 860_000],
    ['iso', '9999-12-31T23:59:59.9999999', Date.UTC(9999, 11, 31, 23, 59, 59, 999) - now],
    ['jwt', jwt({ exp: now / 1000 + 3600 }), hour],
    ['jwt', jwt({ exp: String(now / 1000 + 3600) }), hour],
    ['jwt', jwt({ exp: now / 1000 + 0.5 }), 500],
    ['jwt', jwt({ exp: now + hour }), hour],
  ])('%s %j', (as, value, lifetimeMs) => {
    expect(read({ x: value }, { path: 'x', as })).toEqual({ lifetimeMs, lifetimeKnown: true, warnings: [] });
  });

  test('an ISO date without a zone is UTC in every time zone of the machine', () => {
    const zone = process.env.TZ;
    try {
      for (const [tz, offset] of [
        ['America/New_York', 300],
        ['Asia/Kolkata', -330],
        ['UTC', 0],
      ] as const) {
        process.env.TZ = tz;
        expect(new Date(now).getTimezoneOffset()).toBe(offset);
        expect(read({ x: '2025-11-17T11:45:40' }, { path: 'x', as: 'iso' }).lifetimeMs).toBe(hour);
      }
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });
});

describe('R4: expired on arrival is a lifetime of 0, with a warning', () => {
  test.each<[ExpiryFormat, unknown]>([
    ['seconds', 0],
    ['seconds', '0'],
    ['seconds', -1],
    ['seconds', '-1'],
    ['milliseconds', -3_600_000],
    ['epoch', now / 1000],
    ['epoch', 0],
    ['epoch', -5],
    ['epoch_ms', now - 1],
    ['iso', '2017-08-31T15:00:10.495Z'],
    ['jwt', jwt({ exp: 1 })],
  ])('%s %j', (as, value) => {
    expect(read({ x: value }, { path: 'x', as }, { path: 'y', as: 'seconds' })).toEqual({
      lifetimeMs: 0,
      lifetimeKnown: true,
      warnings: ['the token had expired when it arrived'],
    });
  });
});

describe('R2, R6, R7: what cannot be read is missing, never a number and never for ever', () => {
  test.each<[ExpiryFormat, unknown]>([
    ['seconds', undefined],
    ['seconds', null],
    ['seconds', ''],
    ['seconds', ' '],
    ['seconds', 'NaN'],
    ['seconds', 'Infinity'],
    ['seconds', '1h'],
    ['seconds', '1e3'],
    ['seconds', '0x10'],
    ['seconds', ' 60'],
    ['seconds', '+60'],
    ['seconds', '60.'],
    ['seconds', '2026-09-28T10:00:00Z'],
    ['seconds', 1e308],
    ['seconds', '9'.repeat(400)],
    ['seconds', true],
    ['seconds', [3600]],
    ['seconds', { seconds: 3600 }],
    ['milliseconds', '2026-09-28T10:00:00Z'],
    ['milliseconds', 1e308],
    ['epoch', '2026-09-28T10:00:00Z'],
    ['epoch', 1e308],
    ['epoch_ms', 1e17],
    ['epoch_ms', null],
    ['iso', 3600],
    ['iso', '3600'],
    ['iso', '20261117'],
    ['iso', '2025'],
    ['iso', 'tomorrow'],
    ['iso', ''],
    ['iso', null],
    ['iso', '2025-13-01T00:00:00Z'],
    ['iso', '2025-02-29T00:00:00Z'],
    ['iso', '2100-02-29T00:00:00Z'],
    ['iso', '2025-11-17T24:00:00Z'],
    ['iso', '2025-11-17T10:60:00Z'],
    ['iso', '2025-11-17T10:00:61Z'],
    ['iso', '2025-11-17T10:00:00+99:00'],
    ['iso', '0001-01-01T00:00:00'],
    ['iso', '2025-11-17T11:45:40Z trailing'],
    ['jwt', 'opaque'],
    ['jwt', 'a.b.c'],
    ['jwt', 'a.b'],
    ['jwt', '..'],
    ['jwt', jwt('not json')],
    ['jwt', jwt([1])],
    ['jwt', jwt({})],
    ['jwt', jwt({ exp: null })],
    ['jwt', jwt({ exp: '1h' })],
    ['jwt', `${jwt({ exp: now / 1000 + 60 })}.x.y`],
    ['jwt', 12],
  ])('%s %j', (as, value) => {
    const next = { path: 'next', as: 'seconds' } as const;
    expect(read({ x: value, next: 7 }, { path: 'x', as }, next).lifetimeMs).toBe(7000);
    const last = read({ x: value }, { path: 'x', as }, next);
    expect(last).toMatchObject({ lifetimeMs: 240_000, lifetimeKnown: false });
    expect(last.warnings).toHaveLength(1);
  });

  test('29 February exists in leap years', () => {
    expect(read({ x: '2028-02-29T00:00:00Z' }, { path: 'x', as: 'iso' }).lifetimeMs).toBe(
      Date.UTC(2028, 1, 29) - now,
    );
    expect(read({ x: '2400-02-29' }, { path: 'x', as: 'iso' }).lifetimeKnown).toBe(true);
  });
});

test('the first rule that yields a lifetime counts, by dotted paths', () => {
  const answer = { data: { ttl: 60, list: [{ at: '2025-11-17T11:45:40Z' }] }, 'a.b': 5 };
  expect(
    read(answer, { path: 'data.ttl', as: 'seconds' }, { path: 'data.list.0.at', as: 'iso' }).lifetimeMs,
  ).toBe(60_000);
  expect(
    read(answer, { path: 'data.no', as: 'seconds' }, { path: 'data.list.0.at', as: 'iso' }).lifetimeMs,
  ).toBe(hour);
  expect(read(answer, { path: 'a.b', as: 'seconds' }).lifetimeMs).toBe(5000);
  expect(
    read(answer, { path: 'data.list.length', as: 'seconds' }, { path: 'a.b', as: 'seconds' }).lifetimeMs,
  ).toBe(1000);
  expect(read(answer, { path: 'constructor.length', as: 'seconds' }).lifetimeKnown).toBe(false);
  expect(read(answer).lifetimeKnown).toBe(false);
});

test('a renewal hint is a positive number of seconds or nothing', () => {
  expect([2700, '2700', 0.5].map(readSeconds)).toEqual([2_700_000, 2_700_000, 500]);
  for (const value of [0, -1, '', null, undefined, '1h', 1e308, {}, true])
    expect(readSeconds(value)).toBeUndefined();
});

describe('R10: absolute times are measured against the clock of the vendor', () => {
  test('the Date field is its clock', () => {
    expect(answerTime('Mon, 17 Nov 2025 10:45:40 GMT', now + 600_000)).toBe(now);
  });

  test.each([
    undefined,
    '',
    'yesterday',
    '1763376340',
    '2025-11-17T10:45:40Z',
    'Mon, 17 Nov 2025 25:45:40 GMT',
    'Thu, 01 Jan 1970 00:00:00 GMT',
    'Mon, 17 Xyz 2025 10:45:40 GMT',
  ])('%j is no time, ours stands in', (date) => {
    expect(answerTime(date, now)).toBe(now);
  });
});

test('whatever the answer, a lifetime is a whole number from 0 to 2^53', () => {
  const as = fc.constantFrom<ExpiryFormat>('seconds', 'milliseconds', 'epoch', 'epoch_ms', 'iso', 'jwt');
  const date = fc.date({ noInvalidDate: true }).map((value) => value.toISOString());
  const value = fc.oneof(
    fc.double(),
    fc.double().map(String),
    fc.maxSafeInteger(),
    date,
    fc.jsonValue(),
    fc.jsonValue().map(jwt),
    fc.double().map((exp) => jwt({ exp })),
  );
  fc.assert(
    fc.property(value, as, fc.integer({ min: 0, max: 4e12 }), (x, format, at) => {
      const rules = [{ path: 'x', as: format }];
      const { lifetimeMs } = readLifetime({ x }, { ...oauth2.response, expires: rules }, at);
      expect(Number.isSafeInteger(lifetimeMs) && lifetimeMs >= 0).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
