import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RawUpstream, rawUpstream } from '../support/raw.ts';
import { configFile } from '../support/serve.ts';
import { answer, startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts';
import { type ServedChild, serveChild } from './served.ts';

/* The store by itself: test/store/seal.test.ts, sqlite.test.ts, sqlite-refusals.test.ts. Here: what comes of it. */
describe('L: sessions in a file', () => {
  let directory: string;
  let database: string;
  let file: string;
  let tokens: TokenEndpoint;
  let up: RawUpstream;
  let serving: ServedChild;
  let key: string;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-stored-'));
    database = join(directory, 'state', 'sessions.db');
    key = randomBytes(32).toString('base64');
    tokens = await startTokenEndpoint((count, { form }) => ({
      json: answer(`SENT-access-${count}-of-${form.get('refresh_token')}`, 3600, {
        refresh_token: `SENT-refresh-${count}`,
      }),
    }));
    up = await rawUpstream();
    const session = (name: string) =>
      `${name}: { provider: issuer, client_id: id, client_secret: "\${CLIENT}", grant_type: refresh_token, refresh_token: "\${SEED}-${name}" }`;
    file = configFile(
      directory,
      `
server: { listen: "127.0.0.1:0", admin: "off" }
store: { url: "sqlite:${database}", key: "\${KEY}" }
providers: { issuer: { token: { url: "${tokens.url}" } } }
credentials: { ${session('one')}, ${session('two')} }
routes:
  /one: { upstream: "http://127.0.0.1:${up.port}", credential: one }
  /two: { upstream: "http://127.0.0.1:${up.port}", credential: two }
`,
    );
    await launch();
    expect([await get('/one'), await get('/two')]).toEqual([200, 200]);
    await serving.stop();
    up.requests.length = 0;
  });
  afterEach(async () => {
    await serving.stop();
    await tokens.close();
    await up.close();
    rmSync(directory, { recursive: true });
  });

  const launch = async () => {
    const mask = process.umask(0);
    const env = { KEY: key, CLIENT: 'SENT-client-secret', SEED: 'SENT-seed' };
    serving = serveChild({ env, args: ['--config', file, '--log-level', 'trace', '--log-format', 'json'] });
    process.umask(mask);
    await Promise.race([serving.said(/listening/), serving.ended]);
  };
  const get = async (path: string) => {
    const { statusCode, body } = await request((await serving.address('url')) + path);
    await body.dump();
    return statusCode;
  };
  const refused = async () => {
    await launch();
    expect(await serving.ended).toBe(1);
    expect(serving.output()).not.toMatch(/SENT-/);
    return serving.output();
  };

  it('L9 makes its file for itself alone under umask 0, and nothing in it is in clear', () => {
    expect(statSync(database).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'state')).mode & 0o777).toBe(0o700);
    expect(readFileSync(database).includes('SENT-')).toBe(false);
  });

  it('L9 refuses a file that others may read', async () => {
    chmodSync(database, 0o644);
    expect(await refused()).toMatch(/chmod 600/);
  });

  it('L9 refuses a symbolic link', async () => {
    renameSync(database, join(directory, 'elsewhere.db'));
    symlinkSync(join(directory, 'elsewhere.db'), database);
    expect(await refused()).toMatch(/symbolic link/);
  });

  it('L10 refuses to start with another key', async () => {
    key = randomBytes(32).toString('base64');
    expect(await refused()).toMatch(/another key|store\.key/);
  });

  it.each([
    ['bits flipped', "substr(sealed, 1, length(sealed) - 1) || x'00'"],
    ['cut off', 'substr(sealed, 1, length(sealed) - 20)'],
    ['a record of another credential', "(SELECT sealed FROM session WHERE name LIKE 'two%')"],
    ['version 99', "substr(sealed, 1, 4) || x'63' || substr(sealed, 6)"],
    ['no record at all', 'CAST(\'{"head":"h","refresh_token":"SENT-planted"}\' AS BLOB)'],
  ])('L10 refuses a session with %s, sends nothing for it, and serves the other', async (_what, sealed) => {
    const before = tokens.calls.length;
    const db = new DatabaseSync(database);
    const { changes } = db
      .prepare(`UPDATE session SET sealed = CAST(${sealed} AS BLOB) WHERE name LIKE 'one%'`)
      .run();
    expect(changes).toBe(1);
    db.close();
    await launch();
    expect(await get('/one')).toBe(502);
    expect(await get('/two')).toBe(200);
    expect(up.requests.map(({ target }) => target)).toEqual(['/']);
    expect(tokens.calls).toHaveLength(before);
    await serving.stop();
    expect(serving.output()).toMatch(/"credential":"one"[^\n]*"error":"store-unreadable"/);
    expect(serving.output()).not.toMatch(/SENT-/);
  });
});
