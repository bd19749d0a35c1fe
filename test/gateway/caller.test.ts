import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/config/secret.ts';
import { createCallers } from '../../src/gateway/caller.ts';
import type { RequestHead } from '../../src/gateway/guard.ts';

const head = (...raw: string[]) =>
  ({ raw, names: raw.filter((_, i) => i % 2 === 0).map((n) => n.toLowerCase()) }) as unknown as RequestHead;
const callers = createCallers({
  billing: { key: new Secret('k1'), routes: ['/realer'] },
  batch: { key: [new Secret('k2'), new Secret('k3')], routes: undefined },
});
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

describe('a caller', () => {
  it.each([
    ['X-Api-Key', 'k1', 'billing'],
    ['X-API-KEY', 'k3', 'batch'],
    ['Proxy-Authorization', 'Bearer k2', 'batch'],
    ['Proxy-Authorization', basic('anyone:k1'), 'billing'],
  ])('presents %s: %s and is %s', (name, value, expected) => {
    expect(callers.identify(head(name, value))).toBe(expected);
  });

  it.each([
    [[]],
    [['X-Api-Key', 'k']],
    [['X-Api-Key', 'k1x']],
    [['X-Api-Key', '']],
    [['X-Api-Key', 'k1', 'X-Api-Key', 'k1']],
    [['X-Api-Key', 'k1', 'Proxy-Authorization', 'Bearer k1']],
    [['Proxy-Authorization', 'Digest k1']],
    [['X-Api-Key', 'x'.repeat(100_000)]],
  ])('is refused alike with %j', (raw) => {
    expect(() => callers.identify(head(...raw))).toThrow(
      'present a caller key in X-Api-Key or Proxy-Authorization',
    );
  });

  it('may use its own routes and those that name it, no others', () => {
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
    const reloading = createCallers({ app: { key: changing, routes: undefined } });
    text = 'new';
    changing.reread();
    expect(reloading.identify(head('X-Api-Key', 'old'))).toBe('app');
    reloading.reload();
    expect(() => reloading.identify(head('X-Api-Key', 'old'))).toThrow('present a caller key');
    expect(reloading.identify(head('X-Api-Key', 'new'))).toBe('app');
  });

  it('is nobody in particular when none are configured', () => {
    const open = createCallers({});
    expect(open.identify(head())).toBeUndefined();
    expect(() => open.admit(undefined, '/x', undefined)).not.toThrow();
  });
});
