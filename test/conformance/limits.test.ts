import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ok, rawRequest, values } from '../support/raw.ts';
import { receive } from '../support/raw-caller.ts';
import { useSetting } from './setting.ts';

/** A caller on a raw connection of its own; what it has received, and whether the other side has ended it. */
class Caller {
  readonly socket: Socket;
  text = '';
  ended = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => {
      this.text += chunk.toString('latin1');
    });
    this.socket.on('close', () => {
      this.ended = true;
    });
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.text)?.[1] ?? 0);
  }
}

const callers: Caller[] = [];
const hangUp = () => {
  for (const { socket } of callers.splice(0)) socket.destroy();
};

function open(port: number, head: string): Caller {
  const caller = new Caller(port);
  caller.socket.write(head.replaceAll('\n', '\r\n'));
  callers.push(caller);
  return caller;
}

const post = (fields: string, body = '') => `POST /api/x HTTP/1.1\nHost: localhost\n${fields}\n\n${body}`;
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

describe('a request body beyond max_body', () => {
  const setting = useSetting({ route: ', max_body: 1KiB, replay_limit: 4KiB' });
  afterEach(hangUp);

  it('is refused when announced, before any token or upstream call, and its connection ends', async () => {
    const caller = open(setting.proxy.port, post('Content-Length: 1025'));
    await expect.poll(() => caller.status).toBe(413);
    expect(caller.text).toContain('urn:cupbearer:problem:body-too-large');
    expect(caller.text).toMatch(/^connection: close\r$/im);
    await expect.poll(() => caller.ended, { timeout: 3_000 }).toBe(true);
    expect([setting.tokens.calls, setting.up.accepted]).toEqual([0, 0]);
  });

  it('is refused with an answer that arrives though the body is still being sent', async () => {
    const body = Buffer.alloc(8 * 1024 * 1024, 'x');
    const response = await setting.send('POST /api/x', [`Content-Length: ${body.length}`], body);
    expect(response.status).toBe(413);
    expect(setting.up.accepted).toBe(0);
  });

  it.each([1024, 1])('passes up to the limit: %i bytes, announced and chunked', async (length) => {
    const body = 'x'.repeat(length);
    expect((await setting.send('POST /api/a', [`Content-Length: ${length}`], body)).status).toBe(200);
    const chunked = await setting.send(
      'POST /api/b',
      ['Transfer-Encoding: chunked'],
      `${chunk(body)}0\r\n\r\n`,
    );
    expect(chunked.status).toBe(200);
    expect(setting.up.requests.map((request) => request.body.length)).toEqual([length, length]);
  });

  it('aborts the upstream request when a chunked one grows beyond, and never completes it', async () => {
    const caller = open(setting.proxy.port, post('Transfer-Encoding: chunked'));
    caller.socket.write(chunk('x'.repeat(1000)));
    await expect.poll(() => setting.up.bytes().includes('x'.repeat(1000))).toBe(true);
    expect(caller.text).toBe('');
    caller.socket.write(chunk('y'.repeat(25)));
    await expect.poll(() => caller.status).toBe(413);
    await expect.poll(() => caller.ended, { timeout: 3_000 }).toBe(true);
    await expect.poll(() => setting.up.connections.size).toBe(0);
    expect(setting.up.requests).toEqual([]);
    expect(setting.up.bytes()).not.toContain('0\r\n\r\n');
  });

  it('breaks off an answer that has begun when a chunked one grows beyond', async () => {
    const caller = open(setting.proxy.port, post('Transfer-Encoding: chunked'));
    caller.socket.write(chunk('x'.repeat(1000)));
    await expect.poll(() => setting.up.bytes().includes('x'.repeat(1000))).toBe(true);
    const [upstream] = setting.up.connections;
    upstream?.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    await expect.poll(() => caller.text).toContain('half');
    caller.socket.write(chunk('y'.repeat(25)));
    await expect.poll(() => caller.ended, { timeout: 3_000 }).toBe(true);
    expect(caller.text).toMatch(/half$/);
    await expect.poll(() => setting.up.connections.size).toBe(0);
  });

  it('is refused when a chunked one grows beyond while it is kept for a second attempt', async () => {
    await setting.warm();
    const caller = open(setting.proxy.port, post('Transfer-Encoding: chunked'));
    caller.socket.write(chunk('x'.repeat(1000)));
    await expect.poll(() => setting.up.bytes().includes('x'.repeat(1000))).toBe(true);
    const calls = setting.tokens.calls;
    const begun = [...setting.up.connections].at(-1);
    begun?.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
    await expect.poll(() => setting.tokens.calls).toBe(calls + 1);
    caller.socket.write(chunk('y'.repeat(25)));
    await expect.poll(() => caller.status).toBe(413);
    await expect.poll(() => caller.ended, { timeout: 3_000 }).toBe(true);
    expect(setting.up.requests).toEqual([]);
  });
});

