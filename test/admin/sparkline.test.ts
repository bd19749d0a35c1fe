import { expect, it } from 'vitest';
import { sparkline } from '../../src/admin/sparkline.ts';

const commands = async (values: readonly (number | undefined)[]) => {
  const [, path = ''] = /class="line" d="([^"]*)"/.exec(String(await sparkline(values, 'a label'))) ?? [];
  return path.replace(/[^A-Za-z]/g, '');
};

it('is one line that is broken where nothing is known', async () => {
  expect(await commands([1, 2, 3])).toBe('MhLL');
  expect(await commands([1, undefined, 2, 3])).toBe('MhMhL');
  expect(await commands([])).toBe('');
});

it('is as high as its highest value and ends at the right', async () => {
  const text = String(await sparkline([0, 5], 'a label'));
  expect(text).toMatch(/L119\.0 2\.0"/);
  expect(text).toContain('aria-label="a label"');
});
