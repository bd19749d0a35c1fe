import { openSync, writeSync } from 'node:fs';
import { workerProcesses } from '../../src/workers/worker-process.ts';

/*
 * Uses up the files it may open, then starts a worker and says how that ended.
 */
const start = workerProcesses(import.meta.filename, [], () => {});
try {
  while (true) openSync('/dev/null', 'r');
} catch {
  const one = start();
  writeSync(1, `${one.isAlive} ${await one.ended}\n`);
}
process.exit();