describe('a caller that sends its body slowly', () => {
  const setting = useSetting({ server: 'body_timeout: 500ms', route: ', replay_limit: 1KiB' });
  afterEach(hangUp);

  it.each([
    ['announces a small body and stays silent', 'Content-Length: 10', 'half'],
    ['announces a large body and stays silent', 'Content-Length: 100000', 'half'],
    ['announces a chunked body and stays silent', 'Transfer-Encoding: chunked', '4\r\nhalf\r\n'],
    ['announces a chunked body and sends nothing', 'Transfer-Encoding: chunked', ''],
  ])('and %s gets 408 in time, and its upstream request is aborted', async (_, field, body) => {
    const began = performance.now();
    const caller = open(setting.proxy.port, post(field));
    caller.socket.write(body);
    await expect.poll(() => caller.status, { timeout: 3_000 }).toBe(408);
    expect(performance.now() - began).toBeGreaterThan(450);
    expect(caller.text).toContain('urn:cupbearer:problem:request-timeout');
    expect(caller.text).toMatch(/^connection: close\r$/im);
    await expect.poll(() => caller.ended, { timeout: 3_000 }).toBe(true);
    await expect.poll(() => setting.up.connections.size).toBe(0);
    expect(setting.up.requests).toEqual([]);
  });

  it('and trickles an announced one is given its time at 1 KiB/s and no more', async () => {
    const caller = open(setting.proxy.port, post('Content-Length: 1024'));
    const trickle = setInterval(() => caller.socket.write('x'), 100);
    const began = performance.now();
    try {
      await expect.poll(() => caller.status, { timeout: 5_000 }).toBe(408);
      expect(performance.now() - began).toBeGreaterThan(1_450);
    } finally {
      clearInterval(trickle);
    }
  });

  it.each(['OPTIONS * HTTP/1.1', 'OPTIONS /api/x HTTP/1.1\nMax-Forwards: 0', 'GET /nowhere HTTP/1.1'])(
    'and sends it with %j, which is answered at once, is not listened to for long',
    async (line) => {
      const caller = open(setting.proxy.port, `${line}\nHost: localhost\nContent-Length: 1000000\n\n`);
      const trickle = setInterval(() => caller.socket.write('x'), 100);
      await expect.poll(() => caller.ended, { timeout: 3_000 }).toBe(true);
      clearInterval(trickle);
    },
  );

  it('and keeps a pace that is allowed is served', async () => {
    const caller = open(setting.proxy.port, post('Content-Length: 2500'));
    for (let piece = 0; piece < 5; piece++) {
      caller.socket.write('x'.repeat(500));
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    await expect.poll(() => caller.status).toBe(200);
    expect(setting.up.requests.map(({ body }) => body.length)).toEqual([2500]);
  });

  it('and stays silent after the head of the answer went out is cut off', async () => {
    const caller = open(setting.proxy.port, post('Transfer-Encoding: chunked'));
    caller.socket.write(chunk('half'));
    await expect.poll(() => setting.up.bytes().includes('half')).toBe(true);
    const [upstream] = setting.up.connections;
    upstream?.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    await expect.poll(() => caller.ended, { timeout: 3_000 }).toBe(true);
    expect(caller.text).toMatch(/half$/);
    await expect.poll(() => setting.up.connections.size).toBe(0);
  });

  it('and stays silent after an answer without a length has begun cannot take it for whole, with HTTP/1.0', async () => {
    const head = 'POST /api/x HTTP/1.0\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nhalf';
    const received = receive(setting.proxy.port, head);
    await expect.poll(() => setting.up.bytes().includes('half')).toBe(true);
    const [upstream] = setting.up.connections;
    upstream?.write('HTTP/1.1 200 OK\r\n\r\nabc');
    expect(await received).toMatchObject({ status: 200, ending: 'reset' });
  });

  it('because the upstream does not take it is not blamed', async () => {
    const caller = open(setting.proxy.port, post('Content-Length: 60000000'));
    await expect.poll(() => setting.up.connections.size).toBe(1);
    const [upstream] = setting.up.connections;
    upstream?.pause();
    for (let block = 0; block < 60; block++) caller.socket.write(Buffer.alloc(1_000_000));
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    expect([caller.text, caller.ended]).toEqual(['', false]);
    upstream?.on('data', () => {});
    upstream?.resume();
    upstream?.write(ok);
    await expect.poll(() => caller.status, { timeout: 5_000 }).toBe(200);
  });

  it('because its token is slow to come is not blamed', async () => {
    setting.tokens.answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1_300));
      return { body: { access_token: 'SENT-T', token_type: 'Bearer', expires_in: 3600 } };
    };
    const response = await setting.send(
      'POST /api/x',
      ['Transfer-Encoding: chunked'],
      `${chunk('abc')}0\r\n\r\n`,
    );
    expect(response.status).toBe(200);
  });

  it('and is refused anyway does not hold its connection', async () => {
    const caller = open(
      setting.proxy.port,
      'POST /nowhere HTTP/1.1\nHost: localhost\nContent-Length: 10\n\nhalf',
    );
    await expect.poll(() => caller.status).toBe(404);
    await expect.poll(() => caller.ended, { timeout: 3_000 }).toBe(true);
  });
});

