#!/usr/bin/env -S node --disable-sigusr1

// Node's own answer to SIGUSR1 is to open its inspector, to SIGUSR2 to end.
for (const signal of ['SIGUSR1', 'SIGUSR2']) process.on(signal, () => {});
Object.assign(process.report, { excludeEnv: true, excludeNetwork: true });

const { renderFacts, watchCrashes } = await import('./cli/crash.ts');
const { run } = await import('./cli/program.ts');

// A reader such as `head` may close its end early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.stderr.on('error', () => {});

const err = (text: string) => void process.stderr.write(text);
const crash = watchCrashes((facts) => err(`cupbearer: unexpected: ${renderFacts(facts)}\n`));
const ended = run(process.argv.slice(2), {
  env: process.env,
  out: (text) => void process.stdout.write(text),
  err,
  onCrash: crash.by,
});
const code = await Promise.race([ended, crash.ended]);
// What was written must be out before the process ends.
process.stdout.write('', () => process.exit(code));
