import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { followReloads, listenForReloads, readConfig } from '../../src/cli/worker-config.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { createScrubber } from '../../src/telemetry/scrubber.ts';
import type { Channel, Message } from '../../src/workers/channel.ts';
import type { Begin, Reload } from '../../src/workers/control-messages.ts';
import type { TokenClient } from '../../src/workers/token-client.ts';
import { ManualClock } from '../support/manual-clock.ts';

const text = (name: string, more = '') => `
credentials:
  a: { provider: realer, client_id: me, client_secret: "\${file:${name}}" }
  ${more}
routes: { /a: { credential: a, upstream: "https://api.example" } }
`;

it('a worker that cannot read a configuration serves on with the one before until it can', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'cupbearer-worker-'));
  const put = (name: string) =>
    writeFileSync(join(directory, name), 'a-secret-of-some-length', { mode: 0o600 });
  put('there');
  const clock = new ManualClock();
  const lines: string[] = [];
  const sent: Message[] = [];
  let receive = (_message: Message) => {};
  const channel: Channel = {
    send: (message) => void sent.push(message),
    listen(listener) {
      receive = listener;
      return () => {};
    },
  };
  const begin = { text: text('there'), epoch: 0, file: join(directory, 'routes.yaml'), env: {} } as Begin;
  const prepared: unknown[] = [];
  const tokens = {
    prepare(epoch: number, _credentials: unknown, changed: ReadonlySet<string>) {
      prepared.push([epoch, [...changed]]);
      return { get: () => undefined, adopt() {} };
    },
    release() {},
  } as unknown as TokenClient;
  followReloads(listenForReloads(channel), {
    channel,
    begin,
    config: readConfig(begin, begin.text).config!,
    proxy: { prepare: () => ({ adopt: async () => {} }) },
    tokens,
    counters: { adopt() {} },
    log: createLog({ level: 'info', stream: { write: (line) => void lines.push(line) } }),
    scrubber: createScrubber(),
    clock,
  });
  const reload = (epoch: number, changed: string[], more?: string) =>
    receive({ kind: 'reload', epoch, text: text('late', more), changed } as Reload);
  // What it began with is as new as this.
  reload(0, ['none']);
  reload(1, ['a']);
  await clock.advance(3_000);
  reload(2, ['b'], 'b: { provider: realer, client_id: me, client_secret: another-long-secret }');
  await clock.advance(3_000);
  expect([prepared, sent]).toEqual([[], []]);
  expect(lines.filter((line) => line.includes('cannot take up'))).toHaveLength(1);
  put('late');
  await clock.advance(1_000);
  expect(prepared).toEqual([[2, ['a', 'b']]]);
  expect(sent).toEqual([{ kind: 'released', epoch: 2 }]);
  rmSync(directory, { recursive: true });
});
