import { expect, it } from 'vitest';
import { Notices } from '../../src/admin/notices.ts';

it('keeps a notice for a minute, and the last hundred', () => {
  let now = 0;
  const notices = new Notices(() => now);
  const first = notices.keep({ tone: 'good', text: 'one' });
  now = 59_999;
  expect(notices.get(first)?.text).toBe('one');
  now = 60_000;
  expect(notices.get(first)).toBeUndefined();
  const ids = Array.from({ length: 101 }, (_, i) => notices.keep({ tone: 'bad', text: `${i}` }));
  expect(ids.map((id) => notices.get(id)?.text).slice(0, 3)).toEqual([undefined, '1', '2']);
  expect(new Set(ids).size).toBe(101);
  expect(notices.get(undefined)).toBeUndefined();
});
