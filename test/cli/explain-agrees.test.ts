import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Explanation, explain } from '../../src/cli/explanation.ts';
import type { Config } from '../../src/config/config.ts';
import { configOf } from '../support/config.ts';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';
import { type OffsetClock, offsetClock } from '../support/offset-clock.ts';
import { type RawUpstream, rawRequest, rawUpstream } from '../support/raw.ts';

let upstream: RawUpstream;
let tokens: TokenServer;
let proxy: Fixture;
let clock: OffsetClock;
let config: Config;

beforeAll(async () => {
  upstream = await rawUpstream();
  tokens = await tokenServer('SENT-T');
  clock = offsetClock();
  const yaml = `
server: { listen: "127.0.0.1:0", admin: "off", hosts: [proxy.example], origins: ["https://page.example"] }
callers:
  billing: { key: key-of-billing-1234, routes: [/api, /api/deep] }
  ops: { key: key-of-ops-12345678 }
providers: { acme: { token: { url: "${tokens.url}/token" } } }
credentials:
  one: { provider: acme, client_id: id, client_secret: SENT-CLIENT }
  many: { provider: acme, client_id: id, client_secret: SENT-CLIENT, tenant: { header: X-Tenant } }
routes:
  /api: { upstream: "http://127.0.0.1:${upstream.port}/v1", credential: one, methods: [GET, POST, HEAD], max_body: 100B }
  /api/deep: { upstream: "http://127.0.0.1:${upstream.port}/v2", credential: one, strip_prefix: false, callers: [ops] }
  /many: { upstream: "http://127.0.0.1:${upstream.port}", credential: many }
`;
  proxy = await startCupbearer(yaml, { clock });
  config = configOf(yaml);
});
afterAll(async () => {
  await proxy.stop();
  await Promise.all([upstream.close(), tokens.close()]);
});

const often = <T>(usual: T, ...others: T[]) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(usual) },
    { weight: 2, arbitrary: fc.constantFrom(...others) },
  );

const segment = fc.constantFrom(
  'api',
  'deep',
  'many',
  'x',
  'API',
  '',
  '.',
  '..',
  '%2e%2E',
  '%2F',
  '%5c',
  '%',
  'ä',
  '#',
  '%c0%af',
);
const target = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('/api', '/api/x?y=1', '/api/deep/x', '/many', '/api//x', '/', '*', 'api'),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.array(segment, { maxLength: 4 }), fc.constantFrom('', '?', '?a=%zz', '?a=#'))
      .map(([segments, query]) => `/${segments.join('/')}${query}`),
  },
);
const method = often('GET', 'POST', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'FOO', 'PROPFIND');
const host = often(
  'localhost',
  '127.0.0.1:80',
  'Proxy.Example',
  'evil.example',
  'localhost:99999',
  'a@b',
  '',
  '[::1]',
  '[::1',
);
const key = often<string[]>(
  ['X-Api-Key: key-of-ops-12345678'],
  ['X-Api-Key: key-of-billing-1234'],
  ['X-Api-Key: guess'],
  ['Proxy-Authorization: Bearer key-of-billing-1234'],
  [`Authorization: Basic ${btoa('x:key-of-ops-12345678')}`],
  ['X-Api-Key: key-of-ops-12345678', 'X-Api-Key: key-of-ops-12345678'],
  [],
);
const page = often<string[]>(
  [],
  ['Origin: https://page.example'],
  ['Origin: https://evil.example'],
  ['Origin: null'],
  ['Sec-Fetch-Site: none'],
  ['Sec-Fetch-Site: cross-site'],
  ['Access-Control-Request-Method: GET'],
);
const framing = often<string[]>(
  [],
  ['Content-Length: 0'],
  ['Content-Length: 1000'],
  ['Content-Length: 1', 'Content-Length: 2'],
  ['Transfer-Encoding: gzip'],
  ['Content-Length: x'],
  ['Expect: more'],
  ['Max-Forwards: 0'],
  ['Max-Forwards: x'],
);
const tenant = often<string[]>(
  ['X-Tenant: one'],
  ['X-Tenant:'],
  ['X-Tenant: a b'],
  ['X-Tenant: a', 'X-Tenant: b'],
);

const request = fc.record({
  method,
  url: target,
  headers: fc
    .tuple(host, key, page, framing, tenant)
    .map(([name, ...groups]) => [`Host: ${name}`, ...groups.flat()]),
});

/** What the running proxy makes of the same bytes. */
async function answered({ method: verb, url, headers }: { method: string; url: string; headers: string[] }) {
  clock.advance(60_000);
  upstream.requests.length = 0;
  const body = headers.includes('Content-Length: 1000') ? 'x'.repeat(1_000) : '';
  const lines = [`${verb} ${url} HTTP/1.1`, ...headers, 'Connection: close'];
  const { status, fields } = await rawRequest(
    proxy.port,
    Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`),
  );
  const code = /details="([^"]+)"/.exec(fields.find(([name]) => name === 'proxy-status')?.[1] ?? '')?.[1];
  return { status, code, forwarded: upstream.requests[0]?.target };
}

function outcome(explanation: Explanation) {
  if ('refused' in explanation) return { status: explanation.refused.status, code: explanation.refused.code };
  if ('answered' in explanation) return { status: explanation.answered.status };
  const forwarded = explanation.upstream.replace(`http://127.0.0.1:${upstream.port}`, '');
  return { status: 200, forwarded };
}

describe('explain and the running proxy', () => {
  it('agree on every request: status, code and what the upstream is asked for', async () => {
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(request, async (one) => {
        const explanation = await explain(config, { ...one, noKey: true });
        const { status, code, forwarded } = await answered(one);
        const told = outcome(explanation);
        expect([told.status, told.code, told.forwarded]).toEqual([status, code, forwarded]);
        outcomes.add(code ?? String(status));
      }),
      { numRuns: 300 },
    );
    expect(outcomes.size).toBeGreaterThan(8);
  });
});
