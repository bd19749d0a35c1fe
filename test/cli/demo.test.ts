import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { fetch } from 'undici';
import { expect, test } from 'vitest';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

test('demo --stay shows the tour and commands that work, and a signal ends it with 0', async () => {
  const child = spawn(process.execPath, [main, 'demo', '--stay'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  let text = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (piece: string) => {
    text += piece;
  });
  try {
    await expect.poll(() => text, { timeout: 15_000 }).toMatch(/curl -N '.*'\n/);
    expect(text).toContain('Everything was as promised.');
    const tries = text.slice(text.indexOf('To try:'));
    const urls = [...tries.matchAll(/curl (http:\S+)$/gm)].map((match) => match[1] as string);
    expect(urls).toHaveLength(5);
    for (const url of urls) {
      const response = await fetch(url);
      await response.text();
      expect(response.status).toBe(200);
    }
  } finally {
    child.kill('SIGTERM');
  }
  expect(await exit).toEqual([0, null]);
});
