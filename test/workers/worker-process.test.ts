import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';

it('says that a process cannot be started when no file may be opened any more', async () => {
  const child = join(import.meta.dirname, 'fork-child.ts');
  const limited = ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, child];
  const parent = spawn('sh', limited, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  parent.stdout.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  const [code] = await once(parent, 'close');
  expect(text).toContain('EMFILE');
  expect(code).toBe(0);
});
