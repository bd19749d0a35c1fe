import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTokenHttp, type TokenHttp } from '../../src/token/http.ts';
import { type Authority, authority } from '../support/client-certificate.ts';
import { until } from './setting.ts';

/** A token endpoint that asks for a client certificate of its own authority and answers with the name on it. */
describe('TLS towards a token endpoint', () => {
  let ca: Authority;
  let stranger: Authority;
  let one: { cert: string; key: string };
  let two: { cert: string; key: string };
  let foreign: { cert: string; key: string };
  let server: Server;
  let url: string;
  let requests: number;
  let held: (() => void)[];
  let dir: string;
  let http: TokenHttp;

  beforeAll(() => {
    ca = authority();
    stranger = authority();
    [one, two] = [ca.issue('one'), ca.issue('two')];
    foreign = stranger.issue('foreign');
  });
  afterAll(() => {
    ca.remove();
    stranger.remove();
  });

  beforeEach(async () => {
    requests = 0;
    held = [];
    dir = mkdtempSync(join(tmpdir(), 'cupbearer-tls-files-'));
    http = createTokenHttp();
    const { cert, key } = ca.issue('server');
    const identity = { cert: readFileSync(cert), key: readFileSync(key), ca: ca.cert };
    server = createServer({ ...identity, requestCert: true, rejectUnauthorized: true });
    server.on('request', async (request, response) => {
      requests++;
      const { CN } = (request.socket as TLSSocket).getPeerCertificate().subject;
      if (request.url === '/held') await new Promise<void>((resolve) => held.push(resolve));
      response.end(String(CN));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `https://localhost:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    await http.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(dir, { recursive: true });
  });

  /** The files as a credential names them; another identity can be put in their place. */
  function files(identity: { cert: string; key: string }) {
    const tls = { ca: join(dir, 'ca.pem'), cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') };
    copyFileSync(ca.path, tls.ca);
    const put = (name: 'cert' | 'key', from: string) => {
      copyFileSync(from, `${tls[name]}.new`);
      renameSync(`${tls[name]}.new`, tls[name]);
    };
    put('cert', identity.cert);
    put('key', identity.key);
    return { tls, put };
  }

  const send = (path: string, tls?: Parameters<TokenHttp['send']>[2]) =>
    http.send(
      { method: 'POST', url: url + path, headers: [], body: 'x=1' },
      new AbortController().signal,
      tls,
    );

  it('presents the credential’s certificate (RFC 8705 §2)', async () => {
    expect(await send('/', files(one).tls)).toMatchObject({ status: 200, body: 'one' });
    expect(await send('/', { ca: ca.path, ...two })).toMatchObject({ status: 200, body: 'two' });
  });

  it('changes to a new certificate with the next request, while one in progress ends with the old', async () => {
    const { tls, put } = files(one);
    const first = send('/held', tls);
    await until(() => held.length === 1);
    put('cert', two.cert);
    put('key', two.key);
    expect(await send('/', tls)).toMatchObject({ body: 'two' });
    held[0]?.();
    expect(await first).toMatchObject({ body: 'one' });
  });

  it('keeps the identity it has while the new one is half there', async () => {
    const { tls, put } = files(one);
    expect(await send('/', tls)).toMatchObject({ body: 'one' });
    put('cert', two.cert);
    expect(await send('/', tls)).toMatchObject({ body: 'one' });
    writeFileSync(tls.key, readFileSync(two.key, 'utf8').slice(0, 60));
    expect(await send('/', tls)).toMatchObject({ body: 'one' });
    rmSync(tls.key);
    expect(await send('/', tls)).toMatchObject({ body: 'one' });
    put('key', two.key);
    expect(await send('/', tls)).toMatchObject({ body: 'two' });
  });

  it('makes one connection a request, also with a certificate', async () => {
    let connections = 0;
    server.on('secureConnection', () => connections++);
    const { tls } = files(one);
    for (let i = 0; i < 3; i++) await send('/', tls);
    expect(connections).toBe(3);
  });

  it.each([
    ['files that are not there', { cert: '/nowhere/cert.pem', key: '/nowhere/key.pem' }, 'ENOENT'],
    [
      'a key of another certificate',
      () => ({ cert: one.cert, key: two.key }),
      'ERR_OSSL_X509_KEY_VALUES_MISMATCH',
    ],
    ['a file that is no PEM', () => ({ cert: one.cert, key: ca.path }), 'ERR_OSSL'],
  ])('says what is wrong with %s, and sends nothing', async (_, tls, code) => {
    const failure = await send('/', typeof tls === 'function' ? tls() : tls);
    expect(failure).toMatchObject({ kind: 'config', error: 'configuration-invalid', unsent: true });
    expect(failure).toHaveProperty(
      'detail',
      expect.stringContaining('tls.cert, tls.key: these files cannot be used'),
    );
    expect(failure).toHaveProperty('detail', expect.stringContaining(code));
    expect(requests).toBe(0);
  });

  it('says what to look at when the server hangs up on the certificate', async () => {
    const failure = await send('/', { ca: ca.path, ...foreign });
    expect(failure).toMatchObject({ kind: 'transient' });
    expect(failure).toHaveProperty('detail', expect.stringContaining('check tls.cert and tls.key'));
    expect(requests).toBe(0);
  });

  it('sends nothing to a server that wants a certificate when it has none', async () => {
    expect(await send('/', { ca: ca.path })).toMatchObject({ kind: 'transient' });
    expect(requests).toBe(0);
  });

  it.each([
    ['without ca', () => ({ ...one })],
    ['with another ca', () => ({ ca: stranger.path, ...one })],
  ])('trusts no private authority %s', async (_, tls) => {
    const failure = await send('/', tls());
    expect(failure).toMatchObject({ kind: 'transient', unsent: true });
    expect(failure).toHaveProperty('detail', expect.stringContaining('check tls.ca'));
    expect(requests).toBe(0);
  });
});
