import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAdmin } from '../../src/admin/admin.ts';
import type { GuardedOptions } from '../../src/admin/guarded.ts';
import { type Listener, listen } from '../../src/cli/listener.ts';
import type { Config } from '../../src/config/config.ts';
import type { Address } from '../../src/config/schema-types.ts';
import { CupbearerError } from '../../src/errors.ts';
import { allowedHosts } from '../../src/gateway/hosts.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { systemClock } from '../../src/token/clock.ts';
import { createTokenHttp } from '../../src/token/http.ts';
import { createLoginDesk } from '../../src/token/login-desk.ts';
import { createParts } from '../../src/token/parts.ts';
import { configOf } from '../support/config.ts';
import { type Issuer, startIssuer } from '../support/issuer.ts';
import { rawRequest } from '../support/raw.ts';

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const loopback: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };

describe('the admin listener', () => {
  let issuer: Issuer;
  let listener: Listener;
  let restarts: string[];
  let failures: unknown[];
  const http = createTokenHttp();

  beforeAll(async () => {
    issuer = await startIssuer();
  });
  afterAll(async () => {
    await issuer.close();
    await http.close();
  });
  afterEach(() => listener.close(0));

  async function serve(address: Address = loopback, more: Partial<GuardedOptions> = {}): Promise<string> {
    restarts = [];
    failures = [];
    issuer.tokenCalls.length = 0;
    const config = configured(issuer.url);
    const store = createMemoryStore(() => Date.now());
    const clock = systemClock;
    const parts = createParts({ config, clock, store, events: {}, http });
    const restart = (credential: string, tenant: string | undefined) => {
      if (credential === 'wrong') throw new CupbearerError('tenant-required', 'which tenant?');
      restarts.push(`${credential}/${tenant}`);
    };
    const guarded: GuardedOptions = {
      isAllowedHost: allowedHosts(['proxy.example', 'app.localhost']).field,
      unixSocket: address.kind === 'unix',
      login: createLoginDesk({ config, parts, clock }),
      api: { restart },
      failed: (error) => void failures.push(error),
      ...more,
    };
    listener = await listen(address, createAdmin({ waitingFor: () => [], draining: () => false, guarded }));
    return listener.url;
  }

  /** One request with exactly these fields, and Host. */
  function send(
    path: string,
    fields: Record<string, string> = {},
    method = 'GET',
    { host = '127.0.0.1', form }: { host?: string | undefined; form?: string } = {},
  ): Promise<Reply> {
    const to = listener.url.startsWith('unix:')
      ? { socketPath: listener.url.slice('unix:'.length) }
      : { host, port: new URL(listener.url).port };
    return new Promise((resolve, reject) => {
      const sent = request({ ...to, path, method, agent: false, headers: fields }, async (response) => {
        let body = '';
        for await (const chunk of response) body += chunk;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
      sent.on('error', reject);
      sent.end(form);
    });
  }

  /** The one cookie that a reply gives. */
  const cookieOf = ({ headers }: Reply) => {
    const [cookie = '', more] = headers['set-cookie'] ?? [];
    expect(more).toBeUndefined();
    return cookie;
  };

  /** Opens a page and presses its button. */
  async function started(path: string, fields: Record<string, string> = {}): Promise<Reply> {
    const page = await send(path, fields);
    expect(page.status).toBe(200);
    const cookie = cookieOf(page).split(';')[0] ?? '';
    return send(actionOf(page), { ...fields, cookie }, 'POST', { form: ticketOf(page) });
  }

  /** Starts a login in a browser whose person then logs in: where that browser is sent, and its cookie. */
  async function approved(path = '/login/person', fields: Record<string, string> = {}) {
    const reply = await started(path, fields);
    expect(reply.status).toBe(303);
    const cookie = cookieOf(reply);
    const back = new URL(await issuer.approve(String(reply.headers.location)));
    return {
      reply,
      back,
      callback: back.pathname + back.search,
      cookie: cookie.split(';')[0] ?? '',
      setCookie: cookie,
    };
  }

  it('logs a person in', async () => {
    const url = await serve();
    const { reply, back, callback, cookie, setCookie } = await approved();
    expect(String(reply.headers.location)).toMatch(`${issuer.url}/auth?`);
    expect(back.origin + back.pathname).toBe(`${url}/callback`);
    expect(setCookie).toMatch(
      /^cupbearer-login-[\w-]{8}=[\w-]{43}; Max-Age=600; Path=\/callback; HttpOnly; SameSite=Lax$/,
    );
    const done = await send(callback, { cookie, 'sec-fetch-site': 'cross-site' });
    expect(done.status).toBe(200);
    expect(done.body).toContain('credential person');
    for (const page of [reply, done]) {
      expect(page.headers).toMatchObject({
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'content-security-policy': expect.stringMatching(
          /^default-src 'none'; style-src 'sha256-.*frame-ancestors 'none'$/,
        ),
      });
    }
    expect(done.body).not.toContain('<script');
    expect((await send(callback, { cookie })).status).toBe(403);
    expect(issuer.tokenCalls.map(({ ok }) => ok)).toEqual([true]);
    expect(failures).toEqual([]);
  });

  it('logs a tenant in', async () => {
    await serve();
    const { callback, cookie } = await approved('/login/tenants?tenant=north');
    expect((await send(callback, { cookie })).body).toContain('credential tenants, tenant north');
  });

  it('says what will be logged in where, and starts nothing', async () => {
    await serve();
    const page = await send('/login/tenants?tenant=a%26%3Cb%3E');
    expect(page).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
    expect(page.body).toContain('credential tenants, tenant a&amp;&lt;b&gt;');
    expect(page.body).toContain(`<button>Continue to ${new URL(issuer.url).host}</button>`);
    expect(page.body).not.toMatch(/<script|<b>|state=/);
    expect(cookieOf(page)).toMatch(
      /^cupbearer-start-[\w-]{8}=[\w-]{43}; Max-Age=600; Path=\/login\/; HttpOnly; SameSite=Strict$/,
    );
    expect(actionOf(page)).toBe('/login/tenants?tenant=a%26%3Cb%3E');
    expect((await send('/login/person', {}, 'HEAD')).status).toBe(405);
  });

  describe('a login is not started', () => {
    it.each([
      ['without the cookie of the page', () => ({ cookie: '' })],
      ['with the cookie of another page', () => ({ cookie: 'cupbearer-start-xxxxxxxx=x' })],
      ['by a form of another site', () => ({ origin: 'https://evil.example' })],
      ['by a form of another port', () => ({ origin: 'http://127.0.0.1:1' })],
      [
        'by a form under another of our names',
        () => ({ origin: listener.url.replace('127.0.0.1', 'localhost') }),
      ],
      ['by a sandboxed form', () => ({ origin: 'null' })],
      ['across sites', () => ({ 'sec-fetch-site': 'cross-site' })],
      ['across ports', () => ({ 'sec-fetch-site': 'same-site' })],
    ])('%s', async (_, fields: () => Record<string, string>) => {
      await serve();
      const page = await send('/login/person');
      const cookie = cookieOf(page).split(';')[0] ?? '';
      const form = ticketOf(page);
      const refused = await send('/login/person', { cookie, ...fields() }, 'POST', { form });
      expect(refused.status).toBe(403);
      expect(refused.headers).not.toHaveProperty('location');
      expect(refused.headers).not.toHaveProperty('set-cookie');
      const own = { cookie, origin: listener.url, 'sec-fetch-site': 'same-origin' };
      expect((await send('/login/person', own, 'POST', { form })).status).toBe(303);
    });

    it.each([
      ['without a ticket', ''],
      ['with one that nobody was given', 'ticket=x'],
    ])('%s', async (_, form) => {
      await serve();
      const cookie = cookieOf(await send('/login/person')).split(';')[0] ?? '';
      const refused = await send('/login/person', { cookie }, 'POST', { form });
      expect(refused).toMatchObject({ status: 403, body: expect.stringContaining('open it again') });
    });

    it('twice from one page', async () => {
      await serve();
      const page = await send('/login/person');
      const cookie = cookieOf(page).split(';')[0] ?? '';
      const press = () => send('/login/person', { cookie }, 'POST', { form: ticketOf(page) });
      expect((await press()).status).toBe(303);
      expect((await press()).status).toBe(403);
    });

    it('with a ticket of another page, or one that was changed', async () => {
      await serve();
      const [page, other] = [await send('/login/person'), await send('/login/tenants?tenant=a')];
      const cookie = cookieOf(page).split(';')[0] ?? '';
      const [claims, mac] = ticketOf(page).split('.');
      const [otherClaims] = ticketOf(other).split('.');
      for (const form of [ticketOf(other), `${otherClaims}.${mac}`, `${claims}`, `${claims}.`, `${claims}.x`])
        expect((await send('/login/person', { cookie }, 'POST', { form })).status).toBe(403);
      expect((await send('/login/person', { cookie }, 'POST', { form: ticketOf(page) })).status).toBe(303);
    });

    it('by a form that is larger than ours', async () => {
      await serve();
      const form = `ticket=${'x'.repeat(5_000)}`;
      expect((await send('/login/person', {}, 'POST', { form })).status).toBe(400);
    });
  });

  it('loses no page that is open, however many are opened', async () => {
    await serve();
    const page = await send('/login/person');
    for (let n = 0; n < 150; n++) expect((await send('/login/person')).status).toBe(200);
    const cookie = cookieOf(page).split(';')[0] ?? '';
    expect((await send('/login/person', { cookie }, 'POST', { form: ticketOf(page) })).status).toBe(303);
  });

  it.each([
    ['without its cookie', () => ({})],
    ['with another', (cookie: string) => ({ cookie: `${cookie.slice(0, -4)}AAAA` })],
  ])('does not finish a login %s', async (_, fields) => {
    await serve();
    const { callback, cookie } = await approved();
    const reply = await send(callback, fields(cookie));
    expect(reply.status).toBe(403);
    expect(reply.body).toContain('another browser');
    expect(issuer.tokenCalls).toEqual([]);
  });

  it('spends no code for a HEAD', async () => {
    await serve();
    const { callback, cookie } = await approved();
    expect((await send(callback, { cookie }, 'HEAD')).status).toBe(405);
    expect((await send(callback, { cookie })).status).toBe(200);
  });

  it('shows what a provider says without believing it', async () => {
    await serve();
    const { headers } = await started('/login/person');
    const state = new URL(String(headers.location)).searchParams.get('state');
    const cookie = String(headers['set-cookie']).split(';')[0] ?? '';
    const evil = encodeURIComponent('<img src=x onerror=alert(1)>\u0000"\'&');
    const wrong = await send(`/callback?error=${evil}&error_description=${evil}&state=x`, { cookie });
    expect(wrong.status).toBe(403);
    expect(wrong.body).not.toContain('img');
    const iss = encodeURIComponent(issuer.url);
    const reply = await send(
      `/callback?error=access_denied&error_description=${evil}&state=${state}&iss=${iss}`,
      { cookie },
    );
    expect(reply.status).toBe(403);
    expect(reply.body).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(reply.body).not.toMatch(/<img|\u0000/);
  });

  it.each([
    ['/login/nobody', 'There is no credential &quot;nobody&quot;'],
    ['/login/%3Cb%3E', 'There is no credential &quot;&lt;b&gt;&quot;'],
    ['/login/machine', 'gets its tokens without a login'],
    ['/login/tenants', 'a session for each tenant'],
    ['/login/person?tenant=x', 'has no tenants'],
    ['/login/elsewhere', 'does not lead here'],
    ['/login/otherhost', 'Open this page under http://localhost:9090'],
  ])('says why there is no login at %s', async (path, why) => {
    await serve();
    const reply = await send(path);
    expect(reply).toMatchObject({ status: 403, body: expect.stringContaining(why) });
    expect(reply.headers['set-cookie']).toBeUndefined();
  });

  it('uses the configured address when it leads here, and any port for one without a port', async () => {
    await serve();
    const uri = async (path: string, fields = {}) => {
      const { location } = (await started(path, fields)).headers;
      return new URL(String(location)).searchParams.get('redirect_uri');
    };
    expect(await uri('/login/otherhost', { host: 'localhost:9090' })).toBe('http://localhost:9090/callback');
    expect(await uri('/login/portless')).toBe(`${listener.url}/callback`);
    expect(await uri('/login/secure', { host: 'proxy.example' })).toBe('https://proxy.example/callback');
    for (const reply of [send, started].map((ask) => ask('/login/secure', { host: 'proxy.example' })))
      expect(cookieOf(await reply)).toContain('; Secure');
    const unknown = await send('/login/person', { host: 'proxy.example' });
    expect(unknown).toMatchObject({ status: 403, body: expect.stringContaining('write redirect_uri') });
  });

  describe('on what is more than a probe', () => {
    it.each([
      ['/login/person', 'GET'],
      ['/callback?code=x&state=y', 'GET'],
      ['/api/restart/person', 'POST'],
    ])('%s refuses a Host that is not ours', async (path, method) => {
      await serve();
      for (const host of ['evil.example', '127.0.0.1.evil.example', '127.0.0.2', 'localhost.'])
        expect((await send(path, { host, 'x-cupbearer': '1' }, method)).status).toBe(421);
      expect((await send(path, { host: 'a b' }, method)).status).toBe(400);
      const twice = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n`;
      expect((await rawRequest(Number(new URL(listener.url).port), twice)).status).toBe(400);
      expect(restarts).toEqual([]);
    });

    it.each(['cross-site', 'same-site', 'nonsense'])(
      'a page of another site cannot start a login: %s',
      async (site) => {
        await serve();
        const reply = await send('/login/person', { 'sec-fetch-site': site });
        expect(reply.status).toBe(403);
        expect(reply.headers).not.toHaveProperty('location');
        expect(reply.headers).not.toHaveProperty('set-cookie');
      },
    );

    it.each([
      { 'sec-purpose': 'prefetch' },
      { 'sec-purpose': 'prefetch;prerender' },
      { 'sec-purpose': 'something-new' },
      { purpose: 'prefetch' },
    ])('nothing is prefetched: %j', async (said) => {
      await serve();
      const fields = { ...said, 'sec-fetch-site': 'none', 'x-cupbearer': '1' } as Record<string, string>;
      const page = await send('/login/person', fields);
      expect(page.status).toBe(403);
      expect(page.headers).not.toHaveProperty('set-cookie');
      const { callback, cookie } = await approved();
      expect((await send(callback, { ...fields, cookie })).status).toBe(403);
      expect((await send('/api/restart/person', fields, 'POST')).status).toBe(403);
      expect(restarts).toEqual([]);
      expect((await send(callback, { cookie })).status).toBe(200);
    });

    it.each(['none', 'same-origin'])('a person can: %s', async (site) => {
      await serve();
      expect((await started('/login/person', { 'sec-fetch-site': site })).status).toBe(303);
    });

    it.each([
      { forwarded: 'for=10.0.0.7' },
      { via: '1.1 front' },
      { 'x-forwarded-for': '10.0.0.7' },
      { 'X-Forwarded-Proto': 'https' },
      { 'x-forwarded-host': 'cupbearer.example' },
      { 'x-real-ip': '10.0.0.7' },
    ])('nobody gets in through a proxy that says %j, but probes', async (said) => {
      await serve();
      const fields = { ...said, 'x-cupbearer': '1' } as Record<string, string>;
      expect((await send('/login/person', fields)).status).toBe(403);
      expect((await send('/login/person', fields, 'POST', { form: 'ticket=x' })).status).toBe(403);
      expect(await send('/callback?code=x&state=y', fields)).toMatchObject({
        status: 403,
        body: expect.stringContaining('A proxy forwards this'),
      });
      for (const host of ['localhost', 'proxy.example'])
        expect((await send('/api/restart/person', { ...fields, host }, 'POST')).status).toBe(403);
      expect(restarts).toEqual([]);
      expect((await send('/readyz', fields)).status).toBe(200);
    });

    it('whoever a TLS proxy lets through may log in where redirect_uri leads to it, and nowhere else', async () => {
      await serve();
      const front = { host: 'proxy.example', 'x-forwarded-for': '10.0.0.7', 'x-forwarded-proto': 'https' };
      const page = await send('/login/secure', front);
      expect(page.status).toBe(200);
      const own = { ...front, cookie: cookieOf(page).split(';')[0] ?? '', origin: 'https://proxy.example' };
      const reply = await send('/login/secure', own, 'POST', { form: ticketOf(page) });
      const { searchParams } = new URL(String(reply.headers.location));
      expect(searchParams.get('redirect_uri')).toBe('https://proxy.example/callback');
      const cookie = cookieOf(reply).split(';')[0] ?? '';
      const query = `error=access_denied&state=${searchParams.get('state')}&iss=${encodeURIComponent(issuer.url)}`;
      const back = await send(`/callback?${query}`, { ...front, cookie });
      expect(back.body).toContain('access was not granted');

      for (const path of ['/login/person', '/login/otherhost', '/login/portless', '/login/elsewhere'])
        expect((await send(path, front)).status).toBe(403);
      expect((await send('/login/named', { ...front, host: 'app.localhost' })).status).toBe(403);
      expect((await send('/login/named', { host: 'app.localhost' })).status).toBe(200);
      expect((await send('/login/secure', { ...front, host: 'other.example' })).status).toBe(421);
      expect((await send('/login/secure', { ...front, host: 'localhost' })).status).toBe(403);
    });

    const own = Object.values(networkInterfaces())
      .flat()
      .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
    it.runIf(own)('nobody beyond this machine gets in, but probes', async () => {
      await serve({ kind: 'tcp', host: '0.0.0.0', port: 0 });
      const remote = (path: string, method = 'GET') =>
        send(path, { host: 'localhost', 'x-cupbearer': '1' }, method, { host: own });
      expect((await remote('/login/person')).status).toBe(403);
      expect((await remote('/callback?code=x&state=y')).status).toBe(403);
      expect((await remote('/api/restart/person', 'POST')).status).toBe(403);
      expect((await remote('/livez')).status).toBe(200);
      expect((await send('/api/restart/person', { 'x-cupbearer': '1' }, 'POST')).status).toBe(200);
      expect(restarts).toEqual(['person/undefined']);
    });

    it('whoever may open the socket gets in', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'cupbearer-admin-'));
      try {
        await serve({ kind: 'unix', path: join(directory, 'admin.sock') });
        const reply = await send('/api/restart/person', { host: 'localhost', 'x-cupbearer': '1' }, 'POST');
        expect(reply.status).toBe(200);
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  });

  it('leaves probes to whoever asks, under any name', async () => {
    await serve();
    for (const path of ['/livez', '/readyz'])
      expect((await send(path, { host: '10.0.0.7:9090', 'sec-fetch-site': 'cross-site' })).status).toBe(200);
  });

  it('has a credential take a new session when our own command says so', async () => {
    await serve();
    const post = (path: string, fields = {}) => send(path, { 'x-cupbearer': '1', ...fields }, 'POST');
    expect(await post('/api/restart/person')).toMatchObject({ status: 200, body: '{"status":"ok"}' });
    expect((await post('/api/restart/tenants?tenant=a%26b')).status).toBe(200);
    expect((await post('/api/restart/person', { 'sec-fetch-site': 'none' })).status).toBe(200);
    expect(restarts).toEqual(['person/undefined', 'tenants/a&b', 'person/undefined']);
    const refused = await post('/api/restart/wrong');
    expect(refused).toMatchObject({
      status: 400,
      headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    });
    expect(JSON.parse(refused.body)).toEqual({
      type: 'urn:cupbearer:problem:tenant-required',
      title: 'Tenant required',
      status: 400,
      detail: 'which tenant?',
    });
  });

  it.each([
    ['the field is missing', {}],
    ['the field says something else', { 'x-cupbearer': 'yes' }],
    ['a page of another site sends it', { 'x-cupbearer': '1', origin: 'https://evil.example' }],
    ['a sandboxed page sends it', { 'x-cupbearer': '1', origin: 'null' }],
    ['a page sends it', { 'x-cupbearer': '1', 'sec-fetch-site': 'same-origin' }],
  ])('does nothing when %s', async (_, fields) => {
    await serve();
    expect((await send('/api/restart/person', fields, 'POST')).status).toBe(403);
    expect((await send('/api/restart/person', { 'x-cupbearer': '1' })).status).toBe(404);
    expect(restarts).toEqual([]);
  });

  it('tells nothing of an error that nobody expected, but to the log', async () => {
    const bug = new Error('with a secret in it');
    await serve(loopback, {
      api: {
        restart() {
          throw bug;
        },
      },
      login: {
        redirectUri() {
          throw bug;
        },
        offer: () => Promise.reject(bug),
        start: () => Promise.reject(bug),
        finish: () => Promise.reject(bug),
        close: () => Promise.resolve(),
      },
    });
    const replies = [
      await send('/login/person'),
      await send('/login/person', {}, 'POST', { form: 'ticket=x' }),
      await send('/callback?code=x'),
      await send('/api/restart/person', { 'x-cupbearer': '1' }, 'POST'),
    ];
    for (const { status, body } of replies) {
      expect(status).toBe(500);
      expect(body).not.toContain('secret');
    }
    expect(failures).toEqual([bug, bug, bug, bug]);
  });
});

function actionOf({ body }: Reply): string {
  return /<form method="post" action="([^"]*)"/.exec(body)?.[1] ?? '';
}

/** What the page's form sends. */
function ticketOf({ body }: Reply): string {
  return `ticket=${/<input type="hidden" name="ticket" value="([\w-]+\.[\w-]{43})"/.exec(body)?.[1]}`;
}

function configured(url: string): Config {
  const yaml = `
providers:
  issuer:
    token: { url: "${url}/token", client_auth: none }
    authorize: { url: "${url}/auth", issuer: "${url}", params: { prompt: consent } }
credentials:
  person: { provider: issuer, grant_type: authorization_code, client_id: desk, scope: openid offline_access }
  tenants: { provider: issuer, grant_type: authorization_code, client_id: desk, scope: openid, tenant: { header: X-Tenant } }
  elsewhere: { provider: issuer, grant_type: authorization_code, client_id: desk, redirect_uri: "https://app.example/done" }
  otherhost: { provider: issuer, grant_type: authorization_code, client_id: desk, redirect_uri: "http://localhost:9090/callback" }
  portless: { provider: issuer, grant_type: authorization_code, client_id: desk, redirect_uri: "http://127.0.0.1/callback" }
  secure: { provider: issuer, grant_type: authorization_code, client_id: desk, redirect_uri: "https://proxy.example/callback" }
  named: { provider: issuer, grant_type: authorization_code, client_id: desk, redirect_uri: "http://app.localhost/callback" }
  machine: { provider: issuer, client_id: machine }
routes:
  /person: { upstream: "${url}", credential: person }
`;
  return configOf(yaml);
}