describe('a caller that is slow to ask', () => {
  const setting = useSetting({ server: 'header_timeout: 500ms' });
  afterEach(hangUp);

  it.each([
    ['sends nothing', ''],
    ['stops within the request line', 'GET /api'],
    ['stops within its fields', 'GET /api/x HTTP/1.1\nHost: loc'],
  ])('and %s is cut off in time', async (_, bytes) => {
    const began = performance.now();
    const caller = open(setting.proxy.port, bytes);
    await expect.poll(() => caller.ended, { timeout: 2_500 }).toBe(true);
    expect(performance.now() - began).toBeGreaterThan(450);
    expect(caller.text).toMatch(/^(?:HTTP\/1\.1 408 |$)/);
    expect(setting.up.accepted).toBe(0);
  });

  it('and trickles its fields is cut off all the same, though it was served before', async () => {
    const caller = open(setting.proxy.port, 'GET /api/x HTTP/1.1\nHost: localhost\n\n');
    await expect.poll(() => caller.status).toBe(200);
    caller.socket.write('GET /api/y HTTP/1.1\r\nHost: localhost\r\nX: ');
    const trickle = setInterval(() => caller.socket.write('x'), 100);
    try {
      await expect.poll(() => caller.ended, { timeout: 2_500 }).toBe(true);
    } finally {
      clearInterval(trickle);
    }
    expect(setting.up.requests).toHaveLength(1);
  });

  it('does not keep a good one from being served for longer than that', async () => {
    setting.answer = (request) => {
      setTimeout(() => request.socket.write(ok), 1_000);
      return undefined;
    };
    expect((await setting.send('GET /api/slow')).status).toBe(200);
  });
});

