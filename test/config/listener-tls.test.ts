import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadFile } from '../../src/config/load.ts';
import { type Authority, authority } from '../support/client-certificate.ts';

describe('server.tls', () => {
  let ca: Authority;
  let directory: string;
  beforeAll(() => {
    ca = authority();
    ca.issue('one');
    ca.issue('two');
    directory = mkdtempSync(join(tmpdir(), 'cupbearer-tls-'));
  });
  afterAll(() => {
    ca.remove();
    rmSync(directory, { recursive: true });
  });

  const read = (server: string, dir = ca.dir) => {
    const file = join(dir, 'routes.yaml');
    writeFileSync(
      file,
      `
server: ${server}
providers: { p: { token: { url: "https://id.test/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: s } }
routes: { /u: { upstream: "https://up.test", credential: c } }
`,
      { mode: 0o600 },
    );
    const { config, problems } = loadFile(file, { env: {}, presets: {} });
    return { config, told: problems.map(({ path, level, message }) => `${level} ${path}: ${message}`) };
  };

  it('finds its files beside the configuration and gives their absolute paths', () => {
    const { config, told } = read('{ tls: { cert: one.pem, key: one.key, client_ca: ca.pem } }');
    expect(told).toEqual([]);
    expect(config?.server.tls).toEqual({
      cert: join(ca.dir, 'one.pem'),
      key: join(ca.dir, 'one.key'),
      client_ca: join(ca.dir, 'ca.pem'),
    });
    expect(read('{ listen: "unix:/run/proxy.sock", tls: { cert: one.pem, key: one.key } }').told).toEqual([]);
  });

  it.each([
    [
      '{ tls: { cert: none.pem, key: one.key } }',
      /^error server\.tls\.cert: cannot read the file: there is no such file/,
    ],
    [
      '{ tls: { cert: one.pem, key: two.key } }',
      /^error server\.tls: these files make no TLS identity \(ERR_OSSL_X509_KEY_VALUES_MISMATCH\)/,
    ],
    ['{ tls: { cert: one.key, key: one.key } }', /^error server\.tls: these files make no TLS identity/],
    ['{ tls: { cert: one.pem } }', /^error server\.tls: .*`?key`? is missing/],
    ['{ tls: { cert: one.pem, key: one.key, ca: ca.pem } }', /^error server\.tls\.ca: unknown key/],
  ])('refuses %s', (server, message) => {
    const { config, told } = read(server);
    expect(told).toEqual([expect.stringMatching(message)]);
    expect(config).toBeUndefined();
  });

  describe('client_ca', () => {
    const told = (text: string) => {
      writeFileSync(join(ca.dir, 'clients.pem'), text);
      return read('{ tls: { cert: one.pem, key: one.key, client_ca: clients.pem } }').told;
    };
    const two = () => `# first\n${ca.cert}\n# second\r\n${ca.cert.replaceAll('\n', '\r\n')}# end\n`;

    it('may hold several certificates with comments', () => {
      expect(told(two())).toEqual([]);
    });

    it('is refused wherever it is cut within a certificate', () => {
      const pem = ca.cert + ca.cert.trimEnd();
      for (let end = 0; end < pem.length; end++) {
        // Behind a whole certificate nothing shows that there was more.
        const isWhole = end === ca.cert.length || end === ca.cert.length - 1;
        const expected = /^error server\.tls\.client_ca: the file of authorities is unusable: /;
        expect(told(pem.slice(0, end)), `cut at ${end}`).toEqual(
          isWhole ? [] : [expect.stringMatching(expected)],
        );
      }
    });

    it.each([
      ['garbage', () => 'garbage'],
      ['a private key', () => readFileSync(join(ca.dir, 'one.key'), 'utf8')],
      ['a certificate that loses its end to the next', () => ca.cert.slice(0, 300) + ca.cert],
      ['a certificate without its beginning', () => ca.cert + ca.cert.slice(300)],
      ['a certificate of nonsense', () => `${ca.cert}${ca.cert.replace(/\nMI.{20}/, '\n')}`],
      ['a certificate that does not begin its line', () => ` ${ca.cert}${ca.cert}`],
    ])('is refused for %s', (_, text) => {
      expect(told(text())).toEqual([
        expect.stringMatching(/^error server\.tls\.client_ca: the file of auth/),
      ]);
    });
  });

  it('warns of a private key that others may write to', () => {
    chmodSync(join(ca.dir, 'two.key'), 0o602);
    const { config, told } = read('{ tls: { cert: two.pem, key: two.key } }');
    expect(told).toEqual([expect.stringMatching(/^warning server\.tls\.key: others may write to the file/)]);
    expect(config).toBeDefined();
  });

  it('lets a listener beyond loopback do without callers when it asks them for a certificate', () => {
    const files = 'cert: one.pem, key: one.key';
    expect(read(`{ listen: "0.0.0.0:8080", tls: { ${files} } }`).told).toEqual([
      expect.stringMatching(/^error server\.listen: beyond loopback everyone/),
    ]);
    expect(read(`{ listen: "0.0.0.0:8080", tls: { ${files}, client_ca: ca.pem } }`).told).toEqual([]);
  });
});
