import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface BrowserSetting {
  /** What the browser gets as its environment, too: without secrets. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

/**
 * The command that opens a page here: `$BROWSER` (its first entry; `%s` stands for the address), else `open` on macOS
 * and `xdg-open` where there is a display. Undefined when there is none.
 */
export function browserCommand(url: string, { env, platform }: BrowserSetting): string[] | undefined {
  const wish = (env.BROWSER ?? '').split(':')[0]?.trim() ?? '';
  if (wish !== '') {
    const words = wish.split(/\s+/);
    return wish.includes('%s') ? words.map((word) => word.replaceAll('%s', url)) : [...words, url];
  }
  if (platform === 'darwin') return ['open', url];
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler', url];
  // Without a display xdg-open would start a browser inside the terminal.
  return env.DISPLAY || env.WAYLAND_DISPLAY ? ['xdg-open', url] : undefined;
}

/**
 * Opens a page in the person's browser, without a shell. Every user of a machine may read the arguments of a process, and
 * a login's address is nobody else's business: the browser is given a file that only its user may read and that leads
 * there. Gives what removes that file. Whether the browser opens is not told: the page is printed too.
 */
export function openBrowser(url: string, setting: BrowserSetting): () => void {
  const nothing = () => {};
  if (!/^https?:\/\//.test(url) || browserCommand(url, setting) === undefined) return nothing;
  let directory: string | undefined;
  const remove = () => {
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
  };
  try {
    // It is made 0700.
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-login-'));
    const file = join(directory, 'login.html');
    writeFileSync(file, redirectPage(url), { mode: 0o600, flag: 'wx' });
    const [command = '', ...args] = browserCommand(pathToFileURL(file).href, setting) ?? [];
    const child = spawn(command, args, { stdio: 'ignore', detached: true, env: { ...setting.env } });
    child.on('error', nothing);
    child.unref();
  } catch {
    remove();
    return nothing;
  }
  return remove;
}

function redirectPage(url: string): string {
  const href = new URL(url).href.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${href}"><title>Log in</title></head>
<body><a href="${href}">Log in</a></body>
</html>
`;
}
