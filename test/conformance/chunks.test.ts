import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Fixture, startCupbearer, type TokenServer, tokenServer } from '../support/fixture.ts';
import { ok, rawRequest } from '../support/raw.ts';

const MiB = 1024 * 1024;

describe('D: chunks', () => {
  let received: Buffer[];
  let upstream: Server;
  let tokens: TokenServer;
  let proxy: Fixture;

  beforeEach(async () => {
    received = [];
    upstream = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        if (chunk.includes('GET /good')) socket.write(ok);
        else {
          received.push(chunk);
          if (chunk.subarray(-5).equals(Buffer.from('0\r\n\r\n'))) socket.write(ok);
        }
      });
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    tokens = await tokenServer('SENT-T');
    proxy = await startCupbearer(`
server: { listen: "127.0.0.1:0", admin: "off" }
providers: { vendor: { token: { url: "${tokens.url}/token" } } }
credentials: { one: { provider: vendor, client_id: id, client_secret: SENT-CLIENT } }
routes: { /api: { upstream: "http://127.0.0.1:${(upstream.address() as { port: number }).port}", credential: one } }
`);
  });
  afterEach(async () => {
    await expect
      .poll(() => proxy.usage())
      .toMatchObject({ connections: 0, exchanges: 0, watched: 0, buffered: 0 });
    await proxy.stop();
    upstream.close();
    await tokens.close();
  });

  const good = async () => {
    const { port } = proxy;
    const answer = await rawRequest(
      port,
      'GET /api/good HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    expect(answer.status).toBe(200);
  };
  const head =
    'POST /api/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n';

  /** Sends the pieces as fast as they are taken, until the other side has had enough; gives what it said and the peak of memory. */
  async function upload(
    pieces: Iterable<string | Buffer>,
  ): Promise<{ answer: string; sent: number; grown: number }> {
    const held = () => {
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const before = held();
    let peak = before;
    let answer = '';
    let sent = 0;
    const socket = connect(proxy.port, '127.0.0.1');
    socket.on('error', () => {}).on('data', (chunk) => (answer += chunk));
    const closed = once(socket, 'close');
    for (const piece of pieces) {
      if (socket.destroyed || answer !== '') break;
      sent += piece.length;
      if (!socket.write(piece)) await Promise.race([once(socket, 'drain').catch(() => {}), closed]);
      peak = Math.max(peak, held());
    }
    await closed;
    return { answer, sent, grown: peak - before };
  }

  it.each([
    ['in its first chunk', ''],
    ['behind another chunk', '5\r\nfirst\r\n'],
  ])(
    'D5 an endless chunk extension %s is refused once it is longer than a head may be',
    async (_where, first) => {
      function* pieces() {
        yield `${head}${first}3;`;
        const piece = Buffer.alloc(64 * 1024, 'a');
        for (let i = 0; i < 1_600; i++) yield piece;
      }
      const { answer, grown } = await upload(pieces());
      expect(answer).toMatch(/^HTTP\/1\.1 413 /);
      expect(answer).toContain('urn:cupbearer:problem:body-too-large');
      expect(grown).toBeLessThan(40 * MiB);
      expect(Buffer.concat(received).toString('latin1')).not.toMatch(/a{10}|\r\n0\r\n/);
      await good();
    },
  );

  it('D6 a million chunks of one byte arrive as they are, for little memory, and hold nobody up', async () => {
    const count = 1_000_000;
    let isOver = false;
    function* pieces() {
      yield head;
      const piece = Buffer.from('1\r\na\r\n1\r\nb\r\n'.repeat(5_000));
      for (let i = 0; i < count / 10_000; i++) yield piece;
      yield '0\r\n\r\n';
    }
    const meanwhile = (async () => {
      let answered = 0;
      for (; !isOver; answered++) await good();
      return answered;
    })();
    const { answer, grown } = await upload(pieces());
    isOver = true;
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(await meanwhile).toBeGreaterThan(3);
    expect(grown).toBeLessThan(90 * MiB);
    const [, body = ''] = Buffer.concat(received)
      .toString('latin1')
      .split(/\r\n\r\n(.*)/s);
    const content = body.replace(/(?:^|\r\n)([0-9a-f]+)\r\n/gi, '').replace(/\r\n$/, '');
    expect(content === 'ab'.repeat(count / 2)).toBe(true);
  }, 60_000);
});
