import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyOf, nameOf } from '../../src/store/name.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.stringMatching(/^[a:%u0-9A-F]*$/),
  // Halves of surrogate pairs included.
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 })
    .map((units) => String.fromCharCode(...units)),
);
const key = fc.record({ credential: text, tenant: text }, { requiredKeys: ['credential'] });

describe('a name', () => {
  it('gives its key back', () => {
    fc.assert(
      fc.property(key, (one) => {
        expect(keyOf(nameOf(one))).toEqual(one);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is printable ASCII without blanks', () => {
    fc.assert(
      fc.property(key, (one) => {
        expect(nameOf(one)).toMatch(/^[!-~]*$/);
      }),
    );
  });

  it('of plain words is readable', () => {
    expect(nameOf({ credential: 'acme', tenant: 'loc-1' })).toBe('acme:loc-1');
    expect(nameOf({ credential: 'acme' })).toBe('acme');
  });

  it('is the only one of its key', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.stringMatching(/^[a:%u0-9a-fA-F]*$/)), (name) => {
        const found = keyOf(name);
        if (found !== undefined) expect(nameOf(found)).toBe(name);
      }),
      { numRuns: 2_000 },
    );
    for (const name of ['a:b:c', '%', '%zz', '%61', '%3a', '%uD800', '%u0041', '%u', 'a b', 'ü', '%FF']) {
      expect({ name, key: keyOf(name) }).toEqual({
        name,
        key: name === '%uD800' ? { credential: '\ud800' } : undefined,
      });
    }
  });
});
