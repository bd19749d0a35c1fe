import { createSecureServer } from 'node:http2';
import { type AddressInfo, createServer as createPlainServer, type Server } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type BadCertificates, badCertificates, type Kind } from '../support/bad-certificates.ts';
import { type BlackHole, blackHole } from '../support/black-hole.ts';
import { certificate } from '../support/certificate.ts';
import { type Authority, authority } from '../support/client-certificate.ts';
import { fakeNames, type Names } from '../support/names.ts';
import { startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts';
import { checkOnline } from './online.ts';

let certificates: BadCertificates;
let ours: Authority;
let hole: BlackHole;
let names: Names;
let tokens: TokenEndpoint;
const servers: Server[] = [];
/** Everything that upstreams were sent. */
let received = '';

beforeAll(async () => {
  certificates = badCertificates();
  ours = authority();
  hole = await blackHole();
  names = fakeNames();
  tokens = await startTokenEndpoint();
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  expect(received).toBe('');
});
afterAll(async () => {
  certificates.remove();
  ours.remove();
  names.restore();
  await Promise.all([hole.close(), tokens.close()]);
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** A TLS server that keeps what it is sent; as lax as OpenSSL can be. */
function secure(options: TlsOptions): Promise<number> {
  const server = createServer({ ciphers: 'DEFAULT@SECLEVEL=0', ...options }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
    });
  });
  server.on('tlsClientError', () => {});
  return listening(server);
}

function routesTo(...routes: string[]): string {
  return `
providers: { acme: { token: { url: "${tokens.url}" } } }
credentials: { acme: { provider: acme, client_id: me, client_secret: S3CR3T-of-the-client } }
routes:
${routes.map((route, i) => `  /r${i}: { credential: acme, ${route} }`).join('\n')}
`;
}

async function checked(route: string, ...args: string[]) {
  const { code, err, upstreams } = await checkOnline(routesTo(route), ...args);
  const [one] = upstreams ?? [];
  if (one === undefined) throw new Error(`no upstream was checked: ${err}`);
  return { ...one, code };
}

const trusting = () => `tls: { ca: ${certificates.root} }`;

