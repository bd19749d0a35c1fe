import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { browserCommand, openBrowser } from '../../src/cli/browser.ts';
import { hasBrowser, launchBrowser } from '../support/browser.ts';

describe('the browser', () => {
  const url = 'https://id.example/login?a=b&c=%20d&state=SECRET';
  let directory: string;
  let script: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-browser-'));
    script = join(directory, 'browser');
    writeFileSync(
      script,
      `#!/bin/sh\nprintf %s "$1" > ${directory}/part && mv ${directory}/part ${directory}/opened\nenv > ${directory}/env.part && mv ${directory}/env.part ${directory}/env\nsleep 5\n`,
    );
    chmodSync(script, 0o755);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** Opens a page: what the browser was given, and what takes that away. */
  async function opened(page: string): Promise<{ given: string; file: string; remove: () => void }> {
    const remove = openBrowser(page, { env: { BROWSER: script }, platform: 'linux' });
    await expect.poll(() => existsSync(join(directory, 'opened'))).toBe(true);
    const given = readFileSync(join(directory, 'opened'), 'utf8');
    return { given, file: fileURLToPath(given), remove };
  }

  it.each([
    [{ BROWSER: 'firefox' }, 'linux', ['firefox', url]],
    [{ BROWSER: 'firefox --new-window %s:chromium' }, 'linux', ['firefox', '--new-window', url]],
    [{ BROWSER: '', DISPLAY: ':0' }, 'linux', ['xdg-open', url]],
    [{ WAYLAND_DISPLAY: 'wayland-0' }, 'linux', ['xdg-open', url]],
    [{}, 'linux', undefined],
    [{}, 'darwin', ['open', url]],
  ] as const)('with %j on %s is %j', (given, platform, command) => {
    expect(browserCommand(url, { env: given, platform })).toEqual(command);
  });

  it('is given no address that other users of the machine could read', async () => {
    const { given, file, remove } = await opened(url);
    expect(given).toMatch(/^file:\/\/\/.*\/login\.html$/);
    expect(given).not.toContain('SECRET');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
    expect(readFileSync(file, 'utf8')).toContain('state=SECRET');
    remove();
    expect(existsSync(dirname(file))).toBe(false);
  });

  it('gets the environment that it is given, not that of the process', async () => {
    process.env.CUPBEARER_TEST_SECRET = 'SENT-environment';
    try {
      const { remove } = await opened(url);
      await expect.poll(() => existsSync(join(directory, 'env'))).toBe(true);
      remove();
      const environment = readFileSync(join(directory, 'env'), 'utf8');
      expect(environment).toContain(`BROWSER=${script}`);
      expect(environment).not.toContain('SENT-environment');
    } finally {
      delete process.env.CUPBEARER_TEST_SECRET;
    }
  });

  it('gets there without a shell, whatever the address holds', async () => {
    const { file, remove } = await opened(`${url}$(touch ${directory}/hacked)"><script>x</script>'`);
    expect(readFileSync(file, 'utf8')).not.toMatch(/<script|url=[^"]*'/);
    remove();
    expect(existsSync(join(directory, 'hacked'))).toBe(false);
  });

  it.runIf(hasBrowser)('goes on to the address', async () => {
    const { given, remove } = await opened('http://127.0.0.1:9/login?a=b&amp;c=%20d&state=x+y');
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      const asked = page.waitForRequest(/^http:/);
      await page.goto(given);
      expect((await asked).url()).toBe('http://127.0.0.1:9/login?a=b&amp;c=%20d&state=x+y');
      expect(await (await asked).allHeaders()).not.toHaveProperty('referer');
    } finally {
      await browser.close();
      remove();
    }
  });

  it('that is not there is no problem, and nothing but a web page is opened', () => {
    for (const page of [url, 'file:///etc/passwd', '--help'])
      openBrowser(page, { env: { BROWSER: '/nowhere/browser' }, platform: 'linux' })();
  });
});
