import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Fixture, startCupbearer } from '../support/fixture.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { configFile, type Served, serve } from '../support/serve.ts';

let directory: string;
let keyFile: string;
let upstream: Server;
/** What the upstream takes, as its field has it; all other requests get a 401. */
let good: string;
let field: string;
let seen: IncomingHttpHeaders[];
let agent: Agent;
let proxy: Fixture | undefined;
let served: Served | undefined;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cupbearer-static-'));
  keyFile = join(directory, 'key');
  seen = [];
  field = 'authorization';
  upstream = createServer(async (incoming, response) => {
    seen.push(incoming.headers);
    let body = '';
    for await (const chunk of incoming) body += chunk;
    response.statusCode = incoming.headers[field] === good ? 200 : 401;
    response.end(response.statusCode === 200 ? `taken ${body}` : '{"code":20003,"status":401}');
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  agent = new Agent();
});

afterEach(async () => {
  await agent.destroy();
  await proxy?.stop();
  proxy = undefined;
  if (served !== undefined && served.process.exitCode === null) await served.end('SIGKILL');
  served = undefined;
  upstream.closeAllConnections();
  upstream.close();
  rmSync(directory, { recursive: true });
});

const origin = () => `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
const yaml = (credential: string, providers = '', server = 'admin: "off"') => `
server: { listen: "127.0.0.1:0", ${server} }
providers: { ${providers} }
credentials: { c: ${credential} }
routes: { /u: { credential: c, upstream: "${origin()}" } }
`;

async function call(base = proxy?.url ?? '', body?: string) {
  const method = body === undefined ? 'GET' : 'POST';
  const answer = await request(`${base}/u/x`, { dispatcher: agent, method, body: body ?? null });
  return { status: answer.statusCode, text: await answer.body.text() };
}

const basic = (name: string, password: string) =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;

describe('a static key', () => {
  it('goes as name and password of Basic, nothing encoded before base64', async () => {
    good = basic('AC0123', 'to+ken%:');
    proxy = await startCupbearer(
      yaml('{ provider: twilio, grant_type: static, client_id: AC0123, client_secret: "${SECRET}" }'),
      { env: { SECRET: 'to+ken%:' } },
    );
    expect(await call()).toEqual({ status: 200, text: 'taken ' });
    expect(seen).toHaveLength(1);
  });

  it('goes in a field of any name', async () => {
    field = 'x-acme-key';
    good = 'k-1';
    proxy = await startCupbearer(
      yaml(
        '{ provider: acme, grant_type: static, token: k-1 }',
        'acme: { extends: api-key, attach: { header: X-Acme-Key } }',
      ),
    );
    expect((await call()).status).toBe(200);
    expect(seen[0]).not.toHaveProperty('authorization');
  });

  it('goes in two fields, each with a key of its own', async () => {
    field = 'dd-api-key';
    good = 'api';
    proxy = await startCupbearer(
      yaml(
        '{ provider: acme, grant_type: static, client_id: app, client_secret: api }',
        'acme: { attach: { header: DD-Api-Key, value: "{client_secret}", headers: { DD-App-Key: "{client_id}" } } }',
      ),
    );
    expect((await call()).status).toBe(200);
    expect(seen[0]).toMatchObject({ 'dd-app-key': 'app' });
  });

  it('that has changed in its file is taken at a 401, and the request is sent once more', async () => {
    writeFileSync(keyFile, 'old\n');
    good = 'Bearer old';
    proxy = await startCupbearer(
      yaml(`{ provider: bearer-key, grant_type: static, token: "\${file:${keyFile}}" }`),
    );
    expect((await call()).status).toBe(200);
    writeFileSync(keyFile, 'new\n');
    good = 'Bearer new';
    expect(await call(proxy.url, 'a body')).toEqual({ status: 200, text: 'taken a body' });
    expect(seen.map(({ authorization }) => authorization)).toEqual([
      'Bearer old',
      'Bearer old',
      'Bearer new',
    ]);
    expect((await call()).status).toBe(200);
    expect(seen).toHaveLength(4);
  });

  it('that is refused and has not changed: the 401 passes at once, and the key is sent again next time', async () => {
    writeFileSync(keyFile, 'bad');
    good = 'Bearer good';
    proxy = await startCupbearer(
      yaml(`{ provider: bearer-key, grant_type: static, token: "\${file:${keyFile}}" }`),
    );
    const since = performance.now();
    for (let count = 1; count <= 5; count++) {
      expect(await call()).toEqual({ status: 401, text: '{"code":20003,"status":401}' });
      expect(seen).toHaveLength(count);
    }
    expect(performance.now() - since).toBeLessThan(900);
    expect(proxy.log()).not.toContain('the provider gave');
  });

  it('that has changed in its file is sent without a 401, and an old one put back is sent again', async () => {
    writeFileSync(keyFile, 'one');
    good = 'Bearer one';
    const clock = new ManualClock();
    proxy = await startCupbearer(
      yaml(`{ provider: bearer-key, grant_type: static, token: "\${file:${keyFile}}" }`),
      { clock },
    );
    expect((await call()).status).toBe(200);
    good = 'Bearer two';
    expect((await call()).status).toBe(401);
    for (const key of ['two', 'one']) {
      writeFileSync(keyFile, key);
      good = `Bearer ${key}`;
      proxy.rereadSecrets();
      await expect.poll(async () => (await call()).status).toBe(200);
      expect(seen.at(-1)?.authorization).toBe(good);
    }
    const count = seen.length;
    writeFileSync(keyFile, 'three');
    good = 'Bearer three';
    await expect
      .poll(async () => {
        await clock.advance(15_000);
        return proxy?.log();
      })
      .toMatch(/secrets changed.*secrets changed.*secrets changed/s);
    await expect.poll(async () => (await call()).status).toBe(200);
    expect(seen.slice(count).map(({ authorization }) => authorization)).toContain('Bearer three');
  });

  it('has no end: after a year it is sent still, and nothing was renewed', async () => {
    good = 'Bearer k';
    const clock = new ManualClock();
    proxy = await startCupbearer(yaml('{ provider: oauth2, grant_type: static, token: k }'), { clock });
    expect((await call()).status).toBe(200);
    await clock.advance(60_000);
    clock.step(366 * 86_400_000);
    expect((await call()).status).toBe(200);
    await clock.advance(60_000);
    expect(proxy.log().match(/key taken from the configuration/g)).toHaveLength(1);
    expect(proxy.log()).not.toContain('token fetched');
  });

  it('is in no line of the log, in no form that is sent', async () => {
    good = 'no';
    const secret = 'a-secret-nobody-may-see';
    proxy = await startCupbearer(
      yaml('{ provider: twilio, grant_type: static, client_id: AC0123, client_secret: "${SECRET}" }'),
      { env: { SECRET: secret } },
    );
    await call();
    expect(seen[0]?.authorization).toBe(basic('AC0123', secret));
    expect(proxy.log()).not.toContain(secret);
    expect(proxy.log()).not.toContain(basic('AC0123', secret).slice(6));
  });

  it('is the same for several workers, and a changed one reaches them all', async () => {
    writeFileSync(keyFile, 'old');
    good = 'Bearer old';
    const file = configFile(
      directory,
      yaml(
        `{ provider: bearer-key, grant_type: static, token: "\${file:${keyFile}}" }`,
        '',
        `admin: "unix:${directory}/admin.sock", workers: 2`,
      ),
    );
    served = serve(file, {});
    const url = await served.url;
    const many = async () =>
      new Set((await Promise.all(Array.from({ length: 20 }, () => call(url)))).map(({ status }) => status));
    expect(await many()).toEqual(new Set([200]));
    writeFileSync(keyFile, 'new');
    good = 'Bearer new';
    expect(await many()).toEqual(new Set([200]));
    const refused = seen.length;
    expect(await many()).toEqual(new Set([200]));
    expect(seen.slice(refused).every(({ authorization }) => authorization === good)).toBe(true);
    expect(await served.end('SIGTERM')).toBe(0);
  });
});
