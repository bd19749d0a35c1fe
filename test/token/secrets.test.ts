import { generateKeyPairSync } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { load } from '../../src/config/load.ts';
import type { CredentialConfig } from '../../src/config/schema.ts';
import { presets } from '../../src/provider/presets.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { TokenEvents } from '../../src/token/events.ts';
import { createRegistry } from '../../src/token/registry.ts';
import { SecretFiles } from '../../src/token/secret-files.ts';
import { revealed } from '../../src/token/secrets.ts';
import { authority } from '../support/client-certificate.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { answer, startTokenEndpoint, type TokenCall } from '../support/token-endpoint.ts';
import { carried, closing, failure, hour, now, until } from './setting.ts';

function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'cupbearer-secrets-'));
  closing(async () => rmSync(dir, { recursive: true }));
  return dir;
}

function secretOf({ headers }: TokenCall): string {
  const [, pair = ''] = (headers.authorization ?? '').split(' ');
  return Buffer.from(pair, 'base64').toString().split(':')[1] ?? '';
}

/** The configuration of these credentials, their secrets bound to their files, and how often each file is read. */
function configure(dir: string, credentials: string, url = 'https://issuer.example/token') {
  const reads = new Map<string, number>();
  const readFile = (path: string) => {
    reads.set(path, (reads.get(path) ?? 0) + 1);
    return readFileSync(path, 'utf8');
  };
  const yaml = `
server: { listen: "127.0.0.1:0", admin: "off" }
providers: { issuer: { token: { url: "${url}" } } }
credentials:
${credentials}
routes:
  /api: { upstream: "http://127.0.0.1:9", credential: acme }
`;
  const { config, problems } = load(yaml, { file: join(dir, 'routes.yaml'), env: {}, presets, readFile });
  if (config === undefined) throw new Error(JSON.stringify(problems));
  return { config, reads };
}

/** Files that have been looked at once, and what is told of them since. */
async function watch(dir: string, credentials: string) {
  const { config, reads } = configure(dir, credentials);
  const told: string[] = [];
  const files = new SecretFiles({
    entries: config.credentials,
    changed: (credential, names) => told.push(`${credential}: ${names.join(', ')} changed`),
    kept: (credential, name, reason) => told.push(`${credential}: ${name} kept: ${reason}`),
  });
  await files.look();
  expect(told).toEqual([]);
  reads.clear();
  return { config, files, reads, told };
}

/** A registry on a manual clock whose provider takes the secrets in `good`. */
async function open(dir: string, credentials: string, good: string[]) {
  const endpoint = await startTokenEndpoint((count, call) =>
    good.includes(secretOf(call))
      ? { json: answer(`t${count}`, 3600) }
      : { status: 401, json: { error: 'invalid_client' } },
  );
  closing(() => endpoint.close());
  const { config } = configure(dir, credentials, endpoint.url);
  const clock = new ManualClock();
  const told: string[] = [];
  const events: TokenEvents = {
    secretsChanged: ({ credential, names }) => told.push(`${credential}: ${names.join(', ')} changed`),
    secretKept: ({ credential, name, reason }) => told.push(`${credential}: ${name} kept: ${reason}`),
  };
  const store = createMemoryStore(() => clock.wall());
  const registry = createRegistry({ config, clock, store, events });
  closing(() => registry.close());
  return { endpoint, registry, clock, told };
}

const acme = '  acme: { provider: issuer, client_id: id, client_secret: "${file:secret}" }';

