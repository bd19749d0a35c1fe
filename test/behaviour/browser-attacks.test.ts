import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostileServer, type OpenServer, openServer, type Relay, relay } from '../support/attack-servers.ts';
import { hasBrowser, launchBrowser } from '../support/browser.ts';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';

/** What attack-page.js leaves on a page's globalThis. */
interface AttackPage {
  readonly attackNames: string[];
  attackAll(urls: Record<string, string>, author: string): void;
  readonly readings: Record<string, string>;
  leaveByForm(url: string): void;
  speculate(kind: string, url: string): void;
  location: { href: string };
}

interface Row {
  readonly attack: string;
  readonly page: string;
  /** What a server without a defence saw, and what the page could read of its answer. */
  readonly control: string[];
  readonly controlRead: string;
  /** What reached the proxy and how it was answered, and what the page could read of that. */
  readonly proxy: string[];
  readonly proxyRead: string;
  readonly upstream: number;
}

// Chromium's own defence of local servers, and what would lead plain http astray.
const withoutOwnDefence = [
  'LocalNetworkAccessChecks',
  'LocalNetworkAccessChecksWebSockets',
  'LocalNetworkAccessChecksWebRTC',
  'BlockInsecurePrivateNetworkRequests',
  'PrivateNetworkAccessSendPreflights',
  'PrivateNetworkAccessRespectPreflightResults',
  'PrivateNetworkAccessForNavigations',
  'PrivateNetworkAccessForWorkers',
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
].join(',');

/** Pages by the host they are on and the host name they call. */
const pages = [
  { name: 'another site', host: 'evil.test', target: '127.0.0.1' },
  { name: 'another port', host: 'localhost', target: 'localhost' },
  { name: 'another site, rebound target', host: 'evil.test', target: 'rebound.test' },
  { name: 'rebound name, another port', host: 'rebound.test', target: 'rebound.test' },
  // Its name leads to its author first, then, once it is loaded, to the target.
  { name: 'rebound name, same origin', host: 'rebound.test', target: 'rebound.test', rebinds: true },
];

/** Attacks that leave the page they are made from; each has one of its own. */
const departures: Record<string, (page: Page, url: string, author: string) => Promise<unknown>> = {
  location: (page, url) =>
    page.evaluate((to) => {
      (globalThis as unknown as AttackPage).location.href = to;
    }, url),
  'form POST of the whole page': (page, url) =>
    page.evaluate((to) => (globalThis as unknown as AttackPage).leaveByForm(to), url),
  'address typed, then redirected': (page, url, author) =>
    page.goto(`${author}/redirect?to=${encodeURIComponent(url)}`),
};

const pathOf = (index: number, attack: string) => `/api/${index}/${attack.replace(/\W+/g, '-')}`;
const requestsOf = ({ requests }: OpenServer, path: string) =>
  requests.filter((line) => line.replace(/\?.*/, '').endsWith(` ${path}`));

