import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAdmin } from '../../src/admin/admin.ts';
import type { ControlOptions } from '../../src/admin/control.ts';
import type { GuardedOptions } from '../../src/admin/guarded.ts';
import type { CredentialStatus, StatusReport } from '../../src/admin/status.ts';
import { type Listener, listen } from '../../src/cli/listener.ts';
import { CupbearerError } from '../../src/errors.ts';
import { allowedHosts } from '../../src/gateway/hosts.ts';
import type { LoginDesk } from '../../src/token/login-desk.ts';
import type { Revocation } from '../../src/token/revocation.ts';

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

const hostile = `"><img src=x onerror=alert(1)>'&amp;<script>`;

const idle: CredentialStatus = {
  credential: 'machine',
  provider: 'acme',
  grant_type: 'client_credentials',
  state: 'NONE',
  refresh: 'IDLE',
  well: true,
  gen: 0,
  had_token: false,
};

const nothingRevoked: Revocation = { revoked: 0, deleted: false, unsupported: false, failure: undefined };

describe('the status page', () => {
  let listener: Listener;
  let report: StatusReport;
  let done: string[];
  let outcome: () => Promise<Revocation>;
  let failures: unknown[];

  beforeEach(() => {
    done = [];
    failures = [];
    outcome = async () => ({ ...nothingRevoked, revoked: 1 });
    report = {
      running: true,
      version: '1.2.3',
      uptime_s: 61,
      store: { kind: 'memory', reachable: true },
      credentials: [idle],
      routes: [],
    };
  });
  afterEach(() => listener.close(0));

  async function serve(host = '127.0.0.1', more: Partial<GuardedOptions> = {}): Promise<void> {
    const act = (what: string) => async (credential: string, tenant: string | undefined) => {
      done.push([what, credential, tenant].join(' '));
      return outcome();
    };
    const renew = act('renew');
    const control: ControlOptions = {
      status: async () => report,
      renew: async (...whose) => void (await renew(...whose)),
      revoke: act('revoke'),
    };
    const guarded: GuardedOptions = {
      isAllowedHost: allowedHosts(['ops.example', 'app.example']).field,
      unixSocket: false,
      login: {} as LoginDesk,
      api: { restart: () => {}, control },
      failed: (error) => void failures.push(error),
      ...more,
    };
    const admin = createAdmin({ waitingFor: () => [], draining: () => false, guarded });
    listener = await listen({ kind: 'tcp', host, port: 0 }, admin);
  }

  function send(
    path: string,
    headers: Record<string, string> = {},
    { method = 'GET', form, host = '127.0.0.1' }: { method?: string; form?: string; host?: string } = {},
  ): Promise<Reply> {
    const { port } = new URL(listener.url);
    return new Promise((resolve, reject) => {
      const sent = request({ host, port, path, method, agent: false, headers }, async (response) => {
        let body = '';
        for await (const chunk of response) body += chunk;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      });
      sent.on('error', reject);
      sent.end(form);
    });
  }

  /** What a form of the page sends, from the browser that it was shown to. */
  async function form(act: 'renew' | 'revoke', fields: Record<string, string> = {}, path = '/') {
    const page = await send(path, fields);
    expect(page.status).toBe(200);
    const [, action = '', token = ''] =
      new RegExp(`action="(/status/${act}/[^"]*)"><input type="hidden" name="token" value="([^"]*)"`).exec(
        page.body,
      ) ?? [];
    const [cookie = ''] = (page.headers['set-cookie']?.[0] ?? '').split(';');
    return { action, token, headers: { ...fields, cookie, 'sec-fetch-site': 'same-origin' } };
  }

  const press = async (
    { action, token, headers }: Awaited<ReturnType<typeof form>>,
    more: Record<string, string> = {},
  ) =>
    send(
      action,
      { ...headers, ...more },
      { method: 'POST', form: new URLSearchParams({ token }).toString() },
    );

  it('gives a browser another cookie in place of one that is not ours', async () => {
    await serve();
    const cookieOf = ({ headers }: Reply) => headers['set-cookie']?.[0]?.split(';')[0];
    const cookie = cookieOf(await send('/')) ?? '';
    expect(cookieOf(await send('/', { cookie }))).toBeUndefined();
    const made = cookie.replace(/\..*$/, '.made-up');
    expect(cookieOf(await send('/', { cookie: made }))).toMatch(/^cupbearer-status-\d+=/);
  });

  it('lets nothing in but one style and one script of its own', async () => {
    await serve();
    const { headers, body } = await send('/');
    const policy = String(headers['content-security-policy']).split('; ');
    const hash = expect.stringMatching(/^(?:style|script)-src 'sha256-[\w+/]{43}='$/);
    expect(policy).toEqual([
      "default-src 'none'",
      hash,
      hash,
      "connect-src 'self'",
      'img-src data:',
      "form-action 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ]);
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-frame-options': 'DENY' });
    expect(body).not.toMatch(/ style="| on[a-z]+="|https?:\/\/(?!www\.w3\.org)/);
    expect(body.match(/<script>/g)).toHaveLength(1);
  });

  it('gives the browser a cookie that no other site and no script gets, and gives it once', async () => {
    await serve();
    const [cookie = ''] = (await send('/')).headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^cupbearer-status-\d+=[\w-]+\.[\w-]+; Path=\/; HttpOnly; SameSite=Strict$/);
    const again = await send('/status/fragment', { cookie: cookie.split(';')[0] as string });
    expect([again.status, again.headers['set-cookie']]).toEqual([200, undefined]);
    expect(again.body).toMatch(/^<main id="main"/);
  });

  it('has one cookie in a browser however often it starts, and one for each port', async () => {
    const nameOf = async (host: string) =>
      ((await send('/', { host })).headers['set-cookie']?.[0] ?? '').split('=')[0];
    await serve();
    const before = await nameOf('localhost:9090');
    await listener.close(0);
    await serve();
    expect(await nameOf('localhost:9090')).toBe(before);
    expect(await nameOf('localhost:9091')).not.toBe(before);
    expect(await nameOf('localhost')).toBe('cupbearer-status-page');
  });

  it('escapes whatever names, tenants, errors and problems hold', async () => {
    await serve();
    const last_error = { kind: 'transient', error: hostile, detail: hostile, what_to_do: hostile } as const;
    report = {
      ...report,
      version: hostile,
      store: { kind: 'redis', reachable: false, error: hostile },
      config: { loaded_at: hostile, reloads: 1, refusals: 1, refused: { at: hostile, problems: [hostile] } },
      credentials: [
        { ...idle, credential: hostile, tenant: hostile, provider: hostile, last_error, can_log_in: true },
      ],
      routes: [
        {
          route: hostile,
          requests: 1,
          responses: noResponses,
          unanswered: 1,
          errors: 1,
          recovered: 0,
          waited: 0,
        },
      ],
    };
    const { body } = await send(`/?q=${encodeURIComponent(hostile)}&notice=${encodeURIComponent(hostile)}`);
    expect(body).toContain('&lt;img src=x');
    expect(body).not.toContain('<img');
    expect(body).not.toContain('&amp;<');
    const { action } = await form('renew', {}, `/?q=${encodeURIComponent(hostile.slice(0, 9))}`);
    expect(action).toBe(
      `/status/renew/${encodeURIComponent(hostile)}?tenant=${encodeURIComponent(hostile)}`.replaceAll(
        "'",
        '&#39;',
      ),
    );
  });

  it('offers no renewal and no revocation of a key that never changes', async () => {
    await serve();
    report = { ...report, credentials: [idle, { ...idle, credential: 'key', grant_type: 'static' }] };
    const { body } = await send('/');
    expect(body).toContain('>key<');
    expect(body).toContain('/status/renew/machine"');
    expect(body).not.toMatch(/\/(?:renew|revoke|login)\/key"/);
  });

  it('breaks a long prefix before a slash', async () => {
    await serve();
    const counts = { requests: 1, responses: noResponses, unanswered: 0, errors: 0, recovered: 0, waited: 0 };
    report = { ...report, routes: [{ ...counts, route: '/north/returns' }] };
    expect((await send('/')).body).toContain('/north<wbr>/returns');
  });

  it('shows what it is to be done about an unwell instance, unwell credentials first', async () => {
    await serve();
    report = {
      ...report,
      draining: true,
      store: { kind: 'redis', reachable: false, error: 'it is away' },
      config: {
        loaded_at: '2030-01-01T12:00:00.000Z',
        reloads: 2,
        refusals: 1,
        refused: { at: '2030-01-01T12:00:05.000Z', problems: ['routes.yaml:3:1: unknown key "crdentials"'] },
      },
      credentials: [idle, { ...idle, credential: 'zeta', state: 'EXPIRED', well: false }],
      workers: [{ pid: 7, state: 'starting', uptime_s: 3, restarts: 2 }],
    };
    const { body } = await send('/');
    expect(body).toContain(
      '<h1>1 credential is not well, the store cannot be reached, the configuration file was refused</h1>',
    );
    expect(body).toContain('draining');
    expect(body).toContain('it is away');
    expect(body).toContain('reloaded 2 times');
    expect(body).toMatch(/refused at <time datetime="2030-01-01T12:00:05.000Z">2030-01-01 12:00:05 UTC/);
    expect(body).toContain('routes.yaml:3:1: unknown key');
    expect(body.indexOf('>zeta<')).toBeLessThan(body.indexOf('>machine<'));
    expect(body).toContain('starting');
  });

  it('shows 200 of many, says how many more there are, and finds each', async () => {
    await serve();
    const credentials = Array.from({ length: 251 }, (_, i) => ({
      ...idle,
      credential: 'many',
      tenant: `t${i}`,
    }));
    report = { ...report, credentials };
    const all = (await send('/')).body;
    expect(all.match(/<tbody role="rowgroup" id=/g)).toHaveLength(200);
    expect(all).toContain('51 more of 251 are not shown');
    const one = (await send('/?q=T250')).body;
    expect(one.match(/<tbody role="rowgroup" id=/g)).toHaveLength(1);
    expect((await send('/status/fragment?q=nobody')).body).toContain('None of 251 matches');
  });

  it('leads /status to it', async () => {
    await serve();
    const { status, headers } = await send('/status');
    expect([status, headers.location]).toEqual([308, '/']);
  });

  it.each([
    ['renew', 'The token of machine is renewed.'],
    ['revoke', '1 token of machine revoked.'],
  ] as const)('%s does it, leads back and says so', async (act, notice) => {
    await serve();
    const reply = await press(await form(act));
    expect([reply.status, done]).toEqual([303, [`${act} machine `]]);
    expect(reply.headers.location).toMatch(/^\/\?notice=[\w-]{12}$/);
    expect((await send(String(reply.headers.location))).body).toContain(`<span>${notice}</span>`);
  });

  it('renews one tenant, and comes back to what the list was narrowed to', async () => {
    await serve();
    report = { ...report, credentials: [{ ...idle, tenant: 'a&b ü' }] };
    const shown = await form('renew', {}, '/?q=A%26B');
    const { action, token, headers } = shown;
    const body = new URLSearchParams({ token, q: 'A&B' }).toString();
    const reply = await send(action, headers, { method: 'POST', form: body });
    expect(done).toEqual(['renew machine a&b ü']);
    expect(reply.headers.location).toMatch(/^\/\?q=A%26B&notice=/);
  });

  it('says what could not be done, and of an error that nobody expected no more than that', async () => {
    await serve();
    outcome = async () => {
      throw new CupbearerError('token-refused', 'the provider refused the client');
    };
    const refused = await press(await form('renew'));
    expect((await send(String(refused.headers.location))).body).toContain(
      'The renewal failed: the provider refused the client.',
    );
    outcome = async () => ({
      ...nothingRevoked,
      failure: { kind: 'transient', error: 'http_503', detail: 'it answered 503' },
    });
    const partly = await press(await form('revoke'));
    expect((await send(String(partly.headers.location))).body).toContain(
      'Not all of machine is revoked: it answered 503.',
    );
    outcome = async () => {
      throw new Error('secret-inside');
    };
    const broken = await press(await form('renew'));
    expect([broken.status, broken.headers.location]).toEqual([500, undefined]);
    expect(broken.body).not.toContain('secret-inside');
    expect(failures).toHaveLength(1);
  });

  describe('refuses a form', () => {
    beforeEach(() => serve());
    afterEach(() => expect(done).toEqual([]));

    it('of a browser without the cookie, or with that of another', async () => {
      const shown = await form('revoke');
      expect((await press(shown, { cookie: '' })).status).toBe(403);
      const other = await form('revoke');
      expect((await press(shown, { cookie: other.headers.cookie })).status).toBe(403);
      const [name] = shown.headers.cookie.split('=');
      expect((await press(shown, { cookie: `${name}=made.up` })).status).toBe(403);
    });

    it('with a token of another act, credential or tenant, a wrong one or none', async () => {
      const shown = await form('revoke');
      const renew = /name="token" value="([^"]*)"/.exec((await send('/', shown.headers)).body)?.[1] as string;
      expect(renew).not.toBe(shown.token);
      for (const token of [renew, '', 'x', `${shown.token}x`, shown.token.slice(1)]) {
        expect((await press({ ...shown, token })).status).toBe(403);
      }
      for (const action of [
        '/status/renew/machine',
        '/status/revoke/other',
        '/status/revoke/machine?tenant=t',
      ]) {
        expect((await press({ ...shown, action })).status).toBe(403);
      }
    });

    it.each([
      [{ 'sec-fetch-site': 'cross-site' }],
      [{ 'sec-fetch-site': 'same-site' }],
      [{ 'sec-fetch-site': 'none' }],
      [{ origin: 'http://evil.example' }],
      [{ origin: 'null' }],
      [{ host: 'evil.example' }],
      [{ via: '1.1 proxy' }],
      [{ 'sec-purpose': 'prefetch' }],
    ])('that a browser sends with %j', async (fields) => {
      expect(
        (await press(await form('revoke'), fields as Record<string, string>)).status,
      ).toBeGreaterThanOrEqual(403);
    });

    it('that no browser sends', async () => {
      const { action, token, headers } = await form('revoke');
      const { cookie } = headers;
      const body = new URLSearchParams({ token }).toString();
      expect((await send(action, { cookie }, { method: 'POST', form: body })).status).toBe(403);
    });

    it('that is none: GET and PUT, or larger than ours', async () => {
      const { action, headers } = await form('revoke');
      expect((await send(action, headers)).status).toBe(405);
      expect((await send(action, headers, { method: 'PUT' })).status).toBe(405);
      const large = { method: 'POST', form: `token=${'x'.repeat(5_000)}` };
      expect((await send(action, headers, large)).status).toBe(400);
    });
  });

  it('takes a form with nothing but its own Origin, as of a plain http address', async () => {
    await serve();
    const shown = await form('renew', { host: 'ops.example' });
    const { cookie } = shown.headers;
    const headers = { cookie, host: 'ops.example', origin: 'http://ops.example' };
    expect((await press({ ...shown, headers: headers as never })).status).toBe(303);
  });

  it.each([
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ origin: 'http://evil.example' }, 403],
    [{ host: 'evil.example' }, 421],
    [{ 'x-forwarded-for': '203.0.113.9' }, 403],
    [{ 'x-forwarded-for': '203.0.113.9', host: 'app.example' }, 403],
    [{ forwarded: 'for=203.0.113.9', host: 'ops.example' }, 403],
    [{ purpose: 'prefetch' }, 403],
    [{}, 200],
  ])('with %j the page and its fragment answer %i', async (fields, status) => {
    await serve();
    for (const path of ['/', '/status', '/status/fragment']) {
      const expected = status === 200 && path === '/status' ? 308 : status;
      expect((await send(path, fields as Record<string, string>)).status).toBe(expected);
    }
  });

  const own = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
  it.runIf(own)('is for this machine alone', async () => {
    await serve('0.0.0.0');
    for (const path of ['/', '/status/fragment']) {
      expect((await send(path, { host: 'localhost' }, { host: own as string })).status).toBe(403);
    }
    const posted = { method: 'POST', form: 'token=x', host: own as string };
    expect((await send('/status/renew/machine', { host: 'localhost' }, posted)).status).toBe(403);
    expect((await send('/', { host: 'localhost' })).status).toBe(200);
  });
});

const noResponses = { '1xx': 0, '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 };