describe('a secret in a file', () => {
  it('is read again when the file has changed, and only then', async () => {
    const dir = scratch();
    writeFileSync(join(dir, 'secret'), 'one\n');
    const { files, reads, told } = await watch(dir, acme);
    for (let i = 0; i < 5; i++) await files.look();
    expect(reads.size).toBe(0);
    writeFileSync(join(dir, 'secret'), 'two\n');
    await files.look();
    await files.look();
    expect([...reads.values()]).toEqual([1]);
    expect(told).toEqual(['acme: client_secret changed']);
  });

  it('is not missed when it changes before the first look', async () => {
    const dir = scratch();
    writeFileSync(join(dir, 'secret'), 'one');
    const { config } = configure(dir, acme);
    writeFileSync(join(dir, 'secret'), 'two');
    const told: string[] = [];
    const files = new SecretFiles({
      entries: config.credentials,
      changed: (name) => told.push(name),
      kept: (name) => told.push(name),
    });
    await files.look();
    expect(told).toEqual(['acme']);
  });

  it('is noticed when a directory link is swapped, as Kubernetes does', async () => {
    const dir = scratch();
    for (const [version, text] of [
      ['v1', 'one'],
      ['v2', 'two'],
    ] as const) {
      mkdirSync(join(dir, version));
      writeFileSync(join(dir, version, 'secret'), text);
      utimesSync(join(dir, version, 'secret'), 1_000, 1_000);
    }
    symlinkSync('v1', join(dir, '..data'));
    symlinkSync('..data/secret', join(dir, 'secret'));
    const { files, told } = await watch(dir, acme);
    const { size, mtimeMs } = statSync(join(dir, 'secret'));
    symlinkSync('v2', join(dir, '..data_tmp'));
    renameSync(join(dir, '..data_tmp'), join(dir, '..data'));
    expect(statSync(join(dir, 'secret'))).toMatchObject({ size, mtimeMs });
    await files.look();
    expect(told).toEqual(['acme: client_secret changed']);
  });

  it('stays as it was while the file is empty or gone, which is told once', async () => {
    const dir = scratch();
    const path = join(dir, 'secret');
    writeFileSync(path, 'one');
    const { config, files, told } = await watch(dir, acme);
    writeFileSync(path, '');
    await files.look();
    files.readAll();
    rmSync(path);
    await files.look();
    files.readAll();
    expect(told.splice(0)).toEqual([
      'acme: client_secret kept: a secret was replaced by nothing',
      `acme: client_secret kept: cannot read the file ${path}: there is no such file`,
    ]);
    expect(revealed(config.credentials.acme as CredentialConfig)).toEqual(['one']);
    writeFileSync(path, 'two');
    await files.look();
    expect(told.splice(0)).toEqual(['acme: client_secret changed']);
    writeFileSync(path, '');
    await files.look();
    expect(told).toEqual(['acme: client_secret kept: a secret was replaced by nothing']);
  });

  it('is the key it was while the file holds half of another', async () => {
    const dir = scratch();
    const path = join(dir, 'key');
    const pem = () => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      return String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    };
    writeFileSync(path, pem());
    writeFileSync(join(dir, 'secret'), 'one');
    const robot = `  robot:
    provider: issuer
    grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer
    private_key: "\${file:key}"
    assertion_claims: { iss: me }`;
    const { files, told } = await watch(dir, `${acme}\n${robot}`);
    const next = pem();
    writeFileSync(path, next.slice(0, next.length / 2));
    await files.look();
    expect(told.splice(0)).toEqual(['robot: private_key kept: it is no private key, or not the whole of it']);
    writeFileSync(path, next);
    await files.look();
    expect(told).toEqual(['robot: private_key changed']);
  });

  it('may be that of several credentials, which all get the new text', async () => {
    const dir = scratch();
    writeFileSync(join(dir, 'secret'), 'one');
    const { files, told } = await watch(dir, `${acme}\n${acme.replace('acme', 'other')}`);
    writeFileSync(join(dir, 'secret'), 'two');
    await files.look();
    expect(told.sort()).toEqual(['acme: client_secret changed', 'other: client_secret changed']);
  });

  it('keeps the texts of the others when one cannot be read', async () => {
    const dir = scratch();
    writeFileSync(join(dir, 'secret'), 'one');
    writeFileSync(join(dir, 'second'), 'two');
    const both = acme.replace('"${file:secret}"', '["${file:secret}", "${file:second}"]');
    const { config, files, told } = await watch(dir, both);
    rmSync(join(dir, 'secret'));
    writeFileSync(join(dir, 'second'), 'three');
    await files.look();
    expect(revealed(config.credentials.acme as CredentialConfig)).toEqual(['one', 'three']);
    expect(told).toEqual([
      expect.stringMatching(/^acme: client_secret kept: cannot read/),
      'acme: client_secret changed',
    ]);
  });
});

