import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Running, start } from '../../src/cli/start.ts';
import { loadFile } from '../../src/config/load.ts';
import type { SeenRequest } from '../../src/demo/vendor.ts';
import { startVendors, type Vendors } from '../../src/demo/vendors.ts';
import { presets } from '../../src/provider/presets.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { hasBrowser, launchBrowser, type Person, startLogin, walkLogin } from '../support/browser.ts';
import { runCommand } from '../support/command.ts';
import { openLogin } from '../support/login-form.ts';
import { type OffsetClock, offsetClock } from '../support/offset-clock.ts';

/*
 * People log in at the simulated vendors with a real browser; what the vendor saw, and that calls through the proxy work
 * with the session, is what counts. Without Chromium these are skipped, but not in CI.
 */

interface Walk {
  readonly credential: string;
  readonly person: (vendors: Vendors) => Person;
  /** A call that the vendor answers 200 with the session. */
  readonly path: string;
  readonly seen: (vendors: Vendors) => readonly SeenRequest[];
  readonly tokenPath: string;
}

const walks: Walk[] = [
  {
    credential: 'revolution',
    person: ({ revolution }) => revolution.user,
    path: '/revolution/devices',
    seen: ({ revolution }) => revolution.seen,
    tokenPath: '/v1/auth/token',
  },
  {
    credential: 'rev',
    person: ({ vbrickRev }) => vbrickRev.user,
    path: '/rev/api/v2/user/session',
    seen: ({ vbrickRev }) => vbrickRev.seen,
    tokenPath: '/api/v2/oauth/token',
  },
  {
    credential: 'revo-digital',
    person: ({ revoDigital }) => ({ ...revoDigital.user, choice: 'Station Square' }),
    path: '/revo-digital/contacts/',
    seen: ({ revoDigital }) => revoDigital.seen,
    tokenPath: '/oauth/token',
  },
];

const configuration = (directory: string, admin: string) => `
server: { listen: "127.0.0.1:0", admin: "${admin}" }
store: { url: "sqlite:${directory}/sessions.db", key: "\${STORE_KEY}" }
providers:
  revolution: { authorize: { url: "/auth/authorize", issuer: "\${ISSUER}" } }
  revo-digital: { authorize: { url: "\${REVO_DIGITAL_LOGIN_URL}/oauth/chooselocation" } }
credentials:
  revolution:
    provider: revolution
    base_url: \${REVOLUTION_URL}
    grant_type: authorization_code
    client_id: \${REVOLUTION_APP_ID}
  rev:
    provider: vbrick-rev
    base_url: \${REV_URL}
    grant_type: authorization_code
    client_id: \${REV_API_KEY}
    client_secret: \${REV_SECRET}
  revo-digital:
    provider: revo-digital
    base_url: \${REVO_DIGITAL_URL}
    grant_type: authorization_code
    client_id: \${REVO_DIGITAL_CLIENT_ID}
    client_secret: \${REVO_DIGITAL_CLIENT_SECRET}
    scope: contacts.readonly
  places:
    provider: revo-digital
    base_url: \${REVO_DIGITAL_URL}
    grant_type: authorization_code
    client_id: \${REVO_DIGITAL_CLIENT_ID}
    client_secret: \${REVO_DIGITAL_CLIENT_SECRET}
    tenant: { header: X-Location-Id }
routes:
  /places: { credential: places, headers: { set: { Version: "2021-07-28" } } }
  /revolution: { credential: revolution }
  /rev: { credential: rev }
  /revo-digital: { credential: revo-digital, headers: { set: { Version: "2021-07-28" } } }
`;

