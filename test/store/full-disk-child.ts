import { text } from 'node:stream/consumers';
import { Secret } from '../../src/config/secret.ts';
import { CupbearerError } from '../../src/errors.ts';
import { openStore } from '../../src/store/open.ts';

// Writes sessions until it fails, tells why and whether the last is still there to read.
const [, , path = ''] = process.argv;
const key = new Secret(await text(process.stdin));
const store = await openStore({ url: { kind: 'sqlite', path }, key }, { now: () => Date.now() });
let written = 0;
try {
  for (;;) {
    const session = { head: 'h', refresh_token: 'x'.repeat(8_000) };
    await store.compareAndSet({ credential: `c${written}` }, undefined, session);
    written++;
  }
} catch (error) {
  if (!(error instanceof CupbearerError)) throw error;
  const { code, message } = error;
  const after = (await store.load({ credential: `c${written - 1}` })) !== undefined;
  process.stdout.write(JSON.stringify({ written, code, message, after }));
}
