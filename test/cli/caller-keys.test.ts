import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Running, start } from '../../src/cli/start.ts';
import { loadFile } from '../../src/config/load.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { type TokenServer, tokenServer } from '../support/fixture.ts';
import { ManualClock } from '../support/manual-clock.ts';

describe("a caller's key in a file", () => {
  let directory: string;
  let tokens: TokenServer;
  let clock: ManualClock;
  let running: Running;
  let log: string;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-callers-'));
    tokens = await tokenServer('T');
    clock = new ManualClock();
    log = '';
    put('first');
    const path = join(directory, 'routes.yaml');
    writeFileSync(
      path,
      `
server: { listen: "127.0.0.1:0", admin: "off" }
callers: { app: { key: "\${file:key}" }, other: { key: the-other } }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: s } }
routes: { /u: { upstream: "${tokens.url}", credential: c } }
`,
    );
    const { config } = loadFile(path, { env: {}, presets: {} });
    if (config === undefined) throw new Error('the configuration has errors');
    const stream = {
      write(line: string) {
        log += line;
      },
    };
    running = await start(config, { clock, log: createLog({ level: 'info', stream }) });
  });
  afterEach(async () => {
    await running.stop();
    await tokens.close();
    rmSync(directory, { recursive: true });
  });

  const put = (text: string) => writeFileSync(join(directory, 'key'), text);
  const get = async (key: string) =>
    (await fetch(`${running.url}/u/x`, { headers: { 'x-api-key': key } })).status;
  const statuses = async (...keys: string[]) => Promise.all(keys.map(get));

  it('is read again when the file has changed', async () => {
    expect(await statuses('first', 'second', 'the-other')).toEqual([200, 401, 200]);
    put('second');
    await clock.advance(15_000);
    await expect.poll(() => statuses('first', 'second', 'the-other')).toEqual([401, 200, 200]);
    expect(log).toContain('"caller":"app","keys":"key","msg":"secrets changed"');
    put('third one');
    await clock.advance(15_000);
    await expect.poll(() => statuses('second', 'third one')).toEqual([401, 200]);
    expect(log).not.toMatch(/first|second|third one|the-other/);
  });

  it('is read again at once when all secrets are', async () => {
    put('second');
    running.rereadSecrets();
    expect(await statuses('first', 'second')).toEqual([401, 200]);
  });

  it('stays what it was while the file gives none, and that is told once', async () => {
    for (const broken of ['', '']) {
      put(broken);
      running.rereadSecrets();
      expect(await statuses('first', '')).toEqual([200, 401]);
    }
    rmSync(join(directory, 'key'));
    running.rereadSecrets();
    expect(await get('first')).toBe(200);
    const warnings = log.split('\n').filter((line) => line.includes('the one before stays'));
    expect(warnings).toEqual([
      expect.stringMatching(/"caller":"app","key":"key","detail":"a secret was replaced by nothing"/),
      expect.stringMatching(/"caller":"app".*there is no such file/),
    ]);
  });
});