describe.skipIf(!hasBrowser)('a person logs in with Chromium', () => {
  let browser: Browser;
  let context: BrowserContext;
  let vendors: Vendors;
  let directory: string;
  let env: Record<string, string>;
  let running: Running | undefined;
  let lines: string[];
  let clock: OffsetClock;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-login-'));
    vendors = await startVendors();
    env = {
      ...vendors.env,
      ISSUER: vendors.revolution.issuer,
      STORE_KEY: randomBytes(32).toString('base64'),
    };
    context = await browser.newContext();
    lines = [];
    clock = offsetClock();
  });
  afterEach(async () => {
    await context.close();
    await running?.stop();
    running = undefined;
    await vendors.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function serve(admin: string): Promise<Running> {
    const file = join(directory, 'routes.yaml');
    writeFileSync(file, configuration(directory, admin));
    const { config, problems } = loadFile(file, { env, presets });
    if (config === undefined) throw new Error(JSON.stringify(problems, undefined, 1));
    const log = createLog({ level: 'trace', stream: { write: (line) => void lines.push(line) } });
    running = await start(config, { log, clock });
    return running;
  }

  const call = async ({ path }: Walk) => {
    const response = await fetch(`${running?.url}${path}`);
    return { status: response.status, body: await response.text() };
  };

  const tokenBodies = ({ seen, tokenPath }: Walk) =>
    seen(vendors)
      .filter(({ method, path }) => method === 'POST' && path === tokenPath)
      .map(
        ({ body }): Record<string, string> =>
          body.startsWith('{') ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body)),
      );

  const secretsSeen = (walk: Walk) =>
    tokenBodies(walk).flatMap(({ code, authCode, code_verifier }) =>
      [code, authCode, code_verifier].filter((text) => text !== undefined),
    );

  function login(credential: string, ...more: string[]) {
    return runCommand(['login', credential, '-c', join(directory, 'routes.yaml'), ...more], env);
  }

  it.each(walks)(
    'at $credential with `cupbearer login`, and the running serve takes the session',
    async (walk) => {
      await serve(`unix:${directory}/admin.sock`);
      expect(await call(walk)).toMatchObject({
        status: 502,
        body: expect.stringContaining('reauthorization-required'),
      });

      const command = login(walk.credential);
      const page = await context.newPage();
      await page.goto((await command.said(/^https?:\S+$/m)).trim());
      const text = await walkLogin(page, walk.person(vendors));
      expect(text).toContain('You are logged in');
      expect(text).toContain(`credential ${walk.credential}`);

      const { code, out, err } = await command.ended;
      expect({ code, err }).toMatchObject({
        code: 0,
        err: expect.stringContaining('The running serve goes on'),
      });
      expect(out).toMatch(
        new RegExp(`credential +${walk.credential}\\n.*lives (1|24|60) (min|h)\\n.*by a refresh token`, 's'),
      );
      for (const secret of secretsSeen(walk)) expect(out + err + lines.join('')).not.toContain(secret);
      expect(await call(walk)).toMatchObject({ status: 200 });
    },
  );

  it.each(walks)('at $credential through the admin listener', async (walk) => {
    const { adminUrl } = await serve('127.0.0.1:0');
    expect(await call(walk)).toMatchObject({ status: 502 });
    const page = await context.newPage();
    await startLogin(page, `${adminUrl}/login/${walk.credential}`);
    expect(await walkLogin(page, walk.person(vendors))).toContain('You are logged in');
    expect(await call(walk)).toMatchObject({ status: 200 });
    for (const secret of secretsSeen(walk)) expect(lines.join('')).not.toContain(secret);

    // The same address again, as a reload sends it.
    await page.reload();
    expect(await page.locator('body').innerText()).toContain('The login did not work');
    expect(tokenBodies(walk)).toHaveLength(1);
    expect(await call(walk)).toMatchObject({ status: 200 });
  });

  it('again, and the running serve drops the token that was still good', async () => {
    await serve(`unix:${directory}/admin.sock`);
    const walk = walks[0] as Walk;
    const tokens: (string | undefined)[] = [];
    const carried = () => {
      const { headers } = vendors.revolution.seen.at(-1) ?? { headers: [] };
      return headers[headers.findIndex((name) => name.toLowerCase() === 'authorization') + 1];
    };
    for (let i = 0; i < 2; i++) {
      const command = login('revolution');
      const page = await context.newPage();
      await page.goto((await command.said(/^https?:\S+$/m)).trim());
      await walkLogin(page, vendors.revolution.user);
      expect((await command.ended).code).toBe(0);
      await expect
        .poll(
          async () => {
            expect(await call(walk)).toMatchObject({ status: 200 });
            return carried();
          },
          { timeout: 5_000 },
        )
        .not.toBe(tokens[0]);
      tokens.push(carried());
    }
    expect(tokenBodies(walk)).toHaveLength(2);
  });

  it('tells a person who declines, at the command and in the browser', async () => {
    await serve('off');
    const command = login('revolution');
    const page = await context.newPage();
    await page.goto((await command.said(/^https?:\S+$/m)).trim());
    const text = await walkLogin(page, { ...vendors.revolution.user, cancels: true });
    expect(text).toMatch(/did not work\s+The provider refused the login \(access_denied\)/);
    expect(await command.ended).toMatchObject({
      code: 1,
      err: expect.stringMatching(/access_denied.*not granted/),
    });
    expect(vendors.revolution.tokenCalls).toBe(0);
  });

  it('tells a person whose choice the vendor does not give this app a token for', async () => {
    const { adminUrl } = await serve('127.0.0.1:0');
    const page = await context.newPage();
    await startLogin(page, `${adminUrl}/login/revo-digital`);
    const text = await walkLogin(page, { ...vendors.revoDigital.user, choice: 'The whole company' });
    expect(text).toMatch(/did not work\s+Credential revo-digital: .*the token endpoint answered 400/);
    expect(vendors.revoDigital.tokenCalls).toBe(1);
  });

  describe('another site', () => {
    let evil: Server;
    let adminUrl: string;
    let answer: RequestListener;

    beforeEach(async () => {
      adminUrl = (await serve('127.0.0.1:0')).adminUrl ?? '';
      evil = createServer((request, response) => answer(request, response));
      await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    });
    afterEach(async () => {
      evil.closeAllConnections();
      await new Promise((resolve) => evil.close(resolve));
    });

    const evilUrl = (host: string) => `http://${host}:${(evil.address() as AddressInfo).port}/`;
    const isUntouched = () => vendors.revolution.seen.every(({ path }) => !path.includes('authorize'));

    it('that a typed address leads through starts nothing', async () => {
      answer = (_request, response) => {
        response.writeHead(302, { location: `${adminUrl}/login/revolution` }).end();
      };
      const page = await context.newPage();
      const response = await page.goto(evilUrl('localhost'));
      const fields = await response?.request().allHeaders();
      expect(fields?.['sec-fetch-site']).toBe('none');
      expect(page.url()).toBe(`${adminUrl}/login/revolution`);
      expect(await page.getByRole('button').allInnerTexts()).toEqual([
        `Continue to ${new URL(vendors.revolution.url).host}`,
      ]);
      expect(isUntouched()).toBe(true);
      await page.getByRole('button').click();
      expect(await walkLogin(page, vendors.revolution.user)).toContain('You are logged in');
    });

    it.each(['localhost', '127.0.0.1'])('at %s cannot press the button', async (host) => {
      // What it can know: another program on this machine may ask for a page of its own, and plant its cookie.
      const form = await openLogin(adminUrl, '/login/revolution');
      const [name = '', value = ''] = form.cookie.split('=');
      await context.addCookies([{ name, value, url: `${adminUrl}/login/` }]);
      answer = (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end(
          `<form method="post" action="${form.action}"><input name="ticket" value="${form.ticket}"></form><script>document.forms[0].submit()</script>`,
        );
      };
      const page = await context.newPage();
      await page.goto(evilUrl(host));
      await page.waitForURL(`${adminUrl}/**`);
      expect(await page.locator('body').innerText()).toContain('Another site led here');
      expect(isUntouched()).toBe(true);
    });
  });

  it('as another tenant, and is told that nothing is stored', async () => {
    const { adminUrl } = await serve('127.0.0.1:0');
    const [north = '', south = ''] = vendors.revoDigital.locationIds;
    for (const [tenant, isStored] of [
      [north, false],
      [south, true],
    ] as const) {
      const page = await context.newPage();
      await startLogin(page, `${adminUrl}/login/places?tenant=${tenant}`);
      const text = await walkLogin(page, { ...vendors.revoDigital.user, choice: 'Station Square' });
      const why = `The login was for tenant ${south}, not for ${north}: its token was discarded`;
      expect(text).toContain(isStored ? `credential places, tenant ${tenant}` : why);
      const headers = { 'x-location-id': tenant };
      const response = await fetch(`${running?.url}/places/contacts/`, { headers });
      expect(response.status).toBe(isStored ? 200 : 502);
      const body = await response.text();
      if (!isStored) expect(body).toContain(`run: cupbearer login places --tenant ${tenant}`);
    }
  });

  it('sends each vendor what its page says', async () => {
    const { adminUrl } = await serve('127.0.0.1:0');
    for (const walk of walks) {
      const page = await context.newPage();
      await startLogin(page, `${adminUrl}/login/${walk.credential}`);
      await walkLogin(page, walk.person(vendors));
      expect(await call(walk)).toMatchObject({ status: 200 });
    }
    for (const vendor of [vendors.revolution, vendors.vbrickRev, vendors.revoDigital]) vendor.expireAll();
    // What refuses a token that has just come would refuse the next one too.
    clock.advance(5_000);
    for (const walk of walks) expect(await call(walk)).toMatchObject({ status: 200 });

    const [revolution, rev, revoDigital] = walks.map(tokenBodies);
    const callback = `${adminUrl}/callback`;
    expect(revolution).toEqual([
      {
        client_id: vendors.revolution.appId,
        code: expect.any(String),
        code_verifier: expect.stringMatching(/^[\w-]{43}$/),
        redirect_uri: callback,
      },
      { grant_type: 'refresh_token', client_id: vendors.revolution.appId, refresh_token: expect.any(String) },
    ]);
    const authCode = expect.stringMatching(/^[\w-]+\+[\w-]+$/);
    expect(rev).toEqual([
      { grantType: 'authorization_code', apiKey: env.REV_API_KEY, authCode, redirectUri: callback },
      {
        grantType: 'refresh_token',
        apiKey: env.REV_API_KEY,
        refreshToken: expect.any(String),
        authCode: rev?.[0]?.authCode,
        redirectUri: callback,
      },
    ]);
    expect(revoDigital).toMatchObject([
      { grant_type: 'authorization_code', user_type: 'Location', redirect_uri: callback },
      { grant_type: 'refresh_token', user_type: 'Location' },
    ]);
    expect(revoDigital?.[0]).not.toHaveProperty('scope');
  });
});

if (!hasBrowser) console.warn('Chromium is not installed: logins with a browser are not tested');
