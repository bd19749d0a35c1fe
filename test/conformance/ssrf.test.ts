import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { load } from '../../src/config/load.ts';
import { presets } from '../../src/provider/presets.ts';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';
import { fakeNames, type Names } from '../support/names.ts';
import { type RawUpstream, rawUpstream, values } from '../support/raw.ts';
import { receive } from '../support/raw-caller.ts';
import { useSetting } from './setting.ts';

const get = 'GET /api/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

describe('S: redirects and what an upstream shows', () => {
  const s = useSetting();
  let evil: RawUpstream;
  beforeEach(async () => {
    evil = await rawUpstream();
  });
  afterEach(() => evil.close());

  it.each(
    ['/api', '/api2'].flatMap((route) => [301, 302, 303, 307, 308].map((status) => [route, status] as const)),
  )('S1 %s: %i is passed on and not followed', async (route, status) => {
    const location = `http://127.0.0.1:${evil.port}/steal`;
    s.answer = () => `HTTP/1.1 ${status} Moved\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
    s.answer2 = s.answer;
    for (const method of ['GET', 'POST']) {
      const response = await s.send(`${method} ${route}/x`);
      expect([response.status, values(response, 'location')]).toEqual([status, [location]]);
    }
    expect(evil.accepted).toBe(0);
    expect((route === '/api' ? s.up : s.up2).requests).toHaveLength(2);
  });

  it.each(['Refresh: 0; url=', 'Link: <', 'Content-Location: ', 'Alt-Svc: h2="'])(
    'S1 no other field (%s) has anything asked of another host',
    async (field) => {
      s.answer = () =>
        `HTTP/1.1 200 OK\r\n${field}http://127.0.0.1:${evil.port}/\r\nContent-Length: 0\r\n\r\n`;
      expect((await s.send('GET /api/x')).status).toBe(200);
      expect((await s.send('GET /api/x')).status).toBe(200);
      expect(evil.accepted).toBe(0);
    },
  );

  it('S11 an upstream that echoes what it is sent shows the token to the caller, which is trusted with it', async () => {
    s.answer = (request) => {
      const body = request.fields.map((field) => field.join(': ')).join('\n');
      return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    };
    expect((await s.send('GET /api/headers')).body).toContain('Authorization: Bearer SENT-T1');
  });

  it.each(['/api', '/api2', '/nowhere'])('S11 TRACE %s is refused: it would be echoed', async (path) => {
    expect((await s.send(`TRACE ${path}/x`)).status).toBe(405);
    expect([s.up.accepted, s.up2.accepted]).toEqual([0, 0]);
  });
});

