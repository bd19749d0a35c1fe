import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TokenServer, tokenServer } from '../support/fixture.ts';
import { type RawUpstream, rawUpstream } from '../support/raw.ts';
import { configFile } from '../support/serve.ts';
import { type ServedChild, serveChild } from './served.ts';

/** More lines than a pipe takes: 64 KiB. */
const requests = 600;

describe.each(['json', 'pretty'])('D13 a log that nobody can write, as %s', (format) => {
  let directory: string;
  let tokens: TokenServer;
  let up: RawUpstream;
  let client: Client;
  let serving: ServedChild;
  let args: string[];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-sinks-'));
    tokens = await tokenServer('SENT-T');
    up = await rawUpstream();
    const socket = join(directory, 'proxy.sock');
    client = new Client('http://localhost', { socketPath: socket });
    const file = configFile(
      directory,
      `
server: { listen: "unix:${socket}", admin: "off" }
providers: { issuer: { token: { url: "${tokens.url}/token" } } }
credentials: { one: { provider: issuer, client_id: id, client_secret: SENT-CLIENT } }
routes: { /api: { upstream: "http://127.0.0.1:${up.port}", credential: one } }
`,
    );
    args = ['--config', file, '--log-format', format];
  });
  afterEach(async () => {
    await serving.stop();
    await client.destroy();
    await tokens.close();
    await up.close();
    rmSync(directory, { recursive: true });
  });

  const get = async () => {
    const { statusCode, body } = await client.request({ method: 'GET', path: '/api/x' });
    await body.dump();
    return statusCode;
  };
  /** All requests are answered, none much later than the others. */
  const expectServing = async () => {
    await expect.poll(() => get().catch(() => 0), { timeout: 15_000, interval: 50 }).toBe(200);
    let slowest = 0;
    for (let n = 0; n < requests; n++) {
      const start = performance.now();
      expect(await get()).toBe(200);
      slowest = Math.max(slowest, performance.now() - start);
    }
    expect(slowest).toBeLessThan(2_000);
  };

  it('does not stop the proxy when nobody reads the pipe', async () => {
    serving = serveChild({ args, stdio: ['ignore', 'pipe', 'ignore'] });
    serving.child.stdout?.removeAllListeners('data').pause();
    await expectServing();
    expect(await serving.stop()).toBe(0);
  });

  it('does not stop the proxy when the reader is gone', async () => {
    serving = serveChild({ args, stdio: ['ignore', 'pipe', 'pipe'] });
    serving.child.stdout?.destroy();
    serving.child.stderr?.destroy();
    await expectServing();
    expect(await serving.stop()).toBe(0);
  });

  it('does not stop the proxy when the disk is full', async () => {
    const full = openSync('/dev/full', 'w');
    serving = serveChild({ args, stdio: ['ignore', full, full] });
    closeSync(full);
    await expectServing();
    expect(await serving.stop()).toBe(0);
  });
});
