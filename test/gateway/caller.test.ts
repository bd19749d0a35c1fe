import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/config/secret.ts';
import type { CupbearerError } from '../../src/errors.ts';
import { createCallers } from '../../src/gateway/caller.ts';
import type { RequestHead } from '../../src/gateway/guard.ts';

const head = (...raw: string[]) =>
  ({ raw, names: raw.filter((_, i) => i % 2 === 0).map((n) => n.toLowerCase()) }) as unknown as RequestHead;
const keys = {
  billing: { key: new Secret('k1'), routes: ['/realer'] },
  batch: { key: [new Secret('k2'), new Secret('k3')], routes: undefined },
  abroad: { key: new Secret('clé:€'), routes: undefined },
};
const still = () => 0;
const peer = { remoteAddress: '127.0.0.1' };
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const onTheWire = (text: string) => Buffer.from(text).toString('latin1');
const unknown =
  'present a caller key in X-Api-Key, Proxy-Authorization or as the password of Basic Authorization';

describe('a caller', () => {
  it.each([
    ['X-Api-Key', 'k1', 'billing'],
    ['X-API-KEY', 'k3', 'batch'],
    ['Proxy-Authorization', 'Bearer k2', 'batch'],
    ['proxy-authorization', 'bearer  k2', 'batch'],
    ['Proxy-Authorization', basic('anyone:k1'), 'billing'],
    ['Authorization', basic('anyone:k3'), 'batch'],
    ['AUTHORIZATION', basic(':k3').replace('Basic', 'BASIC'), 'batch'],
    ['Authorization', basic('anyone:clé:€'), 'abroad'],
    ['X-Api-Key', onTheWire('clé:€'), 'abroad'],
  ])('presents %s: %s and is %s', (name, value, expected) => {
    expect(createCallers(keys, still).identify(head(name, value), peer)).toBe(expected);
  });

  it.each(['X-Api-Key', 'Proxy-Authorization'])(
    'presents its key in %s, whatever Authorization it sends for others',
    (name) => {
      const value = name === 'X-Api-Key' ? 'k1' : 'Bearer k1';
      const both = head('Authorization', basic('me:k3'), name, value);
      expect(createCallers(keys, still).identify(both, peer)).toBe('billing');
    },
  );

  it.each([
    [[]],
    [['X-Api-Key', 'k']],
    [['X-Api-Key', 'k1x']],
    [['X-Api-Key', 'K1']],
    [['X-Api-Key', '']],
    [['X-Api-Key', '\xff\xfe']],
    [['X-Api-Key', 'k1', 'X-Api-Key', 'k1']],
    [['X-Api-Key', 'k1', 'Proxy-Authorization', 'Bearer k1']],
    [['X-Api-Key', 'k', 'Authorization', basic('me:k1')]],
    [['X_Api_Key', 'k1']],
    [['Proxy-Authorization', 'Digest k1']],
    [['Proxy-Authorization', 'k1']],
    [['Proxy-Authorization', 'Bearer k1', 'Proxy-Authorization', 'Bearer k1']],
    [['Proxy-Authorization', 'Bearer', 'Authorization', basic('me:k1')]],
    [['Proxy-Authorization', basic('k1')]],
    [['Authorization', 'Bearer k1']],
    [['Authorization', 'k1']],
    [['Authorization', basic('k1:')]],
    [['Authorization', 'Basic ****']],
    [['Authorization', basic('me:k1'), 'authorization', basic('me:k1')]],
    [['Cookie', 'X-Api-Key=k1; key=k1', 'X-Key', 'k1']],
    [['X-Api-Key', 'x'.repeat(100_000)]],
  ])('is refused alike with %j', (raw) => {
    expect(() => createCallers(keys, still).identify(head(...raw), peer)).toThrow(
      expect.objectContaining({ code: 'caller-unknown', message: unknown }),
    );
  });

  it('may use its own routes and those that name it, no others', () => {
    const callers = createCallers(keys, still);
    expect(() => callers.admit('billing', '/realer', undefined)).not.toThrow();
    expect(() => callers.admit('billing', '/other', undefined)).toThrow(
      'caller billing may not use route /other',
    );
    expect(() => callers.admit('batch', '/other', ['billing'])).toThrow(
      'caller batch may not use route /other',
    );
  });

  it('has the key that its source has, from the next reload on', () => {
    let text = 'old';
    const changing = new Secret(text, () => text);
    const reloading = createCallers({ app: { key: changing, routes: undefined } }, still);
    text = 'new';
    changing.reread();
    expect(reloading.identify(head('X-Api-Key', 'old'), peer)).toBe('app');
    reloading.reload();
    expect(() => reloading.identify(head('X-Api-Key', 'old'), peer)).toThrow('present a caller key');
    expect(reloading.identify(head('X-Api-Key', 'new'), peer)).toBe('app');
  });

  it('is nobody in particular when none are configured', () => {
    const open = createCallers({}, still);
    expect(open.identify(head(), peer)).toBeUndefined();
    expect(() => open.admit(undefined, '/x', undefined)).not.toThrow();
  });
});

