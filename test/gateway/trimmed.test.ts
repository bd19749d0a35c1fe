import { expect, it } from 'vitest';
import { trimmed } from '../../src/gateway/trimmed.ts';

it.each([
  ['', ''],
  [' \t', ''],
  ['a', 'a'],
  ['\t a \t b \t', 'a \t b'],
])('takes what is around a text away, and nothing inside: %j', (text, expected) => {
  expect(trimmed(text, ' \t')).toBe(expected);
});

it('takes no more time for a long run inside than for anything else', () => {
  const took = (inside: string) => {
    const start = performance.now();
    for (let i = 0; i < 5; i++) trimmed(`a${inside.repeat(16_000)}a`, '-');
    return performance.now() - start;
  };
  took('b');
  // A pattern takes 200 ms for each.
  expect(took('-')).toBeLessThan(took('b') + 100);
});
