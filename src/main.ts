#!/usr/bin/env node
import { run } from './cli/program.ts';

// A reader such as `head` may close its end early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const code = await run(process.argv.slice(2), {
  env: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
// What was written must be out before the process ends.
process.stdout.write('', () => process.exit(code));
