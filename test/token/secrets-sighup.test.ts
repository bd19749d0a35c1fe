import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetch } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answer, startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

describe('SIGHUP', () => {
  let dir: string;
  let endpoint: TokenEndpoint;
  let child: ChildProcess;
  let output: string;

  const logged = (message: string) => expect.poll(() => output, { timeout: 10_000 }).toContain(message);

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'cupbearer-sighup-'));
    output = '';
    const isGood = (authorization = '') => authorization === `Basic ${btoa('id:second-secret')}`;
    // The token endpoint is the upstream too.
    endpoint = await startTokenEndpoint((count, { url, headers }) =>
      url !== '/token' || isGood(headers.authorization)
        ? { json: answer(`t${count}`, 3600) }
        : { status: 401, json: { error: 'invalid_client' } },
    );
    writeFileSync(join(dir, 'secret'), 'first-secret');
    writeFileSync(
      join(dir, 'routes.yaml'),
      `
server: { listen: "127.0.0.1:0", admin: "off" }
providers: { issuer: { token: { url: "${endpoint.url}" } } }
credentials: { acme: { provider: issuer, client_id: id, client_secret: "\${file:secret}" } }
routes: { /api: { upstream: "${new URL(endpoint.url).origin}", credential: acme } }
`,
    );
    const args = [main, 'serve', '--config', join(dir, 'routes.yaml'), '--log-format', 'json'];
    child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += text));
    await logged('"msg":"listening"');
  });
  afterEach(async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.kill('SIGTERM')) await ended;
    await endpoint.close();
    rmSync(dir, { recursive: true });
  });

  it('reads every secret again, says which have changed, and goes on serving', async () => {
    const url = /"url":"(http:[^"]+)"/.exec(output)?.[1];
    const get = async () => {
      const response = await fetch(`${url}/api/x`);
      await response.text();
      return response.status;
    };
    expect(await get()).toBe(502);
    child.kill('SIGHUP');
    await logged('"msg":"reading the configuration and its secrets again"');
    expect(output).not.toContain('secrets changed');
    writeFileSync(join(dir, 'secret'), 'second-secret');
    child.kill('SIGHUP');
    await logged('"msg":"secrets changed"');
    expect(output).toMatch(/"credential":"acme","keys":"client_secret","msg":"secrets changed"/);
    expect(await get()).toBe(200);
    expect(output).not.toMatch(/(?:first|second)-secret/);
  });
});
