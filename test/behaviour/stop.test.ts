import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';
import { rawRequest } from '../support/raw.ts';

describe('a stop', () => {
  let upstream: Server;
  let answers: ServerResponse[];
  let tokens: TokenServer;
  let proxy: Fixture;

  const launch = async (grace: string) => {
    proxy = await startCupbearer(`
server: { listen: "127.0.0.1:0", admin: "off", shutdown_grace: ${grace} }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: s } }
routes: { /u: { upstream: "http://127.0.0.1:${(upstream.address() as AddressInfo).port}", credential: c } }
`);
  };
  const get = () => rawRequest(proxy.port, 'GET /u/x HTTP/1.1\r\nHost: localhost\r\n\r\n');

  beforeEach(async () => {
    answers = [];
    upstream = createServer((_req, res) => {
      res.writeHead(200, { 'content-length': 4 });
      res.write('on');
      answers.push(res);
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    tokens = await tokenServer('T');
  });
  afterEach(async () => {
    await tokens.close();
    upstream.closeAllConnections();
    await new Promise((resolve) => upstream.close(resolve));
  });

  it('lets exchanges in progress end and accepts no others', async () => {
    await launch('30s');
    const answer = get();
    await expect.poll(() => answers.length).toBe(1);
    const stopped = proxy.stop();
    expect((await get()).status).toBe(0);
    answers[0]?.end('ce');
    expect((await answer).body).toBe('once');
    await stopped;
    expect(proxy.log()).not.toContain('were cut');
  });

  it('cuts exchanges that outlast the grace, and says so', async () => {
    await launch('100ms');
    const answer = get();
    await expect.poll(() => answers.length).toBe(1);
    await proxy.stop();
    expect((await answer).body).toBe('on');
    expect(proxy.log()).toContain('"connections":1');
  });

  it('cuts an answer without a length by a reset, so that an HTTP/1.0 caller knows', async () => {
    upstream.removeAllListeners('request').on('request', (_req, res) => res.write('on'));
    await launch('200ms');
    let isReset = false;
    const socket = connect(proxy.port, '127.0.0.1');
    socket.on('error', () => {
      isReset = true;
    });
    socket.write('GET /u/x HTTP/1.0\r\nHost: localhost\r\n\r\n');
    await once(socket, 'data');
    await Promise.all([once(socket, 'close').catch(() => undefined), proxy.stop()]);
    await expect.poll(() => isReset).toBe(true);
  });

  it('may be asked for twice', async () => {
    await launch('1s');
    await Promise.all([proxy.stop(), proxy.stop()]);
    expect((await get()).status).toBe(0);
  });
});
