import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configFile, serve } from '../support/serve.ts';
import { startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts';

const { dependencies } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'),
) as { dependencies: object };

/** A module that writes into a file, when its process ends, the URL of every module loaded after it. */
function recorder(file: string): string {
  const source = `
    import { registerHooks } from 'node:module';
    import { writeFileSync } from 'node:fs';
    const urls = [];
    registerHooks({ load(url, context, next) { urls.push(url); return next(url, context); } });
    process.on('exit', () => writeFileSync(${JSON.stringify(file)}, JSON.stringify(urls)));
  `;
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

interface Loaded {
  /** Those of our own dependencies. */
  readonly packages: string[];
  /** Those of src/, as `room/file.ts`. */
  readonly sources: string[];
  /** Of every module. */
  readonly urls: readonly string[];
}

describe('serve with the memory store', () => {
  let directory: string;
  let vendor: TokenEndpoint;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-start-'));
    vendor = await startTokenEndpoint();
  });
  afterEach(async () => {
    await vendor.close();
    rmSync(directory, { recursive: true });
  });

  /** What is loaded once a first call was answered, and these paths of the admin listener. */
  async function loadedFor(...adminPaths: string[]): Promise<Loaded> {
    const file = configFile(
      directory,
      `
server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" }
providers: { acme: { token: { url: "${vendor.url}" } } }
credentials: { acme: { provider: acme, client_id: id, client_secret: secret-of-acme } }
routes: { /acme: { upstream: "${new URL(vendor.url).origin}", credential: acme } }
`,
    );
    const record = join(directory, 'loaded.json');
    const served = serve(file, { NODE_OPTIONS: `--import=${recorder(record)}` });
    try {
      expect((await fetch(`${await served.url}/acme/things`)).status).toBe(200);
      for (const path of adminPaths) await (await fetch(`${await served.adminUrl}${path}`)).text();
    } finally {
      expect(await served.end('SIGTERM')).toBe(0);
    }
    const urls: string[] = JSON.parse(readFileSync(record, 'utf8'));
    const packages = Object.keys(dependencies).filter((name) =>
      urls.some((url) => url.includes(`/node_modules/${name}/`)),
    );
    const sources = urls.flatMap((url) => /\/src\/(\w+\/.+)$/.exec(url)?.[1] ?? []);
    return { packages, sources, urls };
  }

  const ofAdmin = ({ sources }: Loaded) => sources.filter((file) => file.startsWith('admin/'));

  it('loads the packages that every call needs, and no others', async () => {
    const { packages } = await loadedFor('/livez', '/readyz');
    expect(packages).toEqual(['lru-cache', 'pino', 'undici', 'valibot', 'yaml']);
  });

  it('loads what the admin listener has besides probes when somebody asks for it', async () => {
    // The log says what to do as the status does.
    expect(ofAdmin(await loadedFor('/livez', '/readyz?verbose'))).toEqual([
      'admin/admin.ts',
      'admin/what-to-do.ts',
    ]);
    expect(ofAdmin(await loadedFor('/api/status'))).toEqual(
      expect.arrayContaining(['admin/guarded.ts', 'admin/api.ts', 'admin/login-pages.ts']),
    );
  });

  it('loads what writes metrics with the first scrape, and of that no more than the text format', async () => {
    expect((await loadedFor('/livez')).sources.filter((file) => file.includes('metrics'))).toEqual([]);
    const { packages, sources, urls } = await loadedFor('/metrics');
    expect(packages).toContain('prom-client');
    expect(sources).toContain('telemetry/metrics-text.ts');
    const loaded = urls.filter((url) => url.includes('/prom-client/')).map((url) => url.split('/').pop());
    expect(loaded.sort()).toEqual(['registry.js', 'util.js']);
  });

  it('loads no other command, no other store and nothing of the demo', async () => {
    const { sources } = await loadedFor();
    expect(sources).toContain('cli/serve.ts');
    const others =
      /^demo\/|^store\/(?:redis|sqlite)|^telemetry\/trace(?:d|-(?!share))|^cli\/(?:check|demo|explain|login|revoke|schema|status|token|worker|start-workers)\.ts$/;
    expect(sources.filter((file) => others.test(file))).toEqual([]);
  });
});
