import { systemClock } from '../../src/token/clock.ts';
import type { Channel, Message } from '../../src/workers/channel.ts';
import { createTokenClient } from '../../src/workers/token-client.ts';
import type { Acquire, Acquired } from './token-processes.ts';

/*
 * A worker's token side in a process of its own: gets tokens when it is told to, all at once, and says what it got.
 */
const channel: Channel = {
  send: (message) => void process.send?.(message, undefined, undefined, () => {}),
  listen(listener) {
    process.on('message', listener as (message: unknown) => void);
    return () => process.off('message', listener as (message: unknown) => void);
  },
};
const tokens = createTokenClient({
  channel,
  clock: systemClock,
  epoch: 0,
  credentials: { acme: {} },
  note: () => {},
});

channel.listen((message: Message) => {
  if (message.kind === 'acquire') void acquire((message as Acquire).callers);
});

async function acquire(callers: number): Promise<void> {
  const source = tokens.get('acme');
  const got = Array.from({ length: callers }, () => source.acquire());
  const waited = got.filter((token) => token instanceof Promise).length;
  const values = new Set((await Promise.all(got)).map((token) => token.reveal()));
  channel.send<Acquired>({ kind: 'acquired', waited, values: [...values] });
}

process.on('disconnect', () => process.exit(0));
channel.send({ kind: 'ready' });
