import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => existsSync(path),
);

/** Whether browser tests can run. Where CI is set they run, and fail, in any case. */
export const hasBrowser = executablePath !== undefined || process.env.CI !== undefined;

export function launchBrowser(args: readonly string[] = []): Promise<Browser> {
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({
    executablePath: executablePath ?? '/usr/bin/chromium',
    headless: true,
    args: [...(isRoot ? ['--no-sandbox'] : []), ...args],
  });
}

export interface Person {
  readonly name: string;
  readonly password: string;
  /** What is picked when a page asks for a choice. */
  readonly choice?: string;
  /** Declines instead of logging in. */
  readonly cancels?: boolean;
}

/** Opens a login page of the admin listener and presses its button: the browser is at the provider then. */
export async function startLogin(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByRole('button', { name: /^Continue to / }).click();
  await page.waitForURL((now) => !now.href.startsWith(new URL(url).origin));
}

/** Walks a simulated vendor's pages from where `page` is until the browser is at a callback; gives what that page says. */
export async function walkLogin(page: Page, person: Person): Promise<string> {
  const isBack = () => new URL(page.url()).pathname === '/callback';
  if (person.cancels) await page.getByRole('button', { name: 'Cancel' }).click();
  else {
    await page.getByLabel('User name').fill(person.name);
    await page.getByLabel('Password').fill(person.password);
    await page.getByRole('button', { name: 'Log in' }).click();
  }
  await page.waitForLoadState();
  if (!isBack()) {
    if (person.choice !== undefined) await page.getByLabel(person.choice).check();
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForLoadState();
  }
  await page.waitForURL('**/callback?*');
  return page.locator('body').innerText();
}
