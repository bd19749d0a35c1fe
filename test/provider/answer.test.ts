import { expect, test } from 'vitest';
import { parseAnswer, valueAt } from '../../src/provider/answer.ts';

const answer = { a: { b: [{ c: 1 }] }, 'a.b': 2, text: 'abc', nothing: null };

test.each([
  ['a.b.0.c', 1],
  ['a.b', 2],
  ['a.b.1.c', undefined],
  ['text.length', undefined],
  ['nothing.x', undefined],
  ['a..b', undefined],
  ['', undefined],
  ['toString', undefined],
  ['__proto__', undefined],
  ['a.constructor', undefined],
])('the value at %j is %j', (path, value) => {
  expect(valueAt(answer, path)).toBe(value);
});

test('an answer is one JSON object and nothing else', () => {
  expect(parseAnswer('\uFEFF{"a":1}')).toEqual({ a: 1 });
  for (const body of ['', 'null', '[]', '1', '"a"', '{"a":1', '[['.repeat(1e5)]) {
    expect(parseAnswer(body)).toBeUndefined();
  }
});
