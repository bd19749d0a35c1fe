import { expect, test } from 'vitest';
import { presets } from '../../../src/provider/presets.ts';
import { resolveProvider } from '../../../src/provider/resolve.ts';

test('oauth2 has no address of its own', () => {
  expect(() => resolveProvider('oauth2', {}, presets)).toThrow(/no token\.url/);
});
