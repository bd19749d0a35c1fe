import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configFile, cupbearer } from './config-file.ts';

const text = `server: { hosts: [proxy.example], origins: ["https://page.example"] }
callers:
  billing: { key: S3CR3T-of-billing-1, routes: [/realer] }
  ops: { key: [S3CR3T-of-ops-old, S3CR3T-of-ops-new] }
credentials:
  realer: { provider: realer, client_id: me, client_secret: S3CR3T-5 }
  keyed: { provider: realer, client_id: me, client_secret: S3CR3T-6, tenant: { header: X-Location-Id } }
routes:
  /realer: { credential: realer, methods: [GET, POST], callers: [billing], max_body: 10KiB, upgrade: true }
  /keyed: { credential: keyed, upstream: https://api.example/v2 }
`;

let file: ReturnType<typeof configFile>;
beforeAll(() => {
  file = configFile(text);
});
afterAll(() => file.remove());

interface Told {
  readonly caller?: string;
  readonly answered?: { readonly status: number };
  readonly refused?: {
    readonly status: number;
    readonly code: string;
    readonly detail: string;
    readonly what_to_do?: string;
    readonly problem?: { readonly type: string; readonly detail: string };
  };
  readonly decisions: readonly { readonly step: string; readonly result: string; readonly detail: string }[];
}

async function told(...args: string[]): Promise<Told & { exit: number; steps: string[] }> {
  const { out, err, code } = await cupbearer(['explain', '-c', file.path, '--json', ...args]);
  expect(out + err).not.toContain('S3CR3T');
  const explanation = JSON.parse(out) as Told;
  const steps = explanation.decisions.map(({ step, result }) =>
    result === 'passed' ? step : `${step} ${result}`,
  );
  return { ...explanation, exit: code, steps };
}

const untilRoute = ['request', 'host', 'page', 'path', 'caller', 'route', 'allowed'];

