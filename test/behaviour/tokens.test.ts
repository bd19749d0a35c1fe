import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, request } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';

describe('tokens on the way of a request', () => {
  let upstream: Server;
  let seen: { token: string | undefined; path: string | undefined; tenant: unknown }[];
  let tokens: TokenServer;
  let asked: string[];
  let proxy: Fixture;
  let agent: Agent;

  beforeEach(async () => {
    seen = [];
    asked = [];
    agent = new Agent();
    upstream = createServer((req, res) => {
      seen.push({ token: req.headers.authorization, path: req.url, tenant: req.headers['x-location-id'] });
      res.end('ok');
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    tokens = await tokenServer('T');
    const answer = tokens.answer;
    tokens.answer = (count: number, req: IncomingMessage, body: string) => {
      asked.push(`${req.headers['x-tenant'] ?? ''} ${body}`.trim());
      return answer(count, req, body);
    };
    const { port } = upstream.address() as AddressInfo;
    proxy = await startCupbearer(`
server: { listen: "127.0.0.1:0", admin: "off" }
providers:
  p: { token: { url: "${tokens.url}/token" } }
  t: { extends: p, token: { params: { location: "{tenant}" }, headers: { X-Tenant: "{tenant}" } } }
credentials:
  plain: { provider: p, client_id: id, client_secret: s }
  perTenant: { provider: t, client_id: id, client_secret: s, tenant: { header: X-Location-Id, max: 3 } }
routes:
  /plain: { upstream: "http://127.0.0.1:${port}", credential: plain }
  /other: { upstream: "http://127.0.0.1:${port}/base", credential: plain }
  /tenant: { upstream: "http://127.0.0.1:${port}", credential: perTenant }
`);
  });
  afterEach(async () => {
    await agent.destroy();
    await proxy.stop();
    await tokens.close();
    upstream.closeAllConnections();
    await new Promise((resolve) => upstream.close(resolve));
  });

  const get = async (path: string, headers: Record<string, string | string[]> = {}) => {
    const { statusCode, body } = await request(`${proxy.url}${path}`, { dispatcher: agent, headers });
    return { status: statusCode, text: await body.text() };
  };

  it('1,000 concurrent first requests cost one token call and get 1,000 answers', async () => {
    const { answer } = tokens;
    tokens.answer = async (...args) => {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return answer(...args);
    };
    const answers = await Promise.all(Array.from({ length: 1_000 }, (_, i) => get(`/plain/${i}`)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1_000);
    expect(tokens.calls).toBe(1);
    expect(new Set(seen.map(({ token }) => token))).toEqual(new Set(['Bearer T1']));
    expect(seen).toHaveLength(1_000);
  });

  it('routes of one credential share its token', async () => {
    await get('/plain/x');
    await get('/other/x');
    expect(seen.map(({ token, path }) => [token, path])).toEqual([
      ['Bearer T1', '/x'],
      ['Bearer T1', '/base/x'],
    ]);
  });

  it('each tenant has its own token, asked for in its name', async () => {
    for (const tenant of ['a', 'b', 'a'])
      expect((await get('/tenant/x', { 'x-location-id': tenant })).status).toBe(200);
    expect(seen.map(({ token, tenant }) => [token, tenant])).toEqual([
      ['Bearer T1', undefined],
      ['Bearer T2', undefined],
      ['Bearer T1', undefined],
    ]);
    expect(asked).toEqual([
      'a grant_type=client_credentials&location=a',
      'b grant_type=client_credentials&location=b',
    ]);
  });

  it.each<[string, Record<string, string | string[]>]>([
    ['is missing', {}],
    ['is empty', { 'x-location-id': '' }],
    ['comes twice', { 'x-location-id': ['a', 'b'] }],
    ['has a space', { 'x-location-id': 'a b' }],
  ])('a tenant field that %s is a 400 problem and costs nothing', async (_what, headers) => {
    const { status, text } = await get('/tenant/x', headers);
    expect(status).toBe(400);
    expect(JSON.parse(text).type).toMatch(/^urn:cupbearer:problem:(tenant-required|malformed-request)$/);
    expect([tokens.calls, seen.length]).toEqual([0, 0]);
  });

  it('the number of tenants with a token is bounded; the longest unused makes room', async () => {
    for (const tenant of ['a', 'b', 'c', 'd', 'd', 'c', 'a'])
      await get('/tenant/x', { 'x-location-id': tenant });
    expect(asked.map((text) => text[0])).toEqual(['a', 'b', 'c', 'd', 'a']);
  });
});