describe('the TLS files of a credential', () => {
  it('are looked at too, and told by the key they are under', async () => {
    const dir = scratch();
    const ca = authority();
    closing(async () => ca.remove());
    const { cert, key } = ca.issue('client');
    writeFileSync(join(dir, 'secret'), 'one');
    const tls = `tls: { cert: "${cert}", key: "${key}" }`;
    const { files, told } = await watch(dir, acme.replace(' }', `, ${tls} }`));
    await files.look();
    expect(told).toEqual([]);
    ca.issue('client');
    await files.look();
    expect(told).toEqual(['acme: tls changed']);
  });
});

describe('a changed secret', () => {
  it('ends the block of a refused client on the next tick', async () => {
    const dir = scratch();
    writeFileSync(join(dir, 'secret'), 'one');
    const { endpoint, registry, clock, told } = await open(dir, acme, ['two']);
    await failure(() => registry.get('acme').acquire(), 'token-refused');
    expect(registry.view()[0]?.refresh).toBe('BLOCKED');
    writeFileSync(join(dir, 'secret'), 'two');
    await clock.advance(15_000);
    await until(() => told.length === 1);
    expect(registry.view()[0]?.refresh).toBe('IDLE');
    await registry.get('acme').acquire();
    expect(endpoint.calls.map(secretOf)).toEqual(['one', 'two']);
  });

  it('is used from the next token on, and keeps the one in force (R50)', async () => {
    const dir = scratch();
    writeFileSync(join(dir, 'secret'), 'one');
    const { endpoint, registry, clock, told } = await open(dir, acme, ['one', 'two']);
    const token = await registry.get('acme').acquire();
    writeFileSync(join(dir, 'secret'), 'two');
    await clock.advance(15_000);
    await until(() => told.length === 1);
    expect(now(registry.get('acme').acquire())).toBe(token);
    clock.step(hour);
    await registry.get('acme').acquire();
    expect(endpoint.calls.map(secretOf)).toEqual(['one', 'two']);
  });

  it('ends a wait after failures, though the token is still served (R50)', async () => {
    const dir = scratch();
    writeFileSync(join(dir, 'secret'), 'one');
    const { endpoint, registry, clock, told } = await open(dir, acme, ['one']);
    const token = await registry.get('acme').acquire();
    endpoint.script = () => ({ status: 503, headers: { 'retry-after': '600' }, json: {} });
    clock.step(token.hardAt);
    expect(await registry.get('acme').acquire()).toBe(token);
    expect(registry.view()[0]).toMatchObject({ refresh: 'BACKOFF', region: 'HARD' });
    writeFileSync(join(dir, 'secret'), 'two');
    await clock.advance(15_000);
    await until(() => told.length === 1);
    expect(registry.view()[0]).toMatchObject({ refresh: 'IDLE', region: 'HARD' });
  });

  it('is found at once when every secret is read again, whatever the file looks like', async () => {
    const dir = scratch();
    const path = join(dir, 'secret');
    writeFileSync(path, 'one');
    const { mtime } = statSync(path);
    const { registry, clock, told } = await open(dir, acme, ['two']);
    await failure(() => registry.get('acme').acquire(), 'token-refused');
    writeFileSync(path, 'two');
    utimesSync(path, mtime, mtime);
    registry.rereadSecrets();
    expect(told).toEqual(['acme: client_secret changed']);
    clock.step(1_000);
    expect(carried(await registry.get('acme').acquire())).toBe('t2');
    registry.rereadSecrets();
    expect(told.length).toBe(1);
  });
});