describe.skipIf(!hasBrowser)('B16: web pages in Chromium', () => {
  const rows: Row[] = [];
  let browser: Browser;
  let hostile: Awaited<ReturnType<typeof hostileServer>>;
  let control: OpenServer;
  let upstream: OpenServer;
  let tokens: TokenServer;
  let proxy: Fixture;
  let toControl: Relay;
  let toProxy: Relay;

  beforeAll(async () => {
    [hostile, control, upstream, tokens] = await Promise.all([
      hostileServer(),
      openServer(),
      openServer(),
      tokenServer('SENT-T'),
    ]);
    // Nobody needs a key: the worst case.
    proxy = await startCupbearer(`
server: { listen: 127.0.0.1:0, admin: "off" }
providers: { first: { token: { url: "${tokens.url}/token" } } }
credentials: { one: { provider: first, client_id: id, client_secret: SENT-CLIENT } }
routes: { /api: { upstream: "http://127.0.0.1:${upstream.port}/api", credential: one, upgrade: true } }
`);
    [toControl, toProxy] = await Promise.all([relay(control.port), relay(proxy.port)]);
    browser = await launchBrowser([
      '--no-proxy-server',
      '--host-resolver-rules=MAP evil.test 127.0.0.1, MAP rebound.test 127.0.0.1',
      `--disable-features=${withoutOwnDefence}`,
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([toControl, toProxy].map((one) => one?.close()));
    await proxy?.stop();
    await Promise.all([hostile, control, upstream, tokens].map((one) => one?.close()));
    console.log(table(rows));
  });

  /** Makes every attack from a page on what is behind a relay; gives what was read by attack. */
  async function attackAll(
    context: BrowserContext,
    index: number,
    via: Relay,
  ): Promise<Record<string, string>> {
    const { host, target, rebinds = false } = pages[index]!;
    const behind = via.to;
    const author = `http://evil.test:${hostile.port}`;
    const home = `http://${host}:${rebinds ? via.port : hostile.port}/`;
    const urlOf = (attack: string) => `http://${target}:${via.port}${pathOf(index, attack)}`;
    if (rebinds) via.to = hostile.port;
    const page = await context.newPage();
    await page.goto(home);
    const names = await page.evaluate(() => (globalThis as unknown as AttackPage).attackNames);
    const leaving = await Promise.all(
      Object.entries(departures).map(async ([name, leave]) => {
        const own = await context.newPage();
        await own.goto(home);
        return () => leave(own, urlOf(name), author);
      }),
    );
    via.to = behind;
    const urls = Object.fromEntries(names.map((name) => [name, urlOf(name)]));
    await Promise.all([
      page.evaluate(([all, to]) => (globalThis as unknown as AttackPage).attackAll(all, to), [
        urls,
        author,
      ] as const),
      ...leaving.map((leave) => leave()),
    ]);
    const all = [...names, ...Object.keys(departures)];
    const unseen = () => all.filter((name) => via.seen(pathOf(index, name)).length === 0);
    await expect.poll(unseen, { timeout: 15_000, message: 'every attack is answered' }).toEqual([]);
    // Time for a page to read what has come.
    await sleep(500);
    const read = await page.evaluate(() => (globalThis as unknown as AttackPage).readings);
    return { ...read, ...Object.fromEntries(Object.keys(departures).map((name) => [name, ''])) };
  }

  it.each(pages.map(({ name }, index) => [name, index] as const))(
    'on %s get nothing through',
    async (name, index) => {
      const [open, guarded] = await Promise.all(
        [toControl, toProxy].map(async (via) => {
          const context = await browser.newContext();
          const read = await attackAll(context, index, via);
          await context.close();
          return read;
        }),
      );
      for (const attack of Object.keys(open!)) {
        const path = pathOf(index, attack);
        rows.push({
          attack,
          page: name,
          control: requestsOf(control, path).map((line) => line.split(' ')[0]!),
          controlRead: open![attack]!,
          proxy: toProxy.seen(path),
          proxyRead: guarded![attack]!,
          upstream: requestsOf(upstream, path).length,
        });
      }
      const own = rows.filter(({ page }) => page === name);
      expect(own.length).toBeGreaterThan(40);
      for (const row of own) {
        expect(row.control, `${row.attack} arrives where nothing defends`).not.toEqual([]);
        expect(row.proxy.join(), `${row.attack} is refused`).toMatch(/^(?:[A-Z]+ (?:403|421)(?:,|$))+$/);
        expect(row.upstream, `${row.attack} reaches no upstream`).toBe(0);
        // A page on a rebound name is of the same origin, so it reads that its name is refused.
        if (pages[index]!.rebinds && row.proxyRead !== '')
          expect(JSON.parse(row.proxyRead)).toMatchObject({ type: 'urn:cupbearer:problem:host-refused' });
        else expect(row.proxyRead, `${row.attack} reads nothing`).toBe('');
      }
      for (const attack of [
        'fetch, cors',
        'script',
        'image',
        'style sheet',
        'iframe',
        'EventSource',
        'WebSocket',
      ])
        expect(own.find((row) => row.attack === attack)?.controlRead, attack).toContain('READ');
      expect(upstream).toMatchObject({ connections: 0, requests: [] });
      expect(tokens.calls).toBe(0);
    },
    60_000,
  );

  // In a window of its own, and under a name of loopback: elsewhere Chromium does not speculate on plain http.
  it.each(['prefetch', 'prerender'])('get nothing through by speculation rules (%s)', async (kind) => {
    const attack = `speculation rules (${kind})`;
    const path = pathOf(0, attack);
    for (const via of [toControl, toProxy]) {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`http://evil.test:${hostile.port}/`);
      const url = `http://127.0.0.1:${via.port}${path}`;
      await page.evaluate(([how, to]) => (globalThis as unknown as AttackPage).speculate(how, to), [
        kind,
        url,
      ] as const);
      await expect.poll(() => via.seen(path), { timeout: 15_000 }).not.toEqual([]);
      await context.close();
    }
    const arrived = requestsOf(control, path).map((line) => line.split(' ')[0]!);
    expect(arrived).not.toEqual([]);
    expect(toProxy.seen(path).join()).toMatch(/^(?:GET 403(?:,|$))+$/);
    const row = { attack, page: 'another site', control: arrived, controlRead: '', proxyRead: '' };
    rows.push({ ...row, proxy: toProxy.seen(path), upstream: requestsOf(upstream, path).length });
    expect(upstream).toMatchObject({ connections: 0, requests: [] });
  });

  it('on a rebound name are not even shown', async () => {
    const page = await browser.newPage();
    const response = await page.goto(`http://rebound.test:${toProxy.port}/api/page`);
    expect(response?.status()).toBe(421);
    await page.close();
    expect(upstream.connections).toBe(0);
  });

  it('are refused where a program is served', async () => {
    const status = await new Promise((resolve, reject) => {
      request(`${proxy.url}/api/program`, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    expect(upstream.requests).toEqual(['GET /api/program']);
    expect(tokens.calls).toBe(1);
  });
});

/** attack | page | control saw (and the page read) | the proxy answered | upstream requests. */
function table(rows: readonly Row[]): string {
  const cells = rows.map(({ attack, page, control, controlRead, proxy, upstream }) => [
    attack,
    page,
    `yes: ${[...new Set(control)].join(' ')}${controlRead === '' ? '' : ', read'}`,
    [...new Set(proxy)].join(', '),
    String(upstream),
  ]);
  const lines = [
    ['attack', 'page', 'unprotected server saw', 'proxy answered', 'upstream requests'],
    ...cells,
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines.map((line) => line.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')).join('\n');
}

if (!hasBrowser) console.warn('Chromium is not installed: attacks by web pages are not tested');