describe('what explain says of the decisions', () => {
  it('lists them in the order in which they are taken', async () => {
    const { exit, steps, caller } = await told('GET', '/realer/x', '--caller', 'billing');
    expect([exit, caller, steps]).toEqual([0, 'billing', [...untilRoute, 'method']]);
  });

  it('leaves open what it was not told', async () => {
    const { exit, steps } = await told('GET', '/keyed/x');
    expect([exit, steps]).toEqual([
      0,
      ['request', 'host', 'page', 'path', 'caller open', 'route', 'allowed open', 'method', 'tenant open'],
    ]);
  });

  it.each([
    [
      'a list of the caller',
      ['GET', '/keyed', '--caller', 'billing'],
      'add /keyed to callers.billing.routes',
    ],
    ['a list of the route', ['GET', '/realer', '--caller', 'ops'], 'add ops to callers of route /realer'],
  ])('says which list leaves a caller out: %s', async (_, args, change) => {
    const { exit, refused, steps } = await told(...args);
    expect(exit).toBe(1);
    expect(refused).toMatchObject({ status: 403, code: 'caller-not-allowed', what_to_do: change });
    expect(steps).toEqual([...untilRoute.slice(0, -1), 'allowed refused']);
  });

  it.each<[string, string[], number, string, string, RegExp | undefined]>([
    ['no key', ['--no-key'], 401, 'caller-unknown', 'caller', /a key of billing, ops/],
    ['a wrong key', ['-H', 'X-Api-Key: guess'], 401, 'caller-unknown', 'caller', /a key of billing, ops/],
    ['two keys', ['-H', 'X-Api-Key: a', '-H', 'X-Api-Key: b'], 401, 'caller-unknown', 'caller', /a key/],
    [
      'another host',
      ['-H', 'Host: evil.example:80'],
      421,
      'host-refused',
      'host',
      /add evil\.example to server\.hosts/,
    ],
    [
      'two hosts',
      ['-H', 'Host: localhost', '-H', 'Host: localhost'],
      400,
      'malformed-request',
      'host',
      undefined,
    ],
    [
      'a web page',
      ['-H', 'Origin: https://evil.example'],
      403,
      'browser-refused',
      'page',
      /add https:\/\/evil\.example to server\.origins/,
    ],
    ['a link', ['-H', 'Sec-Fetch-Site: cross-site'], 403, 'browser-refused', 'page', /sends an Origin/],
    [
      'a preflight of a page that may call',
      ['-H', 'Origin: https://page.example', '-H', 'Access-Control-Request-Method: GET'],
      403,
      'browser-refused',
      'page',
      undefined,
    ],
    [
      'two lengths',
      ['-H', 'Content-Length: 1', '-H', 'Content-Length: 2'],
      400,
      'malformed-request',
      'request',
      undefined,
    ],
    ['another expectation', ['-H', 'Expect: more'], 417, 'expectation-failed', 'request', undefined],
    [
      'too large a body',
      ['--body-size', '11KiB'],
      413,
      'body-too-large',
      'body',
      /max_body of route \/realer/,
    ],
  ])('says why a request with %s is refused', async (_, args, status, code, step, change) => {
    const { exit, refused, decisions } = await told('POST', '/realer', ...args);
    expect([exit, refused?.status, refused?.code]).toEqual([1, status, code]);
    expect(decisions.at(-1)).toMatchObject({ step, result: 'refused', detail: refused?.problem?.detail });
    expect(refused?.problem?.type).toBe(`urn:cupbearer:problem:${code}`);
    if (change === undefined) expect(refused).not.toHaveProperty('what_to_do');
    else expect(refused?.what_to_do).toMatch(change);
  });

  it.each([
    ['a key by its field', ['-H', 'X-Api-Key: S3CR3T-of-ops-new'], 'ops'],
    ['the old one of two keys', ['-H', 'Proxy-Authorization: Bearer S3CR3T-of-ops-old'], 'ops'],
    ['a password', ['-H', `Authorization: Basic ${btoa('x:S3CR3T-of-ops-old')}`], 'ops'],
  ])('knows a caller by %s', async (_, args, caller) => {
    expect((await told('GET', '/keyed', '-H', 'X-Location-Id: one', ...args)).caller).toBe(caller);
  });

  it.each([
    [['-H', 'Origin: https://page.example'], 'page', 'https://page.example is in server.origins'],
    [['-H', 'Host: PROXY.example:99'], 'host', 'PROXY.example:99 is served here'],
    [['--body-size', '10KiB'], 'body', '10240 bytes of at most 10240'],
    [['-H', 'Expect: 100-continue', '--body-size', '5'], 'body', '5 bytes of at most 10240'],
  ])('says what %j passes by', async (args, step, detail) => {
    const { exit, decisions } = await told('POST', '/realer', '--caller', 'billing', ...args);
    expect(exit).toBe(0);
    expect(decisions).toContainEqual({ step, result: 'passed', detail });
  });

  it('looks at tenants as the proxy does', async () => {
    expect((await told('GET', '/keyed', '-H', 'X-Location-Id: one')).decisions.at(-1)?.detail).toBe(
      'one, by the field X-Location-Id',
    );
    for (const args of [
      ['-H', 'X-Location-Id:'],
      ['-H', 'X-Location-Id: a b'],
    ])
      expect((await told('GET', '/keyed', ...args)).steps.at(-1)).toBe('tenant refused');
  });

  it('looks at WebSockets as the proxy does', async () => {
    expect((await told('GET', '/realer', '--upgrade', '--caller', 'billing')).decisions.at(-1)).toMatchObject(
      {
        step: 'upgrade',
        detail: 'a WebSocket',
      },
    );
    const upgrade = (await told('GET', '/keyed', '--upgrade')).decisions.find(
      ({ step }) => step === 'upgrade',
    );
    expect(upgrade?.detail).toMatch(/plain request/);
    const two = ['-H', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='];
    expect((await told('GET', '/realer', '--upgrade', ...two)).steps.at(-1)).toBe('upgrade refused');
  });

  it('says of HEAD what its answer has no body to say', async () => {
    const { refused } = await told('HEAD', '/realer');
    expect(refused).toMatchObject({ code: 'method-not-allowed', detail: 'route /realer allows GET, POST' });
    expect((await told('HEAD', '/keyed', '--no-key')).refused?.detail).toMatch(/present a caller key/);
  });

  it('says what the proxy answers itself', async () => {
    const { exit, answered } = await told('OPTIONS', '*');
    expect([exit, answered?.status]).toEqual([0, 204]);
  });

  it('is said to a person too', async () => {
    const { out } = await cupbearer(['explain', '-c', file.path, 'GET', '/keyed', '--caller', 'billing']);
    expect(out).toContain(
      '\n  refused     403 caller-not-allowed: caller billing may not use route /keyed\n',
    );
    expect(out).toContain('\n  what to do  add /keyed to callers.billing.routes\n  decided\n');
    expect(out).toMatch(/\n {4}allowed {3}refused {3}caller billing may not use route \/keyed\n$/);
  });

  it.each([
    [['-H', 'no colon'], /'Name: value'/],
    [['-H', 'a: b\r\nc: d'], /one line/],
    [['--caller', 'bilinng'], /no caller "bilinng"; did you mean `billing`\?/],
    [['--caller', 'ops', '--no-key'], /leave out --no-key/],
    [['--caller', 'ops', '-H', 'x-api-key: a'], /leave out/],
    [['--body-size', 'big'], /number of bytes/],
  ])('refuses %j with 2', async (args, why) => {
    const { code, out, err } = await cupbearer(['explain', '-c', file.path, 'GET', '/realer', ...args]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(why);
  });
});
