import { createHash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { earlyRefusal } from '../support/early.ts';
import { startCupbearer } from '../support/fixture.ts';
import { ok, type RawRequest, rawRequest, values } from '../support/raw.ts';
import { expectNoSecret, useSetting } from './setting.ts';

const refused =
  'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error="invalid_token"\r\nContent-Length: 7\r\n\r\nrefused';
const bearer = (request: RawRequest) => values(request, 'authorization')[0];
const digest = (body: Buffer) => createHash('sha256').update(body).digest('hex');

describe('A: 401, retry and tokens', () => {
  const s = useSetting({ route: ', replay_limit: 1MiB' });
  /** The first token, some seconds old by now, is refused from here on. */
  const refuseFirstToken = async () => {
    await s.warm();
    s.answer = (request) => (bearer(request) === 'Bearer SENT-T1' ? refused : ok);
  };
  const post = (path: string, body: Buffer, chunked = false) =>
    chunked
      ? s.send(`POST ${path}`, ['Transfer-Encoding: chunked'], chunks(body))
      : s.send(`POST ${path}`, [`Content-Length: ${body.length}`], body);

  it('A1 recovers once: the same request again with a new token', async () => {
    await refuseFirstToken();
    const response = await post('/api/x?q=1', Buffer.from('payload'));
    expect(response.status).toBe(200);
    expect(s.up.requests.map((r) => [r.method, r.target, r.body.toString(), bearer(r)])).toEqual([
      ['POST', '/v1/acme/x?q=1', 'payload', 'Bearer SENT-T1'],
      ['POST', '/v1/acme/x?q=1', 'payload', 'Bearer SENT-T2'],
    ]);
    expect(s.tokens.calls).toBe(2);
    expectNoSecret(response);
  });

  it('A3 asks the upstream once when the renewed token is the same', async () => {
    s.tokens.answer = () => ({ body: { access_token: 'SENT-T1', expires_in: 3600 } });
    await refuseFirstToken();
    const response = await s.send('GET /api/x');
    expect([response.status, response.body]).toEqual([401, 'refused']);
    expect(s.up.requests).toHaveLength(1);
  });

  it('A4 replays a body of 1 MiB byte for byte', async () => {
    await refuseFirstToken();
    const body = randomBytes(1024 * 1024);
    expect((await post('/api/x', body)).status).toBe(200);
    expect(s.up.requests.map((r) => [digest(r.body), values(r, 'content-length')])).toEqual(
      Array(2).fill([digest(body), [String(body.length)]]),
    );
  });

  it('A5 streams a body over the limit and passes the 401 through, but renews for the next request', async () => {
    await refuseFirstToken();
    const response = await post('/api/x', randomBytes(1024 * 1024 + 1));
    expect([response.status, response.body]).toEqual([401, 'refused']);
    expect(s.up.requests).toHaveLength(1);
    expect((await s.send('GET /api/x')).status).toBe(200);
    expect(s.up.requests.map(bearer)).toEqual(['Bearer SENT-T1', 'Bearer SENT-T2']);
  });

  it('A6 loses no byte of a chunked body that crosses the limit on its way', async () => {
    const body = randomBytes(3 * 1024 * 1024);
    expect((await post('/api/x', body, true)).status).toBe(200);
    expect(digest(s.up.requests[0]!.body)).toBe(digest(body));
  });

  it('A6 replays a chunked body within the limit', async () => {
    await refuseFirstToken();
    const body = randomBytes(300_000);
    expect((await post('/api/x', body, true)).status).toBe(200);
    expect(s.up.requests.map((r) => digest(r.body))).toEqual([digest(body), digest(body)]);
  });

  it('A6 replays a chunked body that the upstream refused before its end', async () => {
    const body = randomBytes(400_000);
    const early = await earlyRefusal(refused);
    const proxy = await startCupbearer(
      `
server: { listen: "127.0.0.1:0", admin: "off" }
providers: { p: { token: { url: "${s.tokens.url}/token" } } }
credentials: { c: { provider: p, client_id: id, client_secret: SENT-CLIENT } }
routes: { /e: { upstream: "http://127.0.0.1:${early.port}", credential: c } }
`,
      { clock: s.clock },
    );
    expect(
      (await rawRequest(proxy.port, 'GET /e HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'))
        .status,
    ).toBe(200);
    s.clock.advance(5_000);
    const head = `POST /e HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const response = await rawRequest(proxy.port, Buffer.concat([Buffer.from(head), chunks(body)]));
    await proxy.stop();
    await early.close();
    expect(response.status).toBe(200);
    expect(digest(early.replayed())).toBe(digest(body));
  });

  it('A8 recovers from a 401 with an endless body', async () => {
    await s.warm();
    s.answer = (request) => {
      if (bearer(request) !== 'Bearer SENT-T1') return ok;
      const drip = setInterval(() => request.socket.write(`4000\r\n${'x'.repeat(0x4000)}\r\n`), 1);
      request.socket.on('close', () => clearInterval(drip));
      return 'HTTP/1.1 401 Unauthorized\r\nTransfer-Encoding: chunked\r\n\r\n';
    };
    expect((await s.send('GET /api/x')).status).toBe(200);
    await expect.poll(() => s.up.connections.size, { timeout: 3_000 }).toBeLessThanOrEqual(1);
  });

  it('A9 never retries what breaks after the answer began', async () => {
    s.answer = (request) => {
      setTimeout(() => request.socket.destroy(), 20);
      return 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart';
    };
    const response = await s.send('GET /api/x');
    expect([response.status, response.body]).toEqual([200, 'part']);
    expect(s.up.requests).toHaveLength(1);
  });

  it.each([
    '403 Forbidden',
    '407 Proxy Authentication Required',
    '429 Too Many Requests\r\nRetry-After: 9',
    '500 Oops',
    '503 Busy',
  ])('A11 never retries %s', async (status) => {
    s.answer = () => `HTTP/1.1 ${status}\r\nContent-Length: 3\r\n\r\nwhy`;
    const response = await s.send('GET /api/x');
    expect(response.status).toBe(status.startsWith('407') ? 502 : Number(status.slice(0, 3)));
    expect(s.up.requests).toHaveLength(1);
    expect(s.tokens.calls).toBe(1);
  });

  it.each(['insufficient_scope', 'use_dpop_nonce'])(
    'R28 R29 passes a 401 that asks for %s through',
    async (error) => {
      s.answer = () =>
        `HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer error="${error}"\r\nContent-Length: 3\r\n\r\nwhy`;
      expect((await s.send('GET /api/x')).status).toBe(401);
      expect([s.up.requests.length, s.tokens.calls]).toEqual([1, 1]);
    },
  );

  it('A12 sends a POST once when the upstream resets a reused connection', async () => {
    s.answer = (request, count) => {
      if (count === 1) return ok;
      request.socket.resetAndDestroy();
    };
    expect((await post('/api/x', Buffer.from('1'))).status).toBe(200);
    expect((await post('/api/x', Buffer.from('2'))).status).toBe(502);
    expect(s.up.requests).toHaveLength(2);
  });

  it('A13 makes one token call for 500 requests whose token was refused', async () => {
    await refuseFirstToken();
    const responses = await Promise.all(Array.from({ length: 500 }, () => s.send('GET /api/x')));
    expect(new Set(responses.map((r) => r.status))).toEqual(new Set([200]));
    expect(s.tokens.calls).toBe(2);
  });

  it('A17 asks for few tokens when the upstream refuses everything', async () => {
    await s.warm();
    s.answer = () => refused;
    for (let i = 0; i < 20; i++) {
      const responses = await Promise.all(Array.from({ length: 50 }, () => s.send('GET /api/x')));
      expect(new Set(responses.map((r) => r.status))).toEqual(new Set([401]));
    }
    expect(s.tokens.calls).toBeLessThanOrEqual(4);
  });

  it('A1 passes the second refusal through and tries no third time', async () => {
    await s.warm();
    s.answer = () => refused;
    const response = await s.send('GET /api/x');
    expect([response.status, response.body]).toEqual([401, 'refused']);
    expect(s.up.requests).toHaveLength(2);
  });
});

describe('A: the token endpoint misbehaves', () => {
  const s = useSetting();

  it.each([
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' }, body: '' }],
    ['HTML', { headers: { 'content-type': 'text/html' }, body: '<html>SENT-T</html>' }],
    ['invalid JSON', { body: '{"access_token": "SENT-T' }],
    ['an empty body', { body: '' }],
    ['token_type mac', { body: { access_token: 'SENT-T', token_type: 'mac' } }],
    ['a token with CR LF', { body: { access_token: 'SENT-T\r\nX-Evil: 1' } }],
    ['a token with a space', { body: { access_token: 'SENT-T x' } }],
    ['a token with a control character', { body: { access_token: 'SENT-T\u0007' } }],
    ['a token over 16 KiB', { body: { access_token: `SENT-T${'x'.repeat(17_000)}` } }],
    [
      'a gzip bomb',
      {
        headers: { 'content-encoding': 'gzip' },
        body: gzipSync(Buffer.alloc(64 * 1024 * 1024)).toString('latin1'),
      },
    ],
    ['10 MiB', { body: { access_token: 'SENT-T', pad: 'x'.repeat(10 * 1024 * 1024) } }],
    [
      'invalid_client',
      { status: 401, body: { error: 'invalid_client', error_description: 'SENT-CLIENT is wrong' } },
    ],
    ['200 with an error body', { body: { error: 'invalid_scope' } }],
    ['500', { status: 500, body: 'SENT-T' }],
    ['429', { status: 429, headers: { 'retry-after': '30' }, body: '' }],
  ])('A16 answers with a problem and forwards nothing after %s', async (_what, reply) => {
    s.tokens.answer = () => reply;
    const response = await s.send('GET /api/x');
    expect([502, 503]).toContain(response.status);
    expect(values(response, 'content-type')).toEqual(['application/problem+json']);
    expect(values(response, 'proxy-status')[0]).toMatch(/^cupbearer; error=/);
    expect(JSON.parse(response.body)).toMatchObject({
      type: expect.stringMatching(/^urn:cupbearer:problem:/),
      detail: expect.stringContaining('one'),
    });
    expect(s.up.accepted).toBe(0);
    expectNoSecret(response);
  });

  it.each([-1, 0, '3600', 1e308, null, 'soon'])('A16 lives with expires_in %j', async (expires_in) => {
    s.tokens.answer = (count) => ({ body: { access_token: `SENT-T${count}`, expires_in } });
    expect((await s.send('GET /api/x')).status).toBe(200);
    expect(s.tokens.calls).toBe(1);
  });

  it('A14 R19 R21 sends nothing upstream while no token can be had, and does not storm', async () => {
    s.tokens.answer = () => ({ status: 500, body: '' });
    const responses = await Promise.all(Array.from({ length: 200 }, () => s.send('GET /api/x')));
    expect(new Set(responses.map((r) => r.status))).toEqual(new Set([503]));
    expect(values(responses[199]!, 'retry-after')[0]).toMatch(/^\d+$/);
    expect(s.tokens.calls).toBeLessThanOrEqual(2);
    expect(s.up.accepted).toBe(0);
  });

  it('A20 keeps answering clearly when the provider wants a new login, with no call for each request', async () => {
    s.tokens.answer = () => ({ status: 400, body: { error: 'invalid_grant' } });
    for (let i = 0; i < 5; i++) expect((await s.send('GET /api/x')).status).toBe(502);
    expect(s.tokens.calls).toBe(1);
  });
});

function chunks(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; at += 10_000) {
    const piece = body.subarray(at, at + 10_000);
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}