describe('S4 an upstream in the configuration', () => {
  const problemOf = (upstream: string, more = '', listen = '127.0.0.1:8080') =>
    load(
      `
server: { listen: "${listen}", admin: "off", allow_anonymous: true }
credentials: { c: { provider: realer, client_id: id, client_secret: x } }
routes: { /api: { credential: c, upstream: '${upstream}' ${more} } }
`,
      { file: 'routes.yaml', env: {}, presets },
    ).problems.map(({ path, message }) => `${path}: ${message}`);

  it.each([
    ['http://169.254.169.254', /link-local/],
    ['https://169.254.169.254/latest', /link-local/],
    ['https://169.254.0.1', /link-local/],
    ['http://2852039166', /link-local/],
    ['http://0xA9FEA9FE', /link-local/],
    ['http://0251.0376.0251.0376', /link-local/],
    ['http://169.254.43518', /link-local/],
    ['https://[fe80::1]', /link-local/],
    ['https://[febf::1]', /link-local/],
    ['https://[fe80::1%25eth0]', /not a URL/],
    ['https://[fd00:ec2::254]', /link-local/],
    ['https://[::ffff:169.254.169.254]', /IPv4 address/],
    ['https://[64:ff9b::169.254.169.254]', /link-local/],
    ['https://[2002:a9fe:a9fe::1]', /link-local/],
    ['https://[::169.254.169.254]', /link-local/],
    ['https://metadata.google.internal', /link-local/],
    ['https://METADATA.google.internal', /link-local/],
    ['https://metadata.google.internal.', /dot/],
    ['https://up.test.', /dot/],
    ['https://up.test.:443', /dot/],
    ['https://[::ffff:127.0.0.1]', /IPv4 address/],
    ['https://[::ffff:7f00:1]', /IPv4 address/],
    ['https://user:pw@up.test', /user and password/],
    ['https://user@up.test', /user and password/],
    ['https://@up.test', /user and password/],
    ['https://up.test@evil.test', /user and password/],
    ['https://up.test\\@evil.test', /backslash/],
    ['https:\\\\up.test', /backslash/],
    ['https://up.test/\\evil.test', /backslash/],
    ['https:/up.test', /two slashes/],
    ['https:///up.test', /host/],
    ['//evil.test', /empty segment|https/],
    ['https://up.test#@evil.test', /fragment/],
    ['https://up.test?@evil.test', /user and password|query/],
    ['http://0x7f.1', /uncommon.*127\.0\.0\.1/],
    ['http://2130706433', /uncommon.*127\.0\.0\.1/],
    ['http://127.1', /uncommon.*127\.0\.0\.1/],
    ['http://017700000001', /uncommon.*127\.0\.0\.1/],
    ['https://%75p.test', /uncommon.*up\.test/],
    ['https://up。test', /uncommon.*up\.test/],
    ['https://ｕp.test', /uncommon.*up\.test/],
    ['https://[0:0:0:0:0:0:0:1]', /uncommon.*\[::1\]/],
    ['https://up.test:99999', /not a URL/],
    ['https://up .test', /spaces/],
    ['https://up.test/a/../b', /dot segment/],
    ['https://up.test/%2e%2e/b', /dot segment/],
    ['https://up.test/a%2fb', /encoded slash/],
    ['ftp://up.test', /http:\/\/ and https:\/\//],
    ['file:///etc/passwd', /http:\/\/ and https:\/\//],
    ['http://up.test', /allow_insecure/],
    ['http://10.0.0.1', /allow_insecure/],
    ['http://localhost.evil.test', /allow_insecure/],
    ['http://127.0.0.1.evil.test', /allow_insecure/],
    ['http://0.0.0.0:9', /allow_insecure/],
  ])('%s is refused', (upstream, why) => {
    expect(problemOf(upstream)).toEqual([expect.stringMatching(why)]);
    // No flag makes another address than a plain http:// one good.
    const flagged = problemOf(upstream, ', allow_insecure: true');
    expect(flagged).toHaveLength(/allow_insecure/.test(String(why)) ? 0 : 1);
  });

  it.each([
    'https://up.test',
    'https://UP.test:8443/v1/acme',
    'http://localhost:9',
    'http://[::1]:9',
    'http://127.0.0.2:9',
    'https://10.0.0.1',
    'https://xn--mnchen-3ya.test',
  ])('%s is good', (upstream) => {
    expect(problemOf(upstream)).toEqual([]);
  });

  it.each([
    ['http://127.0.0.1:8080', '127.0.0.1:8080'],
    ['http://localhost:8080/api', '127.0.0.1:8080'],
    ['http://api.localhost:8080', '127.0.0.1:8080'],
    ['https://localhost:8080', 'localhost:8080'],
    ['http://[::1]:8080', '[::1]:8080'],
    ['http://127.0.0.1:8080', '0.0.0.0:8080'],
    ['http://127.9.9.9:8080', '0.0.0.0:8080'],
    ['http://[::1]:8080', '[::]:8080'],
    ['https://0.0.0.0:8080', '127.0.0.1:8080'],
  ])('S10 %s is refused for a listener at %s: it is itself', (upstream, listen) => {
    expect(problemOf(upstream, '', listen)).toEqual([expect.stringMatching(/own listener/)]);
  });
});

describe('S: where a name leads', () => {
  let names: Names;
  let tokens: TokenServer;
  let proxy: Fixture | undefined;
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  const serving = async (onSocket: (socket: Socket) => void) => {
    const server = createServer((socket) => {
      sockets.add(socket.on('error', () => {}));
      onSocket(socket);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  };
  const start = async (upstream: string) => {
    proxy = await startCupbearer(`
server: { listen: "127.0.0.1:0", admin: "off" }
providers: { p: { token: { url: "${tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: SENT-CLIENT } }
routes: { /api: { upstream: "${upstream}", credential: c, timeout: { connect: 1s } } }
`);
    return proxy.port;
  };
  beforeEach(async () => {
    names = fakeNames();
    tokens = await tokenServer('SENT-T');
  });
  afterEach(async () => {
    await proxy?.stop();
    for (const socket of sockets) socket.destroy();
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
    await tokens.close();
    names.restore();
  });

  it.each([
    ['169.254.169.254'],
    ['169.254.170.2'],
    ['fe80::1'],
    ['fd00:ec2::254'],
    ['::ffff:169.254.169.254'],
    ['64:ff9b::a9fe:a9fe'],
    ['169.254.169.254', 'fe80::1'],
  ])('S4 to %s alone, it is not connected to', async (...addresses) => {
    names.set('up.localhost', addresses);
    for (const scheme of ['http', 'https']) {
      const port = await start(`${scheme}://up.localhost:9`);
      const { status, text } = await receive(port, get);
      expect(status).toBe(502);
      expect(text).toContain('urn:cupbearer:problem:upstream-address-refused');
      expect(text).toContain('error=destination_ip_prohibited');
      expect(text).not.toContain('SENT-');
      await proxy?.stop();
    }
  });

  it('S4 to other addresses as well, those alone are connected to', async () => {
    const port = await serving((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    names.set('up.localhost', ['169.254.169.254', '127.0.0.1', 'fe80::1']);
    expect((await receive(await start(`http://up.localhost:${port}`), get)).status).toBe(200);
  });

  it('S10 back to Cupbearer by a way round, the loop ends at its first turn', async () => {
    let own = 0;
    let turns = 0;
    const port = await serving((socket) => {
      turns++;
      const back = connect(own, '127.0.0.1');
      sockets.add(back.on('error', () => {}));
      socket.pipe(back).pipe(socket);
    });
    own = await start(`http://127.0.0.1:${port}/api`);
    const { status, text } = await receive(own, get);
    expect([status, turns]).toEqual([508, 1]);
    expect(text).toContain('urn:cupbearer:problem:loop-detected');
  });
});
