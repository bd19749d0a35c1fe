import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Running, start } from '../../src/cli/start.ts';
import { startVendors, type Vendors } from '../../src/demo/vendors.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { type Clock, systemClock } from '../../src/token/clock.ts';
import { hasBrowser, launchBrowser } from '../support/browser.ts';
import { configOf } from '../support/config.ts';
import { faintIn, overflowOf, walkControls } from '../support/look.ts';
import { type RevocationEndpoint, startRevocationEndpoint } from '../support/revocation-endpoint.ts';
import { startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts';

/*
 * A person looks at the status page of a serving instance with real Chromium. What it looks like is written to
 * test-results/status-page, for people.
 */

const pictures = join(import.meta.dirname, '../../test-results/status-page');

/** What the routes did is noted every 5 s; here ten times a second. */
const quick: Clock = { ...systemClock, after: (ms, fn) => systemClock.after(ms === 5_000 ? 100 : ms, fn) };

describe.skipIf(!hasBrowser)('the status page in Chromium', () => {
  let browser: Browser;
  let vendors: Vendors;
  let idp: TokenEndpoint;
  let revocation: RevocationEndpoint;
  let running: Running;
  let directory: string;
  let context: BrowserContext | undefined;
  /** What the browser complained about. */
  let complaints: string[];

  beforeAll(async () => {
    mkdirSync(pictures, { recursive: true });
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-status-'));
    [browser, vendors, idp, revocation] = await Promise.all([
      launchBrowser(),
      startVendors(),
      startTokenEndpoint(),
      startRevocationEndpoint(),
    ]);
    running = await serve();
  });
  afterAll(async () => {
    await running?.stop();
    await browser?.close();
    await Promise.all([vendors?.close(), idp?.close(), revocation?.close()]);
    rmSync(directory, { recursive: true, force: true });
  });
  afterEach(async () => {
    await context?.close();
    context = undefined;
  });

  async function serve(): Promise<Running> {
    const yaml = `
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
store: { url: "sqlite:${directory}/sessions.db", key: "\${STORE_KEY}" }
providers:
  hub: { base_url: "${new URL(idp.url).origin}", token: { url: "${idp.url}" }, revoke: { url: "${revocation.url}" } }
credentials:
  telemetry: { provider: realer, base_url: "\${REALER_URL}", client_id: "\${REALER_CLIENT_ID}", client_secret: "\${REALER_CLIENT_SECRET}" }
  signage: { provider: revolution, base_url: "\${REVOLUTION_URL}", client_id: "\${REVOLUTION_CLIENT_ID}", client_secret: "\${REVOLUTION_CLIENT_SECRET}" }
  payments: { provider: realer, base_url: "\${REALER_URL}", client_id: "\${REALER_CLIENT_ID}", client_secret: not-the-secret }
  contacts: { provider: revo-digital, base_url: "\${REVO_DIGITAL_URL}", grant_type: authorization_code, client_id: "\${REVO_DIGITAL_CLIENT_ID}", client_secret: "\${REVO_DIGITAL_CLIENT_SECRET}" }
  shops: { provider: hub, client_id: id, client_secret: secret-of-shops, params: { tenant: "{tenant}" }, tenant: { header: X-Shop } }
  spare: { provider: hub, client_id: id, client_secret: secret-of-spare }
routes:
  /telemetry: { credential: telemetry }
  /signage: { credential: signage }
  /payments: { credential: payments }
  /contacts: { credential: contacts }
  /shops: { credential: shops }
`;
    const env = { ...vendors.env, STORE_KEY: randomBytes(32).toString('base64') };
    const config = configOf(yaml, env);
    const serving = await start(config, { log: createLog({ level: 'silent' }), clock: quick });
    await serving.registry.get('telemetry').acquire();
    await serving.registry.get('signage').acquire();
    for (const tenant of ['harbour', 'market-square']) await serving.registry.get('shops', tenant).acquire();
    for (const name of ['payments', 'contacts']) {
      await Promise.resolve(serving.registry.get(name).acquire()).catch(() => undefined);
    }
    return serving;
  }

  async function open(
    path = '/',
    options: BrowserContextOptions = {},
    prepare?: (page: Page) => Promise<void>,
  ): Promise<Page> {
    context = await browser.newContext({ viewport: { width: 1_400, height: 900 }, ...options });
    const page = await context.newPage();
    complaints = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await prepare?.(page);
    await page.goto(running.adminUrl + path);
    return page;
  }

  const row = (page: Page, name: string) =>
    page.locator('tbody[id]').filter({ has: page.getByRole('rowheader').filter({ hasText: name }) });

  const generation = async (page: Page, name: string) =>
    Number(await row(page, name).locator('.gen').innerText());

  /** What a tab does when it is seen again; so that nobody waits two seconds for the next look. */
  const look = (page: Page) => page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");

  it('tells in words what every credential is like, unwell ones first, and no secret', async () => {
    const page = await open();
    expect(await page.title()).toBe('2 credentials are not well · Cupbearer');
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('2 credentials are not well');
    expect(await page.locator('tbody[id] .name').allInnerTexts()).toEqual([
      ...['contacts', 'payments', 'shops', 'shops', 'signage', 'spare', 'telemetry'],
    ]);
    expect(await row(page, 'contacts').innerText()).toMatch(
      /login needed.*log in here, or run cupbearer login/s,
    );
    expect(await row(page, 'payments').innerText()).toMatch(/blocked: invalid_client.*check client_id/s);
    expect(await row(page, 'harbour').innerText()).toMatch(/fresh.*59m left of 1h.*renews in about \d+m/s);
    expect(await row(page, 'spare').innerText()).toContain('not used yet');
    const login = page.getByRole('link', { name: /^Log in/ });
    expect(await login.evaluateAll((links) => links.map((one) => one.getAttribute('href')))).toEqual([
      '/login/contacts',
    ]);
    const meter = row(page, 'harbour').getByRole('meter');
    expect(await meter.getAttribute('aria-valuetext')).toMatch(/^59m left of 1h$/);
    const told = await page.content();
    for (const secret of [
      'secret-of-shops',
      'not-the-secret',
      ...Object.values(vendors.env).filter(isSecret),
    ]) {
      expect(told).not.toContain(secret);
    }
    expect(complaints).toEqual([]);
  });

  it('renews at the press of a button and says so', async () => {
    const page = await open();
    const before = await generation(page, 'telemetry');
    await row(page, 'telemetry').getByRole('button', { name: 'Renew now' }).click();
    await page.getByText('The token of telemetry is renewed.').waitFor();
    expect(await generation(page, 'telemetry')).toBe(before + 1);
    expect(complaints).toEqual([]);
  });

  it('says why a renewal failed', async () => {
    const page = await open();
    await row(page, 'payments').getByRole('button', { name: 'Renew now' }).click();
    await page.getByText(/^The renewal failed: credential payments: .*check client_id/).waitFor();
    expect(complaints).toEqual([]);
  });

  it('revokes when asked twice, by keyboard, and Escape takes the first time back', async () => {
    const page = await open();
    const sure = row(page, 'market-square').getByRole('button', { name: 'Yes, revoke' });
    const summary = row(page, 'market-square').locator('summary');
    await summary.focus();
    await page.keyboard.press('Enter');
    expect(await sure.isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    expect(await sure.isVisible()).toBe(false);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(revocation.asked).toEqual([]);
    await page.keyboard.press('Enter');
    await page.getByText('1 token of shops, tenant market-square revoked.').waitFor();
    expect(revocation.asked).toHaveLength(1);
    expect(await row(page, 'market-square').innerText()).toContain('not used yet');
    expect(complaints).toEqual([]);
  });

  it('keeps itself fresh, without touching focus, a confirmation or what is being typed', async () => {
    const page = await open();
    await page.evaluate('window.here = true');
    await row(page, 'telemetry').locator('summary').click();
    await page.getByLabel('Filter').evaluate((input) => (input as unknown as { focus(): void }).focus());
    const narrowed = page.waitForResponse('**/status/fragment?q=e');
    await page.keyboard.type('e');
    await narrowed;
    const before = await generation(page, 'telemetry');
    await running.registry.renew('telemetry');
    // By itself: after two seconds at most.
    await expect.poll(() => generation(page, 'telemetry'), { timeout: 10_000 }).toBe(before + 1);
    expect(await page.evaluate('window.here')).toBe(true);
    expect(await page.evaluate('document.activeElement.id')).toBe('q');
    expect(await page.getByLabel('Filter').inputValue()).toBe('e');
    expect(await row(page, 'telemetry').getByRole('button', { name: 'Yes, revoke' }).isVisible()).toBe(true);
    await page.keyboard.type('lem');
    await expect.poll(() => page.locator('tbody[id] .name').allInnerTexts()).toEqual(['telemetry']);
    await row(page, 'telemetry').getByRole('button', { name: 'Renew now' }).click();
    await page.getByText('The token of telemetry is renewed.').waitFor();
    expect(await page.getByLabel('Filter').inputValue()).toBe('elem');
    expect(complaints).toEqual([]);
  });

  it('says when the instance stopped answering, and when it answers again', async () => {
    const page = await open();
    const live = page.getByRole('status').first();
    await page.route('**/status/fragment*', (route) => route.abort());
    await look(page);
    await expect.poll(() => live.innerText()).toMatch(/^No answer since .*trying again\.$/);
    await page.unroute('**/status/fragment*');
    await look(page);
    await expect.poll(() => live.innerText()).toBe('Live');
  });

  it('asks for nothing while nobody sees it', async () => {
    const page = await open('/', {}, (one) => one.clock.install());
    let asked = 0;
    page.on('request', () => asked++);
    await page.clock.runFor(2_000);
    await expect.poll(() => asked).toBe(1);
    await page.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, value: true })");
    await look(page);
    expect(await page.getByRole('status').first().innerText()).toBe('Paused');
    await page.clock.runFor(10_000);
    expect(asked).toBe(1);
    await page.evaluate('delete document.hidden');
    await look(page);
    await expect.poll(() => asked).toBe(2);
  });

  it('does all of it without scripts', async () => {
    const page = await open('/', { javaScriptEnabled: false });
    expect(await page.getByRole('link', { name: 'Reload' }).isVisible()).toBe(true);
    const before = await generation(page, 'signage');
    await page.getByLabel('Filter').fill('REVOLUTION');
    await page.getByRole('button', { name: 'Show' }).click();
    expect(await page.locator('tbody[id] .name').allInnerTexts()).toEqual(['signage']);
    await row(page, 'signage').getByRole('button', { name: 'Renew now' }).click();
    await page.getByText('The token of signage is renewed.').waitFor();
    expect(await generation(page, 'signage')).toBe(before + 1);
    expect(await page.locator('tbody[id] .name').allInnerTexts()).toEqual(['signage']);
    await page.getByRole('link', { name: 'Show all' }).click();
    await row(page, 'harbour').locator('summary').click();
    await row(page, 'harbour').getByRole('button', { name: 'Yes, revoke' }).click();
    await page.getByText('1 token of shops, tenant harbour revoked.').waitFor();
    expect(complaints).toEqual([]);
  });

  it.each([
    ['light', 360],
    ['light', 1_400],
    ['dark', 360],
    ['dark', 1_400],
  ] as const)('looks right in %s at %i px', async (colorScheme, width) => {
    const calls = ['/telemetry/iot/v1/catalog', '/signage/devices', '/payments/x', '/elsewhere'];
    await running.registry.get('shops', 'harbour').acquire();
    const page = await open('/', { colorScheme, viewport: { width, height: 900 } });
    for (const path of [...calls, ...calls]) await (await fetch(running.url + path)).body?.cancel();
    const lines = async () => {
      await look(page);
      return page.locator('.spark path.line').count();
    };
    await expect.poll(lines, { interval: 100 }).toBeGreaterThan(5);
    await row(page, 'harbour').locator('summary').click();
    expect(await overflowOf(page)).toBe(0);
    expect(await faintIn(page)).toEqual([]);
    await page.screenshot({ path: join(pictures, `${colorScheme}-${width}.png`), fullPage: true });
    const { reached, missed } = await walkControls(page);
    expect(missed).toEqual([]);
    expect(reached).toEqual(
      expect.arrayContaining(['q', 'Renew now: signage', 'Log in: contacts', 'Yes, revoke']),
    );
    expect(complaints).toEqual([]);
  });
});

/** Of what a vendor's environment holds, all but addresses and the like. */
function isSecret(value: string): boolean {
  return value.length >= 20 && !value.includes('://');
}
