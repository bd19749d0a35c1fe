import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeptBytes } from '../../src/gateway/kept-bytes.ts';

const keep = (pieces: readonly Buffer[]) => {
  const kept = new KeptBytes();
  for (const piece of pieces) kept.add(piece);
  return kept;
};

describe('kept bytes', () => {
  it('are what came, in its order, whatever the pieces were', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 5 }),
      fc.integer({ min: 0, max: 40_000 }).map((length) => new Uint8Array(length).fill(length)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (arrays) => {
        const pieces = arrays.map((array) => Buffer.from(array));
        const expected = Buffer.concat(pieces);
        expect(keep(pieces).whole().equals(expected)).toBe(true);
        expect(Buffer.concat(keep(pieces).pieces()).equals(expected)).toBe(true);
      }),
    );
  });

  it('can be read before more comes', () => {
    const kept = keep(['a', 'b', 'c'].map((text) => Buffer.from(text)));
    expect(String(kept.whole())).toBe('abc');
    for (const text of ['d', 'e']) kept.add(Buffer.from(text));
    expect(String(kept.whole())).toBe('abcde');
  });

  it('are not copied when they came in one piece', () => {
    const piece = Buffer.from('whole');
    expect(keep([piece]).whole()).toBe(piece);
  });

  it('of a hundred thousand tiny pieces are held in few', () => {
    expect(keep(Array(100_000).fill(Buffer.from('a'))).pieces().length).toBeLessThan(10);
  });

  it('keep large pieces as they came, without a copy', () => {
    const pieces = [Buffer.alloc(10_000, 'a'), Buffer.alloc(70_000, 'b')];
    expect(keep(pieces).pieces()).toEqual(pieces);
    expect(keep(pieces).pieces()[1]).toBe(pieces[1]);
  });
});
