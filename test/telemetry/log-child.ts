import { setTimeout as passed } from 'node:timers/promises';
import { createLog } from '../../src/telemetry/log.ts';

// As the program does: Node then makes the pipe one that never waits.
process.stdout.on('error', () => {});

const log = createLog({ level: 'info' });
log.info('more than the pipe takes', { n: 0, text: 'x'.repeat(2 * 1024 * 1024) });
await passed(50);
for (let n = 1; n <= 3; n++) log.info('after it', { n });
process.stderr.write('held');
await log.flush();
process.exit();
