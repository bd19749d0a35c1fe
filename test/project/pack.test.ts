import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

describe('the packed tarball, installed elsewhere', () => {
  let folder: string;
  let packed: string[];
  let upstream: Server;
  let asked: (string | undefined)[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cupbearer-pack-'));
    const { stdout } = await run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], {
      cwd: root,
    });
    const [tarball] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [
      { filename: string; files: { path: string }[] },
    ];
    packed = tarball.files.map(({ path }) => path);
    await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
    const quiet = ['--prefer-offline', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
    await run('npm', ['install', ...quiet, `./${tarball.filename}`], { cwd: folder });

    asked = [];
    upstream = createServer((request, response) => {
      response.setHeader('Content-Type', 'application/json');
      if (request.url === '/token') {
        response.end('{"access_token":"packed-token","token_type":"Bearer","expires_in":60}');
        return;
      }
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.end('{"it":"works"}');
    });
    await once(upstream.listen(0, '127.0.0.1'), 'listening');
    const origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    await writeFile(
      join(folder, 'routes.yaml'),
      `server: { listen: "127.0.0.1:0", admin: "off" }
providers: { acme: { extends: oauth2, token: { url: "${origin}/token" } } }
credentials: { acme: { provider: acme, grant_type: client_credentials, client_id: id, client_secret: pass } }
routes: { /acme: { upstream: "${origin}/v1", credential: acme } }
`,
    );
  }, 60_000);

  afterAll(async () => {
    upstream?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  it('holds built JavaScript and the files a user needs, and nothing else', () => {
    const needed = [
      'dist/main.js',
      'routes.yaml',
      'routes.schema.json',
      'README.md',
      'LICENSE',
      'package.json',
    ];
    expect(packed).toEqual(expect.arrayContaining(needed));
    expect(packed.filter((path) => !needed.includes(path) && !/^dist\/.+\.js$/.test(path))).toEqual([]);
  });

  it('answers npx cupbearer --version', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    const { stdout } = await run('npx', ['--no', '--', 'cupbearer', '--version'], { cwd: folder });
    expect(stdout).toBe(`${version}\n`);
  });

  it('checks a configuration with the schema it carries', async () => {
    const { stdout } = await run('npx', ['--no', '--', 'cupbearer', 'check'], { cwd: folder });
    expect(stdout).toContain('/acme');
    await writeFile(join(folder, 'wrong.yaml'), 'rotues: {}\n');
    const failed = run('npx', ['--no', '--', 'cupbearer', 'check', '--config', 'wrong.yaml'], {
      cwd: folder,
    });
    await expect(failed).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('wrong.yaml:1:1'),
    });
  });

  it('opens no inspector on a SIGUSR1 that comes before it listens to signals', async () => {
    const early = 'data:text/javascript,process.kill(process.pid,"SIGUSR1");setTimeout(()=>{},500)';
    const child = spawn(join(folder, 'node_modules/.bin/cupbearer'), ['--version'], {
      env: { ...process.env, NODE_OPTIONS: `--import=${early.replaceAll('"', "'")}` },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    await once(child, 'close');
    expect(said).toBe('');
  });

  it('serves: a plain call reaches the upstream with the token, and SIGTERM ends it with exit code 0', async () => {
    const program = join(folder, 'node_modules/.bin/cupbearer');
    const child = spawn(program, ['serve'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const response = await fetch(`${await listeningAt(child)}/acme/things?n=1`);
      expect([response.status, await response.text()]).toEqual([200, '{"it":"works"}']);
      expect(asked).toEqual(['GET /v1/things?n=1 Bearer packed-token']);
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

/** The address in the log line that says so. */
async function listeningAt(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const { url } = JSON.parse(line) as { url?: string };
    if (url !== undefined) return url;
  }
  throw new Error('it ended before it listened');
}
