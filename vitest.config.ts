import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // One fewer is the default; many tests wait for another process or for a time to pass.
    maxWorkers: availableParallelism(),
  },
});