describe('wrong keys', () => {
  const setUp = () => {
    let now = 0;
    const callers = createCallers(keys, () => now);
    const attempt = (remoteAddress: string | undefined, ...raw: string[]) => {
      try {
        return callers.identify(head(...raw), { remoteAddress });
      } catch (error) {
        const { code, retryAfterMs } = error as CupbearerError;
        return code === 'too-many-attempts' ? `${code} ${retryAfterMs}` : code;
      }
    };
    const exhaust = (address: string | undefined) => {
      for (let i = 0; i < 20; i++)
        expect(attempt(address, ...(i % 2 === 0 ? [] : ['X-Api-Key', `${i}`]))).toBe('caller-unknown');
    };
    const pass = (ms: number) => {
      now += ms;
    };
    return { attempt, exhaust, pass };
  };

  it('are heard twenty times, then once a second, missing ones too', () => {
    const { attempt, exhaust, pass } = setUp();
    exhaust('192.0.2.1');
    expect(attempt('192.0.2.1', 'X-Api-Key', 'x')).toBe('too-many-attempts 1000');
    expect(attempt('192.0.2.1')).toBe('too-many-attempts 1000');
    pass(400);
    expect(attempt('192.0.2.1')).toBe('too-many-attempts 600');
    pass(600);
    expect(attempt('192.0.2.1')).toBe('caller-unknown');
    expect(attempt('192.0.2.1')).toBe('too-many-attempts 1000');
    pass(3_600_000);
    exhaust('192.0.2.1');
    expect(attempt('192.0.2.1')).toBe('too-many-attempts 1000');
  });

  it('never lock a right key out', () => {
    const { attempt, exhaust } = setUp();
    exhaust('192.0.2.1');
    expect(attempt('192.0.2.1', 'X-Api-Key', 'k1')).toBe('billing');
    expect(attempt('192.0.2.1', 'X-Api-Key', 'x')).toMatch('too-many-attempts');
  });

  it.each([
    ['192.0.2.1', '192.0.2.2', 'apart'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2', 'apart'],
    [undefined, '127.0.0.1', 'apart'],
    [undefined, undefined, 'together'],
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', 'together'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:7::', 'together'],
    ['2001:db8::1', '2001:db8::2', 'together'],
    ['2001:db8:1:2::1', '2001:db8:1:3::1', 'apart'],
    ['2001:db8::1', '2001:db8:0:1::1', 'apart'],
    ['::1', 'fe80::1', 'apart'],
    ['127.0.0.1', '127.255.3.4', 'together'],
    ['127.0.0.1', '::1', 'together'],
    ['::ffff:127.0.0.1', '127.9.9.9', 'together'],
    ['127.0.0.1', '128.0.0.1', 'apart'],
    ['::1', '::', 'apart'],
    ['::ffff:127.0.0.1', '::ffff:12.7.0.1', 'apart'],
  ])('of %s and %s count %s', (one, other, how) => {
    const { attempt, exhaust } = setUp();
    exhaust(one);
    expect(attempt(other)).toMatch(how === 'together' ? 'too-many-attempts' : 'caller-unknown');
  });

  it('are remembered of a thousand peers, no more', () => {
    const { attempt, exhaust } = setUp();
    exhaust('192.0.2.1');
    for (let i = 0; i < 1_000; i++) attempt(`10.0.${i >> 8}.${i & 255}`);
    expect(attempt('192.0.2.1')).toMatch('too-many-attempts');
    for (let i = 0; i < 2_000; i++) attempt(`10.1.${i >> 8}.${i & 255}`);
    expect(attempt('192.0.2.1')).toBe('caller-unknown');
  });
});