describe('a caller that does not take its answer', () => {
  const setting = useSetting({ server: 'send_timeout: 500ms' });
  afterEach(hangUp);
  const mebibytes = 24;
  const endless = (request: { socket: Socket }) => {
    request.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${mebibytes * 1024 * 1024}\r\n\r\n`);
    for (let block = 0; block < mebibytes; block++) request.socket.write(Buffer.alloc(1024 * 1024));
    return undefined;
  };

  it.each(['1.1', '1.0'])('is cut off, its upstream request too, with HTTP/%s', async (version) => {
    setting.answer = endless;
    const caller = open(setting.proxy.port, `GET /api/x HTTP/${version}\nHost: localhost\n\n`);
    let failure: string | undefined;
    caller.socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error.code;
    });
    caller.socket.pause();
    await expect
      .poll(() => setting.proxy.usage(), { timeout: 5_000 })
      .toMatchObject({ connections: 1, exchanges: 1 });
    await expect
      .poll(() => setting.proxy.usage(), { timeout: 5_000 })
      .toMatchObject({ connections: 0, exchanges: 0 });
    await expect.poll(() => setting.up.connections.size).toBe(0);
    expect(setting.proxy.log()).toContain('"aborted":"caller"');
    caller.socket.resume();
    await expect.poll(() => caller.ended).toBe(true);
    expect(failure).toBe('ECONNRESET');
  });

  it('is cut off when what waits for it is a row of small answers', async () => {
    const caller = open(setting.proxy.port, '');
    caller.socket.pause();
    const refused = 'GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1_000);
    for (let block = 0; block < 40; block++) caller.socket.write(refused);
    await expect.poll(async () => (await setting.proxy.usage()).connections, { timeout: 3_000 }).toBe(1);
    await expect.poll(async () => (await setting.proxy.usage()).connections, { timeout: 12_000 }).toBe(0);
  }, 20_000);

  it('for a while only, is served to the end', async () => {
    setting.answer = endless;
    const caller = open(setting.proxy.port, 'GET /api/x HTTP/1.1\nHost: localhost\nConnection: close\n\n');
    let received = 0;
    caller.socket.removeAllListeners('data');
    caller.socket.on('data', (bytes) => {
      received += bytes.length;
      if (received % 7 === 0) return;
      caller.socket.pause();
      setTimeout(() => caller.socket.resume(), 4);
    });
    await expect.poll(() => caller.ended, { timeout: 30_000 }).toBe(true);
    expect(received).toBeGreaterThan(mebibytes * 1024 * 1024);
  }, 40_000);
});

describe('exchanges beyond max_requests', () => {
  const setting = useSetting({ server: 'max_requests: 2' });
  afterEach(hangUp);

  it('are answered 503 at once while others hang, and are served again when those are over', async () => {
    setting.answer = () => undefined;
    const held = [1, 2].map((n) =>
      open(setting.proxy.port, `GET /api/${n} HTTP/1.1\nHost: localhost\nConnection: close\n\n`),
    );
    await expect.poll(() => setting.up.requests.length).toBe(2);
    const began = performance.now();
    const response = await setting.send('GET /api/3');
    expect(performance.now() - began).toBeLessThan(300);
    expect([response.status, values(response, 'retry-after')]).toEqual([503, ['1']]);
    expect(response.text).toContain('urn:cupbearer:problem:overloaded');
    expect(setting.up.requests).toHaveLength(2);
    for (const { socket } of setting.up.requests) socket.write(ok);
    await expect.poll(() => held.map(({ status }) => status)).toEqual([200, 200]);
    setting.answer = () => ok;
    expect((await setting.send('GET /api/4')).status).toBe(200);
  });
});

describe('connections beyond max_connections', () => {
  const setting = useSetting({ server: 'max_connections: 50' });
  afterEach(hangUp);

  it('D7 are closed at once, told once, and taken again when others end', async () => {
    const head = 'GET /api/x HTTP/1.1\nHost: localhost\n\n';
    const many = Array.from({ length: 400 }, () => open(setting.proxy.port, head));
    await expect
      .poll(() => [
        many.filter((caller) => caller.status === 200).length,
        many.filter((caller) => caller.ended).length,
      ])
      .toEqual([50, 350]);
    expect((await setting.proxy.usage()).connections).toBe(50);
    const told = setting.proxy.log().match(/server\.max_connections is reached/g);
    expect(told).toHaveLength(1);
    for (const { socket } of many) socket.destroy();
    await expect.poll(async () => (await setting.proxy.usage()).connections).toBe(0);
    const { port } = setting.proxy;
    const again = await rawRequest(
      port,
      `${head.replace('\n\n', '\nConnection: close\n\n')}`.replaceAll('\n', '\r\n'),
    );
    expect(again.status).toBe(200);
  });
});