describe('check --online, of an upstream', () => {
  it('says who issued its certificate and how long it is good, and sends nothing', async () => {
    const port = await secure(certificates.pairs.good);
    const one = await checked(`upstream: "https://localhost:${port}", ${trusting()}`);
    expect(one).toMatchObject({
      code: 0,
      result: 'ok',
      upstream: `https://localhost:${port}`,
      routes: ['/r0'],
      address: '127.0.0.1',
      tls: {
        version: 'TLSv1.3',
        subject: 'localhost, 127.0.0.1',
        issuer: 'root',
        valid_to: '2090-01-01T00:00:00.000Z',
      },
    });
    expect(one.tls?.days_left).toBeGreaterThan(20_000);
    expect(one.detail).toBe(`TLSv1.3, certificate of root for ${one.tls?.days_left} days`);
  });

  it('warns of a certificate that ends soon', async () => {
    const pair = certificate();
    try {
      const port = await secure(pair);
      const one = await checked(`upstream: "https://localhost:${port}", tls: { ca: ${pair.path} }`);
      expect(one).toMatchObject({ code: 0, result: 'warning', tls: { days_left: 1 } });
      expect(one.warnings).toEqual(['its certificate ends in 1 day']);
    } finally {
      pair.remove();
    }
  });

  it.each<[Kind, RegExp, RegExp]>([
    ['expired', /has expired/, /operator must renew/],
    ['not yet valid', /not valid yet/, /clock/],
    ['for another host', /for another host/, /check the host/],
    ['of an unknown authority', /authority.*unknown/, /tls\.ca/],
    ['without its intermediate', /intermediate/, /tls\.ca/],
    ['signed by itself', /signed by itself/, /tls\.ca/],
    ['with a weak key', /too weak/, /renew/],
    ['with a weak signature', /too weak/, /renew/],
  ])('refuses a certificate %s', async (kind, detail, todo) => {
    const port = await secure(certificates.pairs[kind]);
    const one = await checked(`upstream: "https://localhost:${port}", ${trusting()}`);
    expect(one).toMatchObject({ code: 1, result: 'failed', error: { code: 'upstream-certificate' } });
    expect(one.detail).toMatch(detail);
    expect(one.what_to_do).toMatch(todo);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'says that a client certificate is missing, with %s, and takes a good one',
    async (version) => {
      const port = await secure({
        ...certificates.pairs.good,
        ca: ours.cert,
        requestCert: true,
        rejectUnauthorized: true,
        maxVersion: version,
        minVersion: version,
      });
      const upstream = `upstream: "https://localhost:${port}"`;
      const without = await checked(`${upstream}, ${trusting()}`);
      expect(without).toMatchObject({ code: 1, result: 'failed' });
      expect(without.what_to_do).toMatch(/client certificate, set tls\.cert and tls\.key/);
      const { cert, key } = ours.issue(`client-${version}`);
      const tls = `tls: { ca: ${certificates.root}, cert: ${cert}, key: ${key} }`;
      expect(await checked(`${upstream}, ${tls}`)).toMatchObject({ code: 0, result: 'ok', tls: { version } });
    },
  );

  it('says whether HTTP/2 was agreed on where the route wants it', async () => {
    const server = createSecureServer({ ...certificates.pairs.good, allowHTTP1: true });
    const both = await listening(server as unknown as Server);
    const spoken = await checked(`upstream: "https://localhost:${both}", http2: true, ${trusting()}`);
    expect(spoken).toMatchObject({ result: 'ok', tls: { alpn: 'h2' } });
    expect(spoken.detail).toContain('HTTP/2');
    const one = await secure({ ...certificates.pairs.good, ALPNProtocols: ['http/1.1'] });
    const unspoken = await checked(`upstream: "https://localhost:${one}", http2: true, ${trusting()}`);
    expect(unspoken).toMatchObject({ code: 0, result: 'warning', tls: { alpn: 'http/1.1' } });
    expect(unspoken.warnings).toEqual([expect.stringMatching(/http2 is true/)]);
  });

  it('says that a port does not speak TLS', async () => {
    const port = await listening(
      createPlainServer((socket) => socket.on('error', () => {}).end('hello\r\n')),
    );
    const one = await checked(`upstream: "https://localhost:${port}"`);
    expect(one.result).toBe('failed');
    expect(one.what_to_do).toMatch(/scheme and port/);
  });

  it.each([
    ['a name that does not resolve', 'https://nowhere.invalid', 'upstream-not-found', /DNS/],
    ['a closed port', 'http://127.0.0.1:1', 'upstream-unreachable', /that it runs/],
    ['a name of the metadata service', 'https://meta.example', 'upstream-address-refused', /host and DNS/],
  ])('says what is wrong with %s', async (_, upstream, code, todo) => {
    names.set('meta.example', ['169.254.169.254']);
    const one = await checked(`upstream: "${upstream}"`);
    expect(one).toMatchObject({ code: 1, result: 'failed', error: { code } });
    expect(one.what_to_do).toMatch(todo);
  });

  it('waits for a connection no longer than the route and --timeout say', async () => {
    const route = `upstream: "http://127.0.0.1:${hole.port}"`;
    for (const [more, ...args] of [[', timeout: { connect: 200ms }'], ['', '--timeout', '200ms']] as const) {
      const one = await checked(route + more, ...args);
      expect(one).toMatchObject({ result: 'failed', error: { code: 'upstream-connect-timeout' } });
      expect(one.ms).toBeLessThan(2_500);
    }
  });

  it('connects once for routes that connect alike', async () => {
    let connections = 0;
    const port = await listening(
      createPlainServer((socket) => {
        connections++;
        socket.on('data', (chunk) => {
          received += chunk.toString('latin1');
        });
      }),
    );
    const upstream = `upstream: "http://127.0.0.1:${port}`;
    const { upstreams } = await checkOnline(
      routesTo(`${upstream}"`, `${upstream}/v2"`, `${upstream}", timeout: { connect: 1s }`),
    );
    expect(upstreams.map(({ routes, detail }) => [routes, detail])).toEqual([
      [['/r0', '/r1'], 'connected, without TLS'],
      [['/r2'], 'connected, without TLS'],
    ]);
    expect(connections).toBe(2);
  });
});
