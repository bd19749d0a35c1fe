import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadFile } from '../../src/config/load.ts';
import { renderProblem } from '../../src/config/problems.ts';
import { presets } from '../../src/provider/presets.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'cupbearer-config-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function write(name: string, content: string | Buffer): string {
  const path = join(directory, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}

function messages(path: string): string[] {
  return loadFile(path, { env: {}, presets }).problems.map(renderProblem);
}

const shortest =
  'credentials:\n  realer: { provider: realer, client_id: me, client_secret: "${file:realer.txt}" }\nroutes:\n  /realer: { credential: realer }\n';

describe.skipIf(process.platform === 'win32')('a file with a secret in it', () => {
  const written = `credentials:
  realer: { provider: realer, client_id: me, client_secret: "\${file:client}" }
  signed: { provider: p, client_id: me, private_key: "\${file:key}" }
  kept: { provider: p, client_id: me, private_key: "\${file:key}", grant_type: refresh_token, refresh_token: "\${NONE:-\${file:token}}" }
routes:
  /realer: { credential: realer }
  /signed: { credential: signed }
  /kept: { credential: kept }
providers: { p: { extends: realer, grant_types: [client_credentials, refresh_token], token: { client_auth: private_key_jwt } } }
callers: { app: { key: ["\${file:old caller}", "\${file:caller}"] } }
store: { url: "sqlite:sessions.db", key: "\${file:store}" }
`;
  const files = ['client', 'key', 'token', 'old caller', 'caller', 'store'];
  const text = (name: string): string => {
    if (name === 'store') return 'MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=';
    return name === 'key'
      ? generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
      : `the text of ${name}`;
  };
  const warnings = (path: string) =>
    loadFile(path, { env: {}, presets }).problems.map(({ level, line, message }) => [level, line, message]);

  it('is told when others may write it, with what to run', () => {
    const path = write('secrets.yaml', written);
    for (const name of files) chmodSync(write(name, text(name)), 0o666);
    const told = (line: number, name: string) => {
      const at = join(directory, name);
      const word = name.includes(' ') ? `'${at}'` : at;
      return ['warning', line, `others may write to the file ${at}; run: chmod o-w ${word}`];
    };
    expect(warnings(path)).toEqual([
      told(2, 'client'),
      told(3, 'key'),
      told(4, 'key'),
      told(4, 'token'),
      told(10, 'old caller'),
      told(10, 'caller'),
      told(11, 'store'),
    ]);
  });

  it('is not told when others may only read it, nor for the link that leads to it', () => {
    const path = write('secrets.yaml', written);
    for (const name of files) {
      rmSync(join(directory, name), { force: true });
      chmodSync(write(`${name}.0`, text(name)), 0o644);
      symlinkSync(`${name}.0`, join(directory, name));
    }
    expect(warnings(path)).toEqual([]);
  });
});

describe('a configuration file', () => {
  it('is read with the secrets that lie beside it', () => {
    write('realer.txt', 's3cr3t\n');
    const { config, problems } = loadFile(write('routes.yaml', shortest), { env: {}, presets });
    expect(problems).toEqual([]);
    const [secret] = [config?.credentials.realer?.client_secret].flat();
    expect(secret?.reveal()).toBe('s3cr3t');
    write('realer.txt', 'rotated\n');
    expect(secret?.reread()).toBe(true);
    expect(secret?.reveal()).toBe('rotated');
    rmSync(join(directory, 'realer.txt'));
    expect(() => secret?.reread()).toThrow(/realer\.txt: there is no such file/);
    expect(secret?.reveal()).toBe('rotated');
  });

  it('that is missing is told with the way to name another', () => {
    const path = join(directory, 'gone.yaml');
    expect(messages(path)).toEqual([
      `${path}: cannot read the configuration: there is no such file; name it with --config FILE or CUPBEARER_CONFIG\n`,
    ]);
  });

  it('that is a directory is told', () => {
    expect(messages(directory)).toEqual([`${directory}: cannot read the configuration: it is a directory\n`]);
  });

  it('that is empty is told', () => {
    const path = write('empty.yaml', '');
    expect(messages(path)).toEqual([`${path}: the file is empty; write credentials: and routes:\n`]);
  });

  it('that is not UTF-8 is told', () => {
    const latin1 = write('latin1.yaml', Buffer.from('# caf\xe9\n', 'latin1'));
    const utf16 = write('utf16.yaml', Buffer.from('\ufeff# a\n', 'utf16le'));
    for (const path of [latin1, utf16]) {
      expect(messages(path)).toEqual([`${path}: cannot read the configuration: it is not UTF-8 text\n`]);
    }
  });

  it('may begin with a byte order mark', () => {
    write('realer.txt', 's3cr3t');
    expect(messages(write('bom.yaml', `\ufeff${shortest}`))).toEqual([]);
  });

  it('whose secret file is a directory is told', () => {
    mkdirSync(join(directory, 'folder'));
    const [message] = messages(write('dir.yaml', shortest.replace('realer.txt', 'folder')));
    expect(message).toContain(`:2:61: cannot read the file ${directory}/folder: it is a directory\n`);
  });
});

describe('TLS files', () => {
  const route = (tls: string) =>
    `credentials:\n  r: { provider: realer, client_id: a, client_secret: b }\nroutes:\n  /r:\n    credential: r\n    tls: ${tls}\n`;

  beforeAll(() => {
    for (const name of ['one', 'two']) {
      const out = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
      const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
      execFileSync('openssl', [...request, ...out, '-subj', '/CN=test', '-days', '1'], {
        cwd: directory,
        stdio: 'ignore',
      });
    }
  });

  it('lie beside the configuration and get absolute paths', () => {
    const path = write('tls.yaml', route('{ ca: one.pem, cert: one.pem, key: ./one.key }'));
    const { config, problems } = loadFile(path, { env: {}, presets });
    expect(problems).toEqual([]);
    expect(config?.routes[0]?.tls).toEqual({
      ca: join(directory, 'one.pem'),
      cert: join(directory, 'one.pem'),
      key: join(directory, 'one.key'),
    });
  });

  it.each([
    ['no certificate', 'there is no certificate', () => ''],
    ['a cut one', 'a certificate has no end or no beginning', (pem: string) => pem.slice(0, -40)],
    ['nonsense in one', 'a block is not a certificate', (pem: string) => pem.replace(/\nMI.{20}/, '\n')],
  ])('are refused when those of authorities have %s', (_, fault, change) => {
    const pem = readFileSync(join(directory, 'one.pem'), 'utf8');
    write('ca.pem', change(pem));
    const [message, ...others] = messages(write('tls.yaml', route('{ ca: ca.pem }')));
    expect(message).toContain(`:6:16: the file of authorities is unusable: ${fault}; `);
    expect(others).toEqual([]);
  });

  it('are told when others may write them', () => {
    const path = write('tls.yaml', route('{ ca: one.pem, cert: one.pem, key: one.key }'));
    const at = join(directory, 'one.key');
    chmodSync(at, 0o646);
    const told = messages(path);
    chmodSync(at, 0o600);
    expect(told).toEqual([
      expect.stringMatching(`:6:\\d+: warning: others may write to the file ${at}; run: chmod o-w ${at}\\n`),
    ]);
  });

  it('are refused when the key is that of another certificate', () => {
    const [message] = messages(write('tls.yaml', route('{ cert: one.pem, key: two.key }')));
    expect(message).toMatch(/:6:5: these files make no TLS identity \(ERR_OSSL_X509_KEY_VALUES_MISMATCH\)/);
  });

  it('are refused when the key comes alone', () => {
    const [message] = messages(write('tls.yaml', route('{ key: one.key }')));
    expect(message).toMatch(/:6:17: key needs cert: the file of its certificate\n/);
  });
});
