import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Hundreds of tests start a process: it loads compiled code in a third of the time.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compile') },
    expect: { poll: { interval: 10 } },
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // Many tests wait for another process or for a time to pass.
    maxWorkers: availableParallelism() + 1,
  },
});
